"""The lines of the Live Feed: what one activity shows to one viewer.

Others see a private activity only as "kept private".
"""

import re
import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, QuerySet
from django.utils import timezone

from activity.models import Activity, Kind, Participant, ParticipantRole, Reason, StatusGroup, SyncJob, SyncState
from activity.models.recipients import name_recipient
from activity.queries.log import TONES
from activity.reasons import explain
from workspaces.models import Membership

ICONS = {
    Kind.SENT: "paper-airplane",
    Kind.RECEIVED: "inbox-arrow-down",
    Kind.REPLIED: "arrow-uturn-left",
    Kind.OPENED: "envelope-open",
    Kind.CLICKED: "cursor-arrow-rays",
    Kind.DOWNLOADED: "arrow-down-tray",
    Kind.BOUNCED: "exclamation-triangle",
    Kind.MEETING_CONFIRMED: "calendar-days",
    Kind.MEETING_CANCELED: "x-circle",
}
PREPOSITIONS = dict.fromkeys(Kind, "by") | {
    Kind.SENT: "to",
    Kind.RECEIVED: "from",
    Kind.BOUNCED: "at",
    Kind.MEETING_CONFIRMED: "with",
    Kind.MEETING_CANCELED: "with",
}
OPEN_BY_SOMEONE = (Kind.OPENED, Kind.CLICKED, Kind.DOWNLOADED)


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One line of the feed. `who` is the person outside, "a recipient" where several could be; `member` is ours.

    `detail` completes the title: the link clicked, when the meeting is. `status` is None when there is nothing to
    sync; `job` is the row of the log that the state comes from, `reason` why it is not synced, in few words.
    """

    uuid: uuid.UUID
    kind: str
    kind_label: str
    occurred_at: datetime
    member: str
    is_own: bool
    is_hidden: bool
    is_private: bool
    by_machine: bool
    who: str
    more: int
    title: str
    detail: str
    status: StatusGroup | None
    status_label: str
    reason: str
    sentence: str
    tone: str
    job: uuid.UUID | None
    version: str

    @property
    def icon(self) -> str:
        """The heroicon of its kind."""
        return ICONS[Kind(self.kind)]

    @property
    def preposition(self) -> str:
        """What stands between the kind and the person outside."""
        return PREPOSITIONS[Kind(self.kind)]


def with_parts(activities: QuerySet[Activity]) -> QuerySet[Activity]:
    """The activities with everything that their lines are made of, in three queries however many they are."""
    jobs = SyncJob.objects.order_by("id")
    people = Participant.objects.order_by("id")
    return activities.select_related("owner__user", "message", "meeting").prefetch_related(
        Prefetch("sync_jobs", jobs), Prefetch("message__participants", people)
    )


def build_item(activity: Activity, viewer: Membership) -> FeedItem:
    """The line for an activity whose parts are loaded (see `with_parts`), without what the viewer may not see."""
    own = activity.owner_id == viewer.pk
    hidden = activity.is_private and not own
    jobs = list(activity.sync_jobs.all())
    job = _telling(jobs)
    who, more = ("", 0) if hidden else _counterpart(activity, jobs)
    return FeedItem(
        uuid=activity.uuid,
        kind=activity.kind,
        kind_label=Kind(activity.kind).label,
        occurred_at=activity.occurred_at,
        member=str(activity.owner.user),
        is_own=own,
        is_hidden=hidden,
        is_private=activity.is_private,
        by_machine=activity.by_machine,
        who=who,
        more=more,
        title="" if hidden else _title(activity),
        detail="" if hidden else _detail(activity),
        status=StatusGroup.of(job.state) if job and not hidden else None,
        status_label="" if hidden or job is None else _status_label(jobs),
        reason="" if hidden or job is None else _reason(job),
        sentence="" if hidden or job is None or job.state == SyncState.SYNCED else _sentence(job),
        tone=TONES[SyncState(job.state)] if job else "",
        job=job.uuid if job and (own or (viewer.is_admin and not hidden)) else None,
        version=max((str(job.changed_at.timestamp()) for job in jobs), default=""),
    )


def _telling(jobs: list[SyncJob]) -> SyncJob | None:
    """The job whose state speaks for all: a failed one first, then one that is not synced, then a synced one."""
    rank = {StatusGroup.ERRORS: 0, StatusGroup.NOT_SYNCED: 1, StatusGroup.SYNCED: 2}
    return min(jobs, key=lambda job: rank[StatusGroup.of(job.state)], default=None)


def _status_label(jobs: list[SyncJob]) -> str:
    synced = sum(job.state == SyncState.SYNCED for job in jobs)
    if 0 < synced < len(jobs):
        return f"{synced} of {len(jobs)} synced"
    return StatusGroup.of(_telling(jobs).state).label


def _sentence(job: SyncJob) -> str:
    return explain(job.reason, job.reason_detail, job).sentence


def _counterpart(activity: Activity, jobs: list[SyncJob]) -> tuple[str, int]:
    """The person outside and how many more there are."""
    people = list(activity.message.participants.all()) if activity.message else []
    senders = [person for person in people if person.role == ParticipantRole.FROM]
    if activity.kind in (Kind.RECEIVED, Kind.REPLIED) and senders:
        return senders[0].name or senders[0].address, 0
    names = {person.address: person.name or person.address for person in people if person not in senders}
    if activity.meeting:
        names = {each["email"]: each.get("name") or each["email"] for each in activity.meeting.attendees}
    if activity.recipient:
        return names.get(activity.recipient, activity.recipient), 0
    outside = [name_recipient(job.recipient) for job in jobs if job.recipient]
    outside = outside or list(names)
    if activity.kind in OPEN_BY_SOMEONE and len(outside) > 1:
        return "a recipient", 0
    return (names.get(outside[0], outside[0]), len(outside) - 1) if outside else ("", 0)


def _title(activity: Activity) -> str:
    about = activity.message.subject if activity.message else activity.meeting.title
    return activity.file_name or about or "(no subject)"


def _detail(activity: Activity) -> str:
    """Of a link its host and path only: what follows may be a secret of whoever was to open it."""
    if activity.kind == Kind.CLICKED:
        place = re.match(r"[a-z]+://(?:[^/?#]*@)?([^?#]*)", activity.url, re.IGNORECASE)
        return place[1].rstrip("/") if place else ""
    if activity.meeting:
        return f"{timezone.localtime(activity.meeting.start):%a, %-d %b %Y, %H:%M}"
    return ""


def _reason(job: SyncJob) -> str:
    """Why it is not in Salesforce; nothing for what is on its way."""
    return Reason(job.reason).label if job.reason else ""
