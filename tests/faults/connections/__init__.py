"""Faults around tokens and grants: `python -m tests.faults.connections.refresh_under_load` and its neighbours."""
