"""One module for each kind of node: what it does with its arguments."""
