"""What is done about a whole unresolved address: every row of one member that waits for it, through repair.py."""

from collections.abc import Callable

from activity import repair
from activity.models import SyncJob
from activity.queries.unresolved import unresolved_jobs
from workspaces.models import Membership

MOST_AT_ONCE = 100
NOTHING_WAITS = "Nothing waits for this address any more."


def look_again(member: Membership, address: str) -> int:
    """Match the member's rows for an address anew; returns how many are tried. Raises repair.RepairError."""
    return _each(member, address, lambda job: repair.retry(job, member.user))


def link(member: Membership, address: str, person_id: str) -> int:
    """Log the member's rows for an address to a Contact or Lead; returns how many. Raises repair.RepairError."""
    return _each(member, address, lambda job: repair.relink(job, person_id, member.user))


def _each(member: Membership, address: str, change: Callable[[SyncJob], None]) -> int:
    """Change the newest rows first. Raises when the first one cannot be changed; a later one is passed over."""
    count = 0
    for job in unresolved_jobs(member, address).order_by("-created_at", "-pk")[:MOST_AT_ONCE]:
        try:
            change(job)
        except repair.RepairError:
            if not count:
                raise
        else:
            count += 1
    if not count:
        raise repair.RepairError(NOTHING_WAITS)
    return count
