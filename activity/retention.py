"""What is forgotten, and when. Finished rows go after the workspace's retention, unfinished ones never."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from activity.counts import forget_empty_counts
from activity.models import (
    Activity,
    DecisionTrace,
    ErrorGroup,
    KnownMeeting,
    KnownPerson,
    LedgerEntry,
    LogChange,
    LoggedRecord,
    Meeting,
    Message,
    SyncAttempt,
    SyncJob,
    SyncState,
    TrackedMessage,
)
from workspaces.models import Workspace

LEDGER_KEPT_FOR = timedelta(days=180)
"""Longer than the log: a report that comes again late is still known."""
RECORDS_KEPT_FOR = timedelta(days=730)
PEOPLE_KEPT_FOR = timedelta(days=90)
CHANGES_KEPT_FOR = timedelta(hours=1)
AT_ONCE = 5_000
FINISHED = (SyncState.SYNCED, SyncState.SKIPPED, SyncState.FAILED)


def forget_old() -> int:
    """Forget in portions what is old enough, in every workspace; returns how many jobs went."""
    now = timezone.now()
    _delete(LedgerEntry.objects.filter(recorded_at__lt=now - LEDGER_KEPT_FOR))
    _delete(KnownMeeting.objects.filter(ends_at__lt=now - LEDGER_KEPT_FOR))
    _delete(LoggedRecord.objects.filter(created_at__lt=now - RECORDS_KEPT_FOR))
    _delete(KnownPerson.objects.filter(fetched_at__lt=now - PEOPLE_KEPT_FOR, chosen_id=""))
    _delete(ErrorGroup.objects.filter(last_failed_at__lt=now - PEOPLE_KEPT_FOR))
    _delete(TrackedMessage.objects.filter(expires_at__lt=now))
    newer = LogChange.objects.filter(owner=OuterRef("owner"), changed_at__gt=OuterRef("changed_at"))
    _delete(LogChange.objects.filter(Exists(newer), changed_at__lt=now - CHANGES_KEPT_FOR))
    forget_empty_counts()
    return sum(forget_workspace(workspace, now) for workspace in Workspace.objects.order_by("pk"))


def forget_workspace(workspace: Workspace, now: datetime) -> int:
    """Forget the workspace's old finished jobs, then what nothing refers to any more; returns how many jobs."""
    before = now - timedelta(days=workspace.retention_days)
    old = SyncJob.objects.filter(workspace=workspace, state__in=FINISHED, created_at__lt=before, due=None)
    count = 0
    while ids := list(old.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
        with transaction.atomic():
            # Somebody may have pressed Retry since: who is locked is looked at again (READ COMMITTED).
            ids = list(
                old.filter(pk__in=ids).order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True)
            )
            SyncAttempt.objects.filter(job_id__in=ids).delete()
            DecisionTrace.objects.filter(job_id__in=ids).delete()
            SyncJob.objects.filter(pk__in=ids).delete()
        count += len(ids)
    _forget_unreferred(workspace, before)
    return count


def _forget_unreferred(workspace: Workspace, before: datetime) -> None:
    jobs = Exists(SyncJob.objects.filter(activity=OuterRef("pk")))
    _delete(Activity.objects.filter(~jobs, workspace=workspace, created_at__lt=before))
    of_message = Exists(Activity.objects.filter(message=OuterRef("pk")))
    tracked = Exists(TrackedMessage.objects.filter(message=OuterRef("pk")))
    _delete(Message.objects.filter(~of_message, ~tracked, workspace=workspace, created_at__lt=before))
    of_meeting = Exists(Activity.objects.filter(meeting=OuterRef("pk")))
    _delete(Meeting.objects.filter(~of_meeting, workspace=workspace, created_at__lt=before, end__lt=before))


def _delete(rows: QuerySet) -> None:
    """Delete in portions, so that no statement holds locks for long."""
    while ids := list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
        rows.model.objects.filter(pk__in=ids).delete()
