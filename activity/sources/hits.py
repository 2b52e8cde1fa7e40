"""Requests for tracking addresses: noted at once, turned into activities a little later.

Later, because only then it is known whether all links were followed within seconds, as scanners do.
"""

import logging
import time
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter

from django.db import connection as database
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_q.tasks import async_task

from activity.models import Activity, Kind, Source, TrackedCopy, TrackedMessage, TrackingHit
from activity.pipeline.capture import capture
from activity.pipeline.captured import Captured
from activity.tracking.machines import AT_ONCE, FOLD, Hit, is_by_machine, is_repeated
from activity.tracking.tokens import Purpose, is_genuine, read_token
from config.queue import DelayedQueue
from workspaces.models import Workspace

logger = logging.getLogger(__name__)

SETTLE_HITS = "activity.tasks.settle_hits"
SETTLE_AFTER = 2 * AT_ONCE
BATCH = 500
KEPT_FOR = timedelta(hours=1)
"""Longer than hits are folded."""
LOCK = 0x746C_6869  # the first half of an advisory lock's key; the second one is the workspace
KINDS = {Purpose.OPEN: Kind.OPENED, Purpose.CLICK: Kind.CLICKED, Purpose.DOWNLOAD: Kind.DOWNLOADED}


# --- When it happens --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """What a genuine token stands for; `url` is empty for a pixel. A silent copy's hits are not noted."""

    copy_id: int
    position: int
    url: str
    is_silent: bool


def find(purpose: Purpose, text: str) -> Found | None:
    """What the token stands for; None when we made no such token for this purpose, or it has expired."""
    return next(iter(find_all(purpose, [text])), None)


def find_all(purpose: Purpose, texts: Iterable[str]) -> list[Found]:
    """What the genuine ones of the tokens stand for; one query."""
    tokens = [token for token in map(read_token, texts) if token is not None]
    live = TrackedCopy.objects.filter(tracked__expires_at__gt=timezone.now()).select_related("tracked")
    copies = {copy.lookup: copy for copy in live.filter(lookup__in={token.copy for token in tokens})}
    found = []
    for token in tokens:
        copy = copies.get(token.copy)
        if copy is not None and is_genuine(token, bytes(copy.key), purpose):
            url = "" if purpose == Purpose.OPEN else copy.tracked.targets[token.position]["url"]
            found.append(Found(copy.pk, token.position, url, copy.is_silent))
    return found


def note_hit(found: Found, purpose: Purpose, *, says_machine: bool) -> None:
    """Write the hit down, and let the queue look at it soon."""
    if found.is_silent:
        return
    TrackingHit.objects.create(
        copy_id=found.copy_id,
        purpose=purpose.value,
        position=found.position,
        at=timezone.now(),
        says_machine=says_machine,
    )
    _wake_soon()


_last_wake_up = float("-inf")


def _wake_soon() -> None:
    """At most one task for each process and period; one that is lost is made up for by the schedule."""
    global _last_wake_up
    now = time.monotonic()
    if now - _last_wake_up >= SETTLE_AFTER.total_seconds():
        _last_wake_up = now
        async_task(SETTLE_HITS, broker=DelayedQueue(timezone.now() + SETTLE_AFTER + timedelta(seconds=1)))


# --- A little later ---------------------------------------------------------------------------------------


def settle_hits() -> int:
    """Turn the hits that are old enough into activities, forget those that are done with; returns how many."""
    before = timezone.now() - SETTLE_AFTER
    due = TrackedMessage.objects.filter(copies__hits__in=_due(before)).order_by().values("workspace").distinct()
    count = 0
    for workspace in Workspace.objects.filter(pk__in=due):
        try:
            while hits := _settle_batch(workspace, before):
                count += sum(hit.is_counted for hit in hits)
        except Exception:  # one workspace's fault must not stop the others'
            logger.exception("hits of a workspace could not be turned into activities")
    TrackingHit.objects.filter(settled_at__lt=timezone.now() - KEPT_FOR).delete()
    return count


def _due(before: datetime) -> QuerySet[TrackingHit]:
    return TrackingHit.objects.filter(settled_at=None, at__lt=before)


