"""The engine: a scheduler that only decides, a runner that only does, and the work of each node kind."""
