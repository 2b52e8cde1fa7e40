"""What the queue runs; queued by dotted name, with integers only."""

from activity import counts, retention, wake
from activity.models import Reason, SyncJob, SyncState
from activity.new_people import look_up
from activity.pipeline import doubles, late, log_to_salesforce
from activity.pipeline import sweep as sweeping
from activity.sources import hits
from activity.sources.meetings import taking as meetings
from workspaces.models import Workspace


def log_due_jobs(connection_id: int) -> None:
    """A wake-up: send what is due for one connection."""
    wake.take(connection_id)
    log_to_salesforce.drain(connection_id)


def sweep() -> int:
    """Each minute: the counts that pages show are folded; then whatever is due and was not woken."""
    counts.fold_counts()
    return sweeping.sweep()


def match_late() -> int:
    """Each half hour: addresses that nobody had may belong to somebody now."""
    unmatched = SyncJob.objects.filter(state=SyncState.SKIPPED, reason=Reason.NO_MATCH)
    workspaces = Workspace.objects.filter(pk__in=unmatched.order_by().values("workspace").distinct())
    return sum(late.match_late(workspace) for workspace in workspaces)


def forget() -> int:
    """Each hour: what is older than the workspace keeps it."""
    return retention.forget_old()


def find_doubles() -> int:
    """Each hour: records that a frozen worker wrote a second time."""
    return doubles.remove_doubles()


def log_next_instances() -> int:
    """Each hour: instances of recurring meetings that have come near."""
    return meetings.log_next_instances()


def look_up_person(creation_id: int) -> None:
    """Look for the Lead or Contact whose creation got no answer."""
    look_up.look_up(creation_id)


def settle_hits() -> int:
    """Each minute, and soon after a hit: opens, clicks and downloads become activities."""
    return hits.settle_hits()
