"""Every pair of states."""

import itertools

import pytest

from activity.models import SyncState
from activity.pipeline.states import OPEN, REPAIRABLE, may_move, sources_of

ALLOWED = {
    "waiting": "waiting unknown synced skipped held failed",
    "held": "waiting unknown synced skipped held failed",
    "unknown": "unknown waiting synced skipped failed",
    "skipped": "waiting held",
    "failed": "waiting held skipped",
    "synced": "skipped",
}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(SyncState, SyncState)))
def test_every_pair(before: SyncState, after: SyncState) -> None:
    allowed = after.value in ALLOWED[before.value].split()

    assert may_move(before, after) is allowed
    assert (before in sources_of(after)) is allowed


def test_a_person_never_acts_on_what_nobody_knows() -> None:
    assert SyncState.UNKNOWN in OPEN
    assert SyncState.UNKNOWN not in REPAIRABLE
