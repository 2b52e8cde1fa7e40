"""Entries of members' calendars: what was read of them becomes news of meetings, their deletion a cancellation.

What was captured, and up to which state a calendar was read, is written under the lease of the process that read it;
the state comes last: after any crash the same entries are read again, and nothing is written twice.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from activity.sources.meetings import take_meetings
from integrations import calendars
from integrations.calendar.messages import CalendarMessage, Meeting, Moment
from integrations.mailboxes import mailbox_of
from integrations.models import Calendar, CalendarCollection, CalendarResource, CalendarState
from workspaces.models import Membership

OVER_SINCE = timedelta(days=1)
"""What ended longer ago is not taken up when it is seen for the first time."""
UNREADABLE_FOR = timedelta(days=30)
"""How long an entry that could not be read is shown, unless it is read before."""
LONG_OVER = datetime(1970, 1, 1, tzinfo=UTC)


class LeaseLost(Exception):
    """Another process polls the calendar now, or nobody is to poll it: nothing was written."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource as it was read; without a message, `reason` says why it could not be (a key of REFUSALS)."""

    collection_id: int
    path: str
    etag: str
    message: CalendarMessage | None
    reason: str = ""

    @property
    def uid(self) -> str:
        """The meeting's; empty for an entry that is none."""
        meetings = self.message.meetings if self.message else ()
        return next((each.uid for each in meetings if each.attendees), "")

    @property
    def ends_at(self) -> datetime | None:
        """The end of the last time of it that is known; None where it could not be read."""
        meetings = self.message.meetings if self.message else ()
        return max((end for each in meetings for end in _ends_of(each)), default=None)


@dataclass(frozen=True, slots=True)
class Pass:
    """How far a calendar was read: the state that was reached, and what is not there any more."""

    collection_id: int
    sync_token: str
    ctag: str
    looked_ahead_at: datetime | None
    removed: frozenset[str] = frozenset()


