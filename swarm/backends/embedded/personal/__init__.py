"""Where personal data stands in a text."""
