"""Where the events of runs are kept."""
