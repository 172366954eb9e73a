"""What `docs/generate.py` takes from the code: one module for each subject, Markdown out."""
