"""Which expert serves a request, and which rung of its cascade answers it."""
