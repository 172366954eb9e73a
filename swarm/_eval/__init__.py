"""Measuring experts and graphs on cases: what was right, how sure, at what cost; and what follows from it."""
