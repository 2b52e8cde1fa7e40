"""A person outside asks to be erased. Rows of the log stay, so that the team's own figures stay true."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import CharField, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from activity.models import (
    Activity,
    CreationState,
    DecisionTrace,
    DueJob,
    KnownMeeting,
    KnownPerson,
    Meeting,
    Message,
    Participant,
    PersonCreation,
    Reason,
    SavedSearch,
    SyncAttempt,
    SyncJob,
    SyncState,
    TrackedCopy,
    WantedText,
)
from activity.models.recipients import ERASED
from workspaces.models import Workspace


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows named the address; how many still do, because Salesforce has not said yet what became of them."""

    rows: int
    under_way: int


@transaction.atomic
def erase_address(workspace: Workspace, address: str) -> Erased:
    """Erase who an address belongs to and what they wrote; what was not sent yet is not sent.

    What is being sent or looked up is left as it is: its record has to be found again. LoggedRecord keeps the address
    as long as it is kept itself: by it a meeting's Event is changed instead of made a second time.
    """
    address = address.lower()
    jobs = SyncJob.objects.filter(workspace=workspace, recipient=address)
    ended = _end(jobs)
    under_way = jobs.exclude(pk__in=ended).count()
    messages = list(
        Message.objects.filter(workspace=workspace, participants__address=address).values_list("pk", flat=True)
    )
    _erase_payloads(ended, messages)
    Message.objects.filter(pk__in=messages).update(subject="", text="")
    WantedText.objects.filter(activity__message__in=messages).delete()
    _forget_meetings_with(workspace, address)
    Activity.objects.filter(workspace=workspace, recipient=address).update(recipient="")
    _silence_copies(messages, address)
    Participant.objects.filter(message__in=messages, address=address).delete()
    KnownPerson.objects.filter(workspace=workspace, address=address).delete()
    PersonCreation.objects.filter(workspace=workspace, address=address).exclude(state=CreationState.OPEN).delete()
    SavedSearch.objects.filter(membership__workspace=workspace, query__icontains=address).delete()
    _erase_rows(ended)
    return Erased(len(ended), under_way)


def _end(jobs: QuerySet[SyncJob]) -> list[int]:
    """Take what was not sent yet out of the queue; returns the rows that nothing happens to any more, locked."""
    waiting = DueJob.objects.filter(job__in=jobs, sent_at=None, unknown_since=None)
    free = waiting.exclude(leased=True, due_at__gt=timezone.now()).select_for_update(skip_locked=True, of=("self",))
    DueJob.objects.filter(pk__in=list(free.values_list("pk", flat=True))).delete()
    ended = jobs.filter(due=None).order_by("pk").select_for_update(of=("self",))
    return list(ended.values_list("pk", flat=True))


def _erase_payloads(ended: list[int], messages: list[int]) -> None:
    """What was sent and answered, also for other recipients of the person's messages."""
    of_messages = SyncJob.objects.filter(activity__message__in=messages, due=None).values("pk")
    SyncAttempt.objects.filter(Q(job_id__in=ended) | Q(job_id__in=of_messages)).update(payload="", answer="")
    DecisionTrace.objects.filter(job_id__in=ended).delete()


def _erase_rows(ended: list[int]) -> None:
    now = timezone.now()
    rows = SyncJob.objects.filter(pk__in=ended)
    rows.update(
        recipient=Concat(Value(ERASED), Cast("pk", CharField())),
        subject="",
        reason_detail="",
        person_type="",
        person_id="",
        person_name="",
        related_type="",
        related_id="",
        related_name="",
        changed_at=now,
    )
    rows.exclude(state=SyncState.SYNCED).update(
        state=SyncState.SKIPPED, reason=Reason.ERASED, error_code="", finished_at=now
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
    copies.filter(recipient=address).update(is_silent=True, recipient=Concat(Value(ERASED), Cast("pk", CharField())))
