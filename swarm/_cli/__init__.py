"""The command line: `swarm demo`, `check`, `run` and the others, one module each under `commands`."""
