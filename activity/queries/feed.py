"""The Live Feed: what the team's messages and meetings are doing, newest first, with the sync state of each.

Others see a private activity only as "kept private", and nothing of a member who does not share.
"""

import hashlib
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from activity.counts import count_rows, count_rows_of
from activity.feed_search import FeedSearch
from activity.models import Activity, Counted, MemberSettings, RowCount
from activity.queries.feed_conditions import conditions_of, start_of, within_days
from activity.queries.feed_items import FeedItem, build_item, with_parts
from activity.queries.log import is_settled, last_change
from workspaces.models import Membership, Workspace

PAGE_SIZE = 50
CHART_DAYS = 15
STEPS = (250, *[1_000] * 20)
"""How many activities are looked at for one page, step by step until it is full: most fill it with the first.

With longer steps the database would rather read whole tables than look up what belongs to each activity.
"""
COSTLY_STEPS = 3


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Items, newest first, and the activity to go on from; None at the end.

    `looked_to`: when a search stopped before the page was full, the time back to which everything was looked at.
    `steps`: how many of STEPS it took.
    """

    items: tuple[FeedItem, ...]
    older: uuid.UUID | None
    looked_to: datetime | None = None
    steps: int = 1

    @property
    def is_costly(self) -> bool:
        """Whether few activities match, so that many had to be looked at."""
        return self.steps > COSTLY_STEPS

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
    *,
    size: int = PAGE_SIZE,
    steps: Sequence[int] = STEPS,
) -> FeedPage:
    """A page of what `viewer` may see; `after` asks for what is older than that activity.

    Looks at so many activities as `steps` say, however few of them match and however many there are.
    """
    cursor = workspace.activities.filter(uuid=after).values_list("occurred_at", "id").first() if after else None
    conditions = [*conditions_of(search, viewer), *_sharing(workspace, viewer)]
    found: list[int] = []
    for number, step in enumerate(steps, start=1):
        seen = list(_older(workspace, search, cursor).values_list("occurred_at", "id")[:step])
        found += _matching([row for _, row in seen], conditions, size + 1 - len(found))
        if len(found) > size or len(seen) < step:
            items = _items(found[:size], viewer)
            return FeedPage(items, items[-1].uuid if len(found) > size else None, steps=number)
        cursor = seen[-1]
    last = workspace.activities.get(pk=cursor[1])
    return FeedPage(_items(found, viewer), last.uuid, last.occurred_at, number)


def _older(workspace: Workspace, search: FeedSearch, cursor: tuple[datetime, int] | None) -> QuerySet[Activity]:
    """What is older than the cursor in the days asked for, in the order of the index `activity_feed`."""
    activities = workspace.activities.filter(within_days(search))
    if cursor:
        happened, row = cursor
        # The bound is implied by what follows, but only the bound lets the index start at the cursor.
        activities = activities.filter(Q(occurred_at__lt=happened) | Q(id__lt=row), occurred_at__lte=happened)
    return activities.order_by("-occurred_at", "-id")


def _matching(rows: list[int], conditions: list[Q], most: int) -> list[int]:
    """Which of the rows meet all conditions, in their order, `most` at most.

    Given the rows themselves, the database cannot choose a plan that reads more than what belongs to them.
    """
    if not conditions or not rows:
        return rows[:most]
    matching = Activity.objects.filter(*conditions, pk__in=rows).order_by("-occurred_at", "-id")
    return list(matching.values_list("pk", flat=True)[:most])


def _items(rows: list[int], viewer: Membership) -> tuple[FeedItem, ...]:
    activities = with_parts(Activity.objects.filter(pk__in=rows)).order_by("-occurred_at", "-id")
    return tuple(build_item(activity, viewer) for activity in activities)


def last_news(workspace: Workspace, viewer: Membership) -> tuple[str, bool]:
    """What changes when anything in the feed may have changed, and whether it is settled; for a few probes.

    Every activity has rows in the log, which note their changes; who shares is looked at beside them.
    """
    change = last_change(workspace)
    silent = sorted(_silent(workspace, viewer).values_list("membership", flat=True))
    return hashlib.sha256(repr((change, silent)).encode()).hexdigest()[:16], is_settled(change)


def chart(workspace: Workspace, viewer: Membership, today: date) -> list[ChartBar]:
    """Activities on each of the last 15 days of the current time zone, oldest first."""
    first = today - timedelta(days=CHART_DAYS - 1)
    silent = Membership.objects.filter(pk__in=_silent(workspace, viewer).values("membership"))
    counts = _sum_by_day(count_rows(Counted.FEED, workspace, since=start_of(first)))
    counts.subtract(_sum_by_day(count_rows_of(Counted.FEED, workspace, silent, start_of(first))))
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


def _sharing(workspace: Workspace, viewer: Membership) -> list[Q]:
    """That the owner shares, where somebody does not."""
    silent = list(_silent(workspace, viewer).values_list("membership", flat=True))
    return [~Q(owner__in=silent)] if silent else []


def _silent(workspace: Workspace, viewer: Membership) -> QuerySet[MemberSettings]:
    """Who does not share; the viewer's own activities are always there."""
    silent = MemberSettings.objects.filter(membership__workspace=workspace, share_in_feed=False)
    return silent.exclude(membership=viewer)
