"""The error table, one file per kind of trouble. A code stands in exactly one file."""