class Owner:
    """Whose calendar it is."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar_id = calendar.pk
        self.membership: Membership = calendar.membership
        self.time_zone = self.membership.user.time_zone
        mailbox = mailbox_of(self.membership)
        user_name = {calendar.user_name.lower()} if "@" in calendar.user_name else set()
        self.own_addresses = user_name | set(calendar.addresses) | (mailbox.own_addresses if mailbox else frozenset())


def owner_of(calendar_id: int) -> Owner:
    """The owner of a calendar."""
    return Owner(
        Calendar.objects.select_related("workspace", "membership__user", "membership__role").get(pk=calendar_id)
    )


def collections_of(calendar_id: int) -> list[CalendarCollection]:
    """What is read of the account."""
    return list(CalendarCollection.objects.filter(calendar=calendar_id).order_by("pk"))


def known_etags(collection_id: int) -> dict[str, str]:
    """The entries of the calendar that were read and are still to come: their etags by path."""
    rows = CalendarResource.objects.filter(collection=collection_id, gone_at=None)
    return dict(rows.exclude(ends_at__lt=timezone.now()).values_list("path", "etag"))


# --- Write down -------------------------------------------------------------------------------------------


def commit(owner: Owner, holder: str, entries: Sequence[Entry]) -> int:
    """Capture what is news in the entries; returns how many activities are new. Raises LeaseLost."""
    with transaction.atomic():
        _hold_lease(owner, holder)
        return _take(owner, entries)


def finish(owner: Owner, holder: str, entries: Sequence[Entry], passes: Sequence[Pass]) -> int:
    """Capture the last entries, and what was deleted, and move the calendars on. Raises LeaseLost."""
    with transaction.atomic():
        _hold_lease(owner, holder)
        new = _take(owner, entries) + _cancel(owner, passes)
        for each in passes:
            collection = CalendarCollection.objects.filter(pk=each.collection_id)
            collection.update(sync_token=each.sync_token, ctag=each.ctag)
            if each.looked_ahead_at:
                collection.update(looked_ahead_at=each.looked_ahead_at)
        _resources_of(owner).filter(ends_at__lt=timezone.now() - OVER_SINCE).delete()
        return new


def _hold_lease(owner: Owner, holder: str) -> None:
    """Nobody takes or disconnects the calendar, or chooses anew, before this transaction ends."""
    held = Calendar.objects.select_for_update(of=["self"]).filter(
        pk=owner.calendar_id, lease_holder=holder, state=CalendarState.CONNECTED
    )
    if not held.values_list("pk", flat=True):
        raise LeaseLost


def _resources_of(owner: Owner) -> QuerySet[CalendarResource]:
    return CalendarResource.objects.filter(collection__calendar=owner.calendar_id)


def _take(owner: Owner, entries: Sequence[Entry]) -> int:
    """Capture the entries that are not over, or that were known before."""
    now = timezone.now()
    paths = [entry.path for entry in entries]
    known = set(_resources_of(owner).filter(path__in=paths).values_list("collection", "path"))
    chosen = [
        entry
        for entry in entries
        if (entry.collection_id, entry.path) in known or not entry.ends_at or entry.ends_at > now - OVER_SINCE
    ]
    returned = _forget_deletions(owner, {entry.uid for entry in chosen} - {""})
    new = _capture(owner, [_seen(entry.message, returned, now) for entry in chosen if entry.message])
    _note(chosen)
    return new


def _forget_deletions(owner: Owner, uids: Collection[str]) -> frozenset[str]:
    """Which of the meetings had been deleted, and are back, perhaps in another calendar."""
    rows = _resources_of(owner).filter(uid__in=uids, gone_at__isnull=False)
    returned = frozenset(rows.values_list("uid", flat=True))
    rows.delete()
    return returned


def _seen(message: CalendarMessage, returned: Collection[str], now: datetime) -> CalendarMessage:
    """The message as seen now. What is back after its deletion is as new as its return."""
    meetings = tuple(replace(each, dtstamp=now) if each.uid in returned else each for each in message.meetings)
    return replace(message, method=None, meetings=meetings, seen_at=now)


def _note(entries: Iterable[Entry]) -> None:
    rows = {
        (entry.collection_id, entry.path): CalendarResource(
            collection_id=entry.collection_id,
            path=entry.path,
            etag=entry.etag,
            uid=entry.uid,
            sequence=max((each.sequence for each in entry.message.meetings), default=0) if entry.message else 0,
            ends_at=entry.ends_at or timezone.now() + UNREADABLE_FOR,
            reason=entry.reason,
        )
        for entry in entries
    }
    CalendarResource.objects.bulk_create(
        rows.values(),
        update_conflicts=True,
        unique_fields=["collection", "path"],
        update_fields=["etag", "uid", "sequence", "ends_at", "reason", "gone_at"],
    )


def _cancel(owner: Owner, passes: Iterable[Pass]) -> int:
    """Cancel the meetings that were deleted, unless they only went to another calendar or were over anyway."""
    now = timezone.now()
    removed = [
        row.pk
        for each in passes
        for row in CalendarResource.objects.filter(collection=each.collection_id, path__in=each.removed, gone_at=None)
    ]
    gone = _resources_of(owner).filter(pk__in=removed)
    still_there = _resources_of(owner).filter(gone_at=None).exclude(pk__in=removed).exclude(uid="")
    rows = gone.exclude(uid="").filter(ends_at__gt=now).exclude(uid__in=still_there.values("uid"))
    meetings = [Meeting(row.uid, sequence=row.sequence, dtstamp=now) for row in rows]
    rows.update(gone_at=now)
    gone.filter(gone_at=None).delete()
    return _capture(owner, [CalendarMessage("CANCEL", (each,), seen_at=now) for each in meetings])


def _capture(owner: Owner, messages: Sequence[CalendarMessage]) -> int:
    results = take_meetings(owner.membership, owner.own_addresses, messages, "calendar")
    new = sum(result.status == "accepted" for result in results)
    if new:
        calendars.count_meetings(owner.calendar_id, new)
    return new


def _ends_of(meeting: Meeting) -> list[datetime]:
    ends = [each.end for each in meeting.instances] if meeting.recurs else [meeting.end]
    return [_in_time(end) for end in ends if end is not None] or [LONG_OVER]


def _in_time(moment: Moment) -> datetime:
    """A day ends when it has ended everywhere."""
    if isinstance(moment, datetime):
        return moment
    return datetime.combine(moment, time(12), UTC)
