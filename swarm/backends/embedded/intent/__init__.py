"""Which label a short text has: learned from examples."""
