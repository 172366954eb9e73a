"""Finding, quoting and shortening texts."""
