"""Graphs built in Python: references, bodies, and their YAML."""
