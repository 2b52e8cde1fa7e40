"""One look into one calendar account: what changed since the last one, and once a day everything that is to come."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import DataError
from django.utils import timezone

from activity.mail_watch.desk import Desk
from activity.sources import calendars as source
from activity.sources.calendars import Entry, Owner, Pass
from integrations import calendars
from integrations.calendar.caldav import CalDav, Resource
from integrations.calendar.errors import TokenInvalid
from integrations.calendar.messages import CalendarRefused
from integrations.mailbox.parser import MailParser
from integrations.models import CalendarCollection

LOOK_AHEAD = timedelta(days=60)
LOOK_EVERY = timedelta(hours=20)
BATCH = 50
MOST_CHANGES = 500
"""With more of them, what is to come is listed instead: somebody imported an archive."""
MOST_PAGES = 20


@dataclass(frozen=True, slots=True)
class Means:
    """What every poll of this process shares."""

    holder: str
    parser: MailParser
    writing: Desk
    most_changes: int = MOST_CHANGES


class CalendarPoll:
    """Looks into one leased account, once."""

    def __init__(self, means: Means, calendar_id: int, dav: CalDav) -> None:
        self._means, self._id, self._dav = means, calendar_id, dav
        self._entries: list[Entry] = []

    def run(self) -> None:
        """Read all chosen calendars to their end. Raises CalendarError, LeaseLost."""
        ask, holder = self._means.writing.ask, self._means.holder
        owner = ask(source.owner_of, self._id)
        passes = [self._read(owner, each) for each in ask(source.collections_of, self._id)]
        try:
            ask(source.finish, owner, holder, self._entries, passes)
        except (DataError, ValueError):
            self._commit_each(owner)
            ask(source.finish, owner, holder, [], passes)
        ask(calendars.note_read, self._id, holder)

    def _read(self, owner: Owner, collection: CalendarCollection) -> Pass:
        now = timezone.now()
        is_due = collection.looked_ahead_at is None or now - collection.looked_ahead_at > LOOK_EVERY
        known = self._means.writing.ask(source.known_etags, collection.pk)
        try:
            changed, removed, sync_token = self._changes(collection)
            ctag = ""
        except TokenInvalid:
            standing = self._dav.standing(collection.url)
            sync_token, ctag = standing.sync_token[:1000], standing.ctag[:500]
            changed, removed = {}, set()
            if (sync_token or ctag) and (sync_token, ctag) == (collection.sync_token, collection.ctag) and not is_due:
                return Pass(collection.pk, sync_token, ctag, None)
            removed |= self._look_ahead(owner, collection, known, now, only_changed=not is_due)
        else:
            if is_due:
                removed |= self._look_ahead(owner, collection, known, now, only_changed=False)
        fresh = [path for path, etag in changed.items() if not etag or known.get(path) != etag]
        removed |= self._take_up(owner, collection, fresh)
        return Pass(collection.pk, sync_token, ctag, now if is_due else None, frozenset(removed))

    def _changes(self, collection: CalendarCollection) -> tuple[dict[str, str], set[str], str]:
        """What changed, what was deleted, and the next token. Raises TokenInvalid when it is better to list."""
        changed: dict[str, str] = {}
        removed: set[str] = set()
        token = collection.sync_token
        for _ in range(MOST_PAGES):
            if not token:
                raise TokenInvalid
            news = self._dav.changes(collection.url, token)
            changed, token = changed | news.changed, news.sync_token
            removed = (removed | set(news.removed)) - news.changed.keys()
            changed = {path: etag for path, etag in changed.items() if path not in removed}
            if len(changed) > self._means.most_changes:
                raise TokenInvalid
            if news.is_whole:
                return changed, removed, token
        raise TokenInvalid

    def _look_ahead(
        self,
        owner: Owner,
        collection: CalendarCollection,
        known: dict[str, str],
        now: datetime,
        *,
        only_changed: bool,
    ) -> set[str]:
        """Read what is to come, and what was to come and is not listed; returns what of that is gone."""
        listed = self._dav.coming(collection.url, now, now + LOOK_AHEAD)
        wanted = [path for path, etag in listed.items() if not only_changed or not etag or known.get(path) != etag]
        missing = [path for path in known if path not in listed]
        return self._take_up(owner, collection, [*wanted, *missing])

    def _take_up(self, owner: Owner, collection: CalendarCollection, paths: Sequence[str]) -> set[str]:
        """Fetch, parse and capture; returns the paths that are gone."""
        gone: set[str] = set()
        for resource in self._dav.fetch(collection.url, paths):
            if resource.is_gone:
                gone.add(resource.path)
            else:
                self._entries.append(self._parse(owner, collection, resource))
            if len(self._entries) >= BATCH:
                self._commit(owner)
                self._entries = []
        return gone

    def _commit(self, owner: Owner) -> None:
        try:
            self._means.writing.ask(source.commit, owner, self._means.holder, self._entries)
        except (DataError, ValueError):
            self._commit_each(owner)

    def _commit_each(self, owner: Owner) -> None:
        """Where one entry cannot be stored, set it aside and take up the others."""
        ask, holder = self._means.writing.ask, self._means.holder
        for entry in self._entries:
            try:
                ask(source.commit, owner, holder, [entry])
            except (DataError, ValueError):
                ask(source.commit, owner, holder, [replace(entry, message=None, reason="broken")])

    def _parse(self, owner: Owner, collection: CalendarCollection, resource: Resource) -> Entry:
        try:
            if resource.data is None:
                raise CalendarRefused("too_large")
            message = self._means.parser.calendar(resource.data, owner.time_zone)
        except CalendarRefused as error:
            return Entry(collection.pk, resource.path, resource.etag, None, error.reason)
        return Entry(collection.pk, resource.path, resource.etag, message)
