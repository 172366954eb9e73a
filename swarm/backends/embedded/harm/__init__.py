"""Whether a text is harmful, and how; whether it tries to take a model over."""
