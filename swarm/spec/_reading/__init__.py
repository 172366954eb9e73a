"""From YAML text to specs: one parse, every problem with its place."""
