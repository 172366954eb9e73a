"""How runs are kept in an SQLite file: the file, its lock, its writer, and reading it."""
