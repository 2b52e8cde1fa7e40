"""The content of claimed jobs, read set-based: what happened, to whom, and what was sent before."""

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, Q

from activity.models import (
    DecisionTrace,
    Kind,
    LoggedRecord,
    ObjectType,
    Participant,
    Reason,
    SyncAttempt,
    SyncJob,
    SyncState,
)
from activity.pipeline.captured import Person
from activity.pipeline.claims import Claimed
from activity.pipeline.draft import Draft, MeetingDraft
from activity.pipeline.results import Related

REPLY_PREFIXES = ("re:", "aw:", "sv:", "antw:", "tr:", "res:")
_COLUMNS = (
    "pk",
    "key",
    "kind",
    "object_type",
    "recipient",
    "error_code",
    "activity__occurred_at",
    "activity__url",
    "activity__file_name",
    "activity__message_id",
    "activity__message__subject",
    "activity__message__in_reply_to",
    "activity__message__text",
    "activity__message__text_was_cut",
    "activity__meeting_id",
    "activity__meeting__title",
    "activity__meeting__start",
    "activity__meeting__end",
    "activity__meeting__location",
    "activity__meeting__description",
)


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed job with its content, `draft` being what compose takes."""

    claimed: Claimed
    object_type: ObjectType
    draft: Draft
    error_code: str = ""
    message_id: int | None = None
    meeting_id: int | None = None

    @property
    def pk(self) -> int:
        """The job's id."""
        return self.claimed.job_id

    @property
    def recipient(self) -> str:
        """The outside address."""
        return self.draft.recipient


@dataclass(frozen=True, slots=True)
class Sent:
    """What was handed to Salesforce last for a job, by which Salesforce user.

    The payload is empty where its person was erased meanwhile.
    """

    operation: str
    payload: dict[str, Any] = field(repr=False)
    salesforce_user_id: str = ""


def load_jobs(claimed: Sequence[Claimed], owner_id: str, time_zone: str) -> list[Job]:
    """The jobs in the order in which they were claimed; two queries.

    `owner_id` is the Salesforce user that they are written for, `time_zone` the member's.
    """
    rows = SyncJob.objects.filter(pk__any=[each.job_id for each in claimed]).values(*_COLUMNS)
    by_id = {row["pk"]: row for row in rows}
    people = _people_of({row["activity__message_id"] for row in by_id.values()} - {None})
    return [_job(each, by_id[each.job_id], people, owner_id, time_zone) for each in claimed if each.job_id in by_id]


def _people_of(messages: Collection[int]) -> dict[tuple[int, str], tuple[Person, ...]]:
    people: dict[tuple[int, str], tuple[Person, ...]] = defaultdict(tuple)
    if messages:
        rows = Participant.objects.filter(message_id__any=messages, role__in=("from", "to", "cc")).order_by("pk")
        for message, role, address, name in rows.values_list("message", "role", "address", "name"):
            people[message, role] += (Person(address, name),)
    return people


def _job(
    claimed: Claimed,
    row: dict[str, Any],
    people: dict[tuple[int, str], tuple[Person, ...]],
    owner_id: str,
    time_zone: str,
) -> Job:
    message, meeting = row["activity__message_id"], row["activity__meeting_id"]
    subject = row["activity__message__subject"] or ""
    draft = Draft(
        kind=Kind(row["kind"]),
        key=row["key"],
        occurred_at=row["activity__occurred_at"],
        time_zone=time_zone,
        owner_id=owner_id,
        recipient=row["recipient"],
        subject=subject,
        is_reply=bool(row["activity__message__in_reply_to"]) or subject.lower().startswith(REPLY_PREFIXES),
        sender=next(iter(people[message, "from"]), None),
        to=people[message, "to"],
        cc=people[message, "cc"],
        text=row["activity__message__text"] or "",
        text_was_cut=bool(row["activity__message__text_was_cut"]),
        url=row["activity__url"],
        file_name=row["activity__file_name"],
        meeting=_meeting(row) if meeting else None,
    )
    return Job(claimed, ObjectType(row["object_type"]), draft, row["error_code"], message, meeting)


def _meeting(row: dict[str, Any]) -> MeetingDraft:
    return MeetingDraft(
        title=row["activity__meeting__title"],
        start=row["activity__meeting__start"],
        end=row["activity__meeting__end"],
        location=row["activity__meeting__location"],
        description=row["activity__meeting__description"],
    )


