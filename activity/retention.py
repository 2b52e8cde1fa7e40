"""What is forgotten, and when. Finished rows go after the workspace's retention, unfinished ones never."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat
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
    Participant,
    SyncAttempt,
    SyncJob,
    SyncState,
    TrackedCopy,
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


def erase_address(workspace: Workspace, address: str) -> int:
    """Erase a person outside by their address: who they were and what they wrote; returns how many rows changed.

    Rows of the log stay, without recipient, subject and payload, so that the team's own figures stay true.
    """
    address = address.lower()
    with transaction.atomic():
        jobs = SyncJob.objects.filter(workspace=workspace, recipient=address)
        ids = list(jobs.values_list("pk", flat=True))
        messages = list(
            Message.objects.filter(workspace=workspace, participants__address=address).values_list("pk", flat=True)
        )
        SyncAttempt.objects.filter(job_id__in=ids).update(payload="", answer="")
        DecisionTrace.objects.filter(job_id__in=ids).delete()
        Message.objects.filter(pk__in=messages).update(subject="", text="")
        KnownPerson.objects.filter(workspace=workspace, address=address).delete()
        _forget_meetings_with(workspace, address)
        Activity.objects.filter(workspace=workspace, recipient=address).update(recipient="")
        _silence_copies(messages, address)
        Participant.objects.filter(message__in=messages, address=address).delete()
        return jobs.filter(state__in=FINISHED).update(
            recipient=Concat(Value("erased:"), Cast("pk", CharField())),
            subject="",
            person_name="",
            person_id="",
            person_type="",
            related_name="",
            changed_at=timezone.now(),
        )


def _forget_meetings_with(workspace: Workspace, address: str) -> None:
    """What is known of the person's meetings; their Events are found again by the uid, should one change."""
    rows = KnownMeeting.objects.filter(membership__workspace=workspace)
    rows.annotate(text=Cast("known", TextField())).filter(text__contains=f'"{address}"').delete()
    theirs = Q(organizer=address) | Q(attendees__contains=[{"email": address}])
    Meeting.objects.filter(theirs, workspace=workspace).update(
        title="", location="", description="", organizer="", attendees=[]
    )


def _silence_copies(messages: list[int], address: str) -> None:
    """Links in the person's mails still lead on, but nothing is noted any more.

    A copy for all is silenced too: with one recipient less, what this person opens would be taken for another's.
    """
    copies = TrackedCopy.objects.filter(tracked__message__in=messages)
    copies.filter(recipient="").update(is_silent=True)
    copies.filter(recipient=address).update(
        is_silent=True, recipient=Concat(Value("erased:"), Cast("pk", CharField()))
    )
