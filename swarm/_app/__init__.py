"""The application: a checked graph as `Swarm`, the router as `Router`, names turned into objects."""
