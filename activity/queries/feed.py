"""The Live Feed: what the team's messages and meetings are doing, newest first, with the sync state of each.

Others see a private activity only as "kept private", and nothing of a member who does not share.
"""

import hashlib
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from activity.counts import count_rows, count_rows_of
from activity.feed_search import FeedSearch
from activity.models import (
    Activity,
    Counted,
    Kind,
    MemberSettings,
    Participant,
    ParticipantRole,
    RowCount,
    StatusGroup,
    SyncJob,
    SyncState,
)
from activity.queries.log import TONES
from activity.reasons import explain
from workspaces.models import Membership, Workspace

PAGE_SIZE = 50
CHART_DAYS = 15
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

    `status` is None when there is nothing to sync; `job` is the row of the log that the state comes from.
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
    status: StatusGroup | None
    status_label: str
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


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Items, newest first, and the item to go on from; None at the end."""

    items: tuple[FeedItem, ...]
    older: uuid.UUID | None

    @property
    def version(self) -> str:
        """Changes when an item of the page comes or goes, or its sync state changes."""
        seen = ",".join(f"{item.uuid.hex}{item.version}" for item in self.items)
        return hashlib.sha256(seen.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class ChartBar:
    """One day of the chart: its count, and where its bar stands in a box of CHART_DAYS × 10 by 40 units."""

    day: date
    count: int
    x: int
    y: float
    height: float

    @property
    def left(self) -> float:
        """Where the bar itself begins: it is narrower than its day."""
        return self.x + 1.5


def live_feed(
    workspace: Workspace,
    search: FeedSearch,
    viewer: Membership,
    after: uuid.UUID | None = None,
    size: int = PAGE_SIZE,
) -> FeedPage:
    """A page of what `viewer` may see; `after` asks for what is older than that activity. Four queries at most."""
    found = _visible(workspace, viewer)
    for condition in _conditions(search, viewer):
        found = found.filter(condition)
    cursor = workspace.activities.filter(uuid=after).values_list("occurred_at", "id").first() if after else None
    if cursor:
        happened, row = cursor
        found = found.filter(Q(occurred_at__lt=happened) | Q(id__lt=row), occurred_at__lte=happened)
    activities = list(_with_parts(found).order_by("-occurred_at", "-id")[: size + 1])
    items = tuple(build_item(activity, viewer) for activity in activities[:size])
    return FeedPage(items, items[-1].uuid if len(activities) > size else None)


def chart(workspace: Workspace, viewer: Membership, today: date) -> list[ChartBar]:
    """Activities on each of the last 15 days of the current time zone, oldest first."""
    first = today - timedelta(days=CHART_DAYS - 1)
    silent = Membership.objects.filter(pk__in=_silent(workspace, viewer).values("membership"))
    counts = _sum_by_day(count_rows(Counted.FEED, workspace, since=_start(first)))
    counts.subtract(_sum_by_day(count_rows_of(Counted.FEED, workspace, silent, _start(first))))
    highest = max(counts.values(), default=0) or 1
    bars = []
    for index in range(CHART_DAYS):
        day = first + timedelta(days=index)
        count = counts[day]
        height = round(36 * count / highest, 1) if count else 1
        bars.append(ChartBar(day, count, x=index * 10, y=40 - height, height=height))
    return bars


def _sum_by_day(counts: QuerySet[RowCount]) -> Counter[date]:
    """The rows of each day of the current time zone."""
    by_day = counts.annotate(day=TruncDate("quarter")).values_list("day")
    return Counter(dict(by_day.annotate(Sum("rows"))))


def _visible(workspace: Workspace, viewer: Membership) -> QuerySet[Activity]:
    return workspace.activities.exclude(owner__in=_silent(workspace, viewer).values("membership"))


def _silent(workspace: Workspace, viewer: Membership) -> QuerySet[MemberSettings]:
    """Who does not share; the viewer's own activities are always there."""
    silent = MemberSettings.objects.filter(membership__workspace=workspace, share_in_feed=False)
    return silent.exclude(membership=viewer)


def _with_parts(activities: QuerySet[Activity]) -> QuerySet[Activity]:
    jobs = SyncJob.objects.order_by("id")
    people = Participant.objects.order_by("id")
    return activities.select_related("owner__user", "message", "meeting").prefetch_related(
        Prefetch("sync_jobs", jobs), Prefetch("message__participants", people)
    )


def _conditions(search: FeedSearch, viewer: Membership) -> Iterable[Q]:
    """What must hold, one by one; conditions on several rows (participants, jobs) are EXISTS, so nothing doubles."""
    if search.reads_content:
        yield Q(owner=viewer) | Q(is_private=False)
    if search.kinds:
        yield Q(kind__in=search.kinds)
    if search.is_private:
        yield Q(is_private=True, owner=viewer)
    if search.is_unsynced:
        jobs = SyncJob.objects.filter(activity=OuterRef("pk"))
        yield Q(Exists(jobs.exclude(state=SyncState.SYNCED)))
    if search.since:
        yield Q(occurred_at__gte=_start(search.since))
    if search.until:
        yield Q(occurred_at__lt=_start(search.until + timedelta(days=1)))
    for subject in search.subjects:
        yield _about(subject)
    for word in search.words:
        yield _about(word) | _to(word) | Q(owner__user__name__icontains=word)
    yield _any([_to(_address(value, viewer)) for value in search.to if value != "everyone"])
    yield _any([_from(_address(value, viewer), viewer) for value in search.sender if value != "everyone"])


def _any(alternatives: list[Q]) -> Q:
    found = Q()
    for alternative in alternatives:
        found |= alternative
    return found


def _address(value: str, viewer: Membership) -> str:
    return viewer.user.email if value == "me" else value


def _about(text: str) -> Q:
    return Q(message__subject__icontains=text) | Q(meeting__title__icontains=text)


def _participants(text: str, roles: list[str]) -> Q:
    people = Participant.objects.filter(message=OuterRef("message"), role__in=roles)
    return Q(Exists(people.filter(Q(address__contains=text) | Q(name__icontains=text))))


def _to(text: str) -> Q:
    to = _participants(text, [ParticipantRole.TO, ParticipantRole.CC, ParticipantRole.BCC])
    return (
        Q(recipient__contains=text) | to | Q(Exists(SyncJob.objects.filter(activity=OuterRef("pk"), recipient=text)))
    )


def _from(text: str, viewer: Membership) -> Q:
    if text == viewer.user.email:
        return Q(owner=viewer)
    owner = Q(owner__user__email__contains=text) | Q(owner__user__name__icontains=text)
    return owner | _participants(text, [ParticipantRole.FROM])


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone())


def build_item(activity: Activity, viewer: Membership) -> FeedItem:
    """The line for an activity whose parts are loaded (see `_with_parts`), without what the viewer may not see."""
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
        status=StatusGroup.of(job.state) if job and not hidden else None,
        status_label="" if hidden or job is None else _status_label(jobs),
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
    outside = [job.recipient for job in jobs if job.recipient] or list(names)
    if activity.kind in OPEN_BY_SOMEONE and len(outside) > 1:
        return "a recipient", 0
    return (names.get(outside[0], outside[0]), len(outside) - 1) if outside else ("", 0)


def _title(activity: Activity) -> str:
    about = activity.message.subject if activity.message else activity.meeting.title
    return activity.file_name or about or "(no subject)"