def _settle_batch(workspace: Workspace, before: datetime) -> list[TrackingHit]:
    """Settle the workspace's oldest hits, unless another process does; returns them."""
    with transaction.atomic():
        if not _lock(workspace):
            return []
        due = _due(before).filter(copy__tracked__workspace=workspace).order_by("at", "pk")
        hits = list(due.select_related("copy__tracked__message", "copy__tracked__owner__user")[:BATCH])
        if not hits:
            return []
        _judge(hits)
        counted = [hit for hit in hits if hit.is_counted]
        results = capture(workspace, Source.TRACKING, [_captured(hit) for hit in counted])
        for hit, result in zip(counted, results, strict=True):
            hit.is_counted = result.status != "rejected"
        _save(hits)
    return hits


def _save(hits: Iterable[TrackingHit]) -> None:
    """Write the verdicts: four statements at most, where bulk_update would need one of a thousand cases."""
    verdicts: dict[tuple[bool, bool], list[int]] = defaultdict(list)
    for hit in hits:
        verdicts[hit.by_machine, hit.is_counted].append(hit.pk)
    for (by_machine, is_counted), ids in verdicts.items():
        TrackingHit.objects.filter(pk__in=ids).update(
            settled_at=timezone.now(), by_machine=by_machine, is_counted=is_counted
        )


def _lock(workspace: Workspace) -> bool:
    """Whether this process alone settles the workspace, until the transaction ends."""
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [LOCK, workspace.pk])
        return cursor.fetchone()[0]


def _judge(hits: Sequence[TrackingHit]) -> None:
    """Say of each hit, oldest first, whether a machine made it and whether it counts."""
    sent = _sent_times(hits)
    others: dict[int, list[Hit]] = defaultdict(list)
    for each in _around(hits, AT_ONCE).order_by("at"):
        others[each.copy_id].append(_plain(each))
    counted: dict[tuple[int, str, int, bool], list[datetime]] = defaultdict(list)
    for each in _around(hits, FOLD).filter(is_counted=True):
        counted[_visit(each)].append(each.at)
    for hit in hits:
        tracked = hit.copy.tracked
        near = _near(hit, others[hit.copy_id])
        hit.by_machine = is_by_machine(_plain(hit), sent[tracked.pk], near, targets=len(tracked.targets))
        hit.is_counted = not is_repeated(hit.at, counted[_visit(hit)])
        if hit.is_counted:
            counted[_visit(hit)].append(hit.at)


def _around(hits: Sequence[TrackingHit], span: timedelta) -> QuerySet[TrackingHit]:
    """All hits of the same copies, from so long before the first of them until so long after the last."""
    copies = {hit.copy_id for hit in hits}
    return TrackingHit.objects.filter(copy__in=copies, at__gte=hits[0].at - span, at__lte=hits[-1].at + span)


def _near(hit: TrackingHit, others: Sequence[Hit]) -> Sequence[Hit]:
    """Those of its copy's hits (by time) that came at once with it."""
    first = bisect_left(others, hit.at - AT_ONCE, key=_time_of)
    return others[first : bisect_right(others, hit.at + AT_ONCE, key=_time_of)]


_time_of = attrgetter("at")


def _plain(hit: TrackingHit) -> Hit:
    return Hit(hit.purpose, hit.position, hit.at, hit.says_machine)


def _visit(hit: TrackingHit) -> tuple[int, str, int, bool]:
    """What hits have in common that are folded into one."""
    return hit.copy_id, hit.purpose, hit.position, hit.by_machine


def _sent_times(hits: Iterable[TrackingHit]) -> dict[int, datetime]:
    """When each tracked message was sent: as reported, but not later than the report; else when it was registered."""
    tracked = {hit.copy.tracked_id: hit.copy.tracked for hit in hits}
    sent = Activity.objects.filter(kind=Kind.SENT, message__in={each.message_id for each in tracked.values()})
    reported = {
        message: min(occurred, created)
        for message, occurred, created in sent.values_list("message", "occurred_at", "created_at")
    }
    return {pk: reported.get(each.message_id, each.registered_at) for pk, each in tracked.items()}


def _captured(hit: TrackingHit) -> Captured:
    tracked, purpose = hit.copy.tracked, Purpose(hit.purpose)
    target = {"url": "", "file": ""} if purpose == Purpose.OPEN else tracked.targets[hit.position]
    return Captured(
        source_id=str(hit.uuid),
        user=tracked.owner.user.email.lower(),
        kind=KINDS[purpose],
        occurred_at=hit.at,
        known_message_id=tracked.message.message_id,
        recipient=hit.copy.recipient,
        url=target["url"] if purpose == Purpose.CLICK else "",
        file_name=target["file"],
        by_machine=hit.by_machine,
    )
