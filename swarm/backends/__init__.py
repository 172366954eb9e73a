"""The seam to models: `base.py` says what a backend does, one module reaches each family."""
