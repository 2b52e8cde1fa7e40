"""PostgreSQL with a limited number of connections for each process, as a pool would have it."""
