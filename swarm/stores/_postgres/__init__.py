"""How runs are kept in PostgreSQL: connections, tables, statements; `swarm.stores.postgres` is the door."""
