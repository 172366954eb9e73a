"""What authors write: graphs, experts, types, expressions and templates, read with their places."""
