"""From names to what they stand for: experts, their files, models, tools."""