def last_sent(job_ids: Collection[int]) -> dict[int, Sent]:
    """What was sent last for each job that was sent before."""
    if not job_ids:
        return {}
    rows = (
        SyncAttempt.objects.filter(job_id__in=list(job_ids), operation__in=("create", "update"))
        .order_by("job_id", "-number")
        .distinct("job_id")
    )
    found = rows.values_list("job_id", "operation", "payload", "salesforce_user_id")
    return {pk: Sent(operation, json.loads(payload or "{}"), user) for pk, operation, payload, user in found}


def matched_before(job_ids: Collection[int]) -> dict[int, Related]:
    """Whom records were composed for, from the traces: the row itself is written at the outcome."""
    if not job_ids:
        return {}
    rows = DecisionTrace.objects.filter(job_id__in=list(job_ids), content__has_key="match")
    return {pk: Related(**content["match"]) for pk, content in rows.values_list("job_id", "content")}


@dataclass(frozen=True, slots=True)
class Logged:
    """A record of ours, as far as a later activity needs it."""

    pk: int
    key: str
    salesforce_id: str
    digest: str
    is_removed: bool


def records_of_meetings(owner: int, meetings: Collection[int]) -> dict[tuple[int, str], Logged]:
    """The Events that stand for the meetings, by meeting and outside address."""
    if not meetings:
        return {}
    rows = LoggedRecord.objects.filter(owner=owner, meeting__in=list(meetings)).order_by("pk")
    found = rows.values_list("meeting", "recipient", "pk", "key", "salesforce_id", "digest", "removed_at")
    return {
        (meeting, recipient): Logged(pk, key, salesforce_id, digest, removed_at is not None)
        for meeting, recipient, pk, key, salesforce_id, digest, removed_at in found
    }


def tasks_of_messages(owner: int, messages: Collection[int]) -> dict[tuple[int, str], Logged]:
    """The first Task that stands for each message and outside address: that of the mail itself."""
    if not messages:
        return {}
    rows = LoggedRecord.objects.filter(owner=owner, message__in=list(messages), object_type=ObjectType.TASK)
    found = rows.order_by("-pk").values_list("message", "recipient", "pk", "key", "salesforce_id", "removed_at")
    return {
        (message, recipient): Logged(pk, key, salesforce_id, "", removed_at is not None)
        for message, recipient, pk, key, salesforce_id, removed_at in found
    }


def unfinished_mails(owner: int, messages: Collection[int]) -> set[tuple[int, str]]:
    """The messages and outside addresses whose mail itself is still to be logged."""
    if not messages:
        return set()
    open_states = (SyncState.WAITING, SyncState.HELD, SyncState.UNKNOWN)
    rows = SyncJob.objects.filter(
        owner=owner, kind=Kind.SENT, state__in=open_states, activity__message__in=list(messages)
    )
    return set(rows.values_list("activity__message", "recipient"))


def records_by_id(workspace: int, salesforce_ids: Collection[str]) -> dict[str, Logged]:
    """Records of ours by their id in Salesforce."""
    wanted = [record_id for record_id in salesforce_ids if record_id]
    if not wanted:
        return {}
    rows = LoggedRecord.objects.filter(workspace=workspace, salesforce_id__in=wanted)
    found = rows.values_list("salesforce_id", "pk", "key", "digest", "removed_at")
    return {
        salesforce_id: Logged(pk, key, salesforce_id, digest, removed_at is not None)
        for salesforce_id, pk, key, digest, removed_at in found
    }


def newest_of_meetings(owner: int, meetings: Collection[int]) -> dict[tuple[int, str], int]:
    """The newest job of each meeting and outside address that is or was to be logged; one query.

    A cancellation counts also where it left nothing to be done: what was withdrawn before it is not logged after it.
    """
    if not meetings:
        return {}
    counts = Q(state__in=(SyncState.WAITING, SyncState.HELD, SyncState.UNKNOWN, SyncState.SYNCED))
    counts |= Q(kind=Kind.MEETING_CANCELED, state=SyncState.SKIPPED, reason=Reason.SUPERSEDED)
    rows = (
        SyncJob.objects.filter(counts, owner=owner, activity__meeting__in=list(meetings))
        .annotate(meeting=F("activity__meeting"))
        .order_by("meeting", "recipient", "-activity__occurred_at", "-pk")
        .distinct("meeting", "recipient")
    )
    return {(meeting, recipient): pk for meeting, recipient, pk in rows.values_list("meeting", "recipient", "pk")}
