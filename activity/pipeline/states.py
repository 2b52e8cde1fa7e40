"""Which moves a job's state may make. Pure; the writers in statements.py name the expected states in their WHERE."""

from activity.models.sync import SyncState

WAITING, UNKNOWN, SYNCED = SyncState.WAITING, SyncState.UNKNOWN, SyncState.SYNCED
SKIPPED, HELD, FAILED = SyncState.SKIPPED, SyncState.HELD, SyncState.FAILED

MOVES: dict[SyncState, frozenset[SyncState]] = {
    # Everything can happen to what waits; a stopped one goes on from here.
    WAITING: frozenset({WAITING, UNKNOWN, SYNCED, SKIPPED, HELD, FAILED}),
    # Held ones are sent as they are when their time comes.
    HELD: frozenset({WAITING, UNKNOWN, SYNCED, SKIPPED, HELD, FAILED}),
    # The record may exist: only a look-up (or the end of the schedule) leads out, never a person and never a hold.
    UNKNOWN: frozenset({UNKNOWN, WAITING, SYNCED, SKIPPED, FAILED}),
    # A match that appears later, or a person who says "log it all the same".
    SKIPPED: frozenset({WAITING, HELD}),
    FAILED: frozenset({WAITING, HELD, SKIPPED}),
    # Withdrawn by a person, or found deleted in Salesforce.
    SYNCED: frozenset({SKIPPED}),
}

OPEN: frozenset[SyncState] = frozenset({WAITING, HELD, UNKNOWN})
"""What still wants to get to Salesforce."""

SENDABLE: frozenset[SyncState] = OPEN
"""What a worker may find behind a DueJob."""

REPAIRABLE: frozenset[SyncState] = frozenset({SKIPPED, FAILED, HELD, WAITING})
"""What a person may act on: never while the outcome is unknown, for the record may exist."""


def may_move(before: SyncState, after: SyncState) -> bool:
    """Whether a job may go from one state to another."""
    return after in MOVES[before]


def sources_of(after: SyncState) -> frozenset[SyncState]:
    """The states from which `after` may be reached."""
    return frozenset(before for before in MOVES if after in MOVES[before])
