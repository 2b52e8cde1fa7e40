"""The lengths of things under faults: production's, about 75 times as fast, in the same proportion."""

SCALED = {
    "SYNC_BATCH_WINDOW": "0.2",
    "SYNC_LEASE": "8",  # 600 s
    "SYNC_LOOKUP_DELAYS": "0,0.8,4,9.6",  # 0, 60, 300, 720 s
    "SYNC_DRAIN_LIMIT": "5",
}
"""SYNC_CLOCK_TOLERANCE stays at its full length: a worker whose clock is off would send nothing, and clocks are moved
here to see that leases and fences hold by themselves."""
LEASE = float(SCALED["SYNC_LEASE"])
LATEST_COMMIT = 8.0
"""Salesforce works on a call for up to ten minutes after we gave up."""
QUEUE_TIMEOUT, QUEUE_RETRY = 20, 25
SWEEP_EVERY = 1.5
"""The ticker sweeps once a minute; django-q2 itself looks at its schedules every 30 s, so the harness ticks."""
CONNECT_SECONDS, READ_SECONDS, WRITE_SECONDS = 1.5, 1.5, 2.0
