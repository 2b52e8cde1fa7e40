"""Reads one folder from where it was left to its end, batch by batch: headers, decisions, bodies, one transaction."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from django.db import DataError
from django.utils import timezone

from activity.mail_watch.desk import Desk
from activity.sources.mailbox import writing
from activity.sources.mailbox.letters import Letter, Owner, Place, Unread, owner_of
from activity.sources.mailbox.reports import to_captured
from activity.sources.mailbox.wanted import find_wanted
from integrations import mailboxes
from integrations.calendar.messages import CalendarMessage, CalendarRefused
from integrations.mailbox.imap import Imap, Piece
from integrations.mailbox.limits import HEADERS_BYTES, Unreadable
from integrations.mailbox.mime import ParsedMail
from integrations.mailbox.parser import MailParser
from integrations.models import FolderRole, MailboxFolder

BATCH = 50


@dataclass(frozen=True, slots=True)
class Means:
    """What every reader of this process shares. `asking` is the desk whose questions may go to Salesforce."""

    holder: str
    parser: MailParser
    writing: Desk
    asking: Desk


class FolderReader:
    """Reads one folder through one connection that has it open."""

    def __init__(self, means: Means, imap: Imap, mailbox_id: int, folder_id: int) -> None:
        self._means, self._imap = means, imap
        self._folder = means.writing.ask(MailboxFolder.objects.get, pk=folder_id)
        opened = imap.open(self._folder.name)
        role = FolderRole(self._folder.role)
        self.place = Place(mailbox_id, folder_id, role, opened.uidvalidity, means.holder)
        self._next = self._folder.next_uid
        if self._folder.uidvalidity != opened.uidvalidity:
            self._next = self._begin(opened.uidnext)

    def _begin(self, uidnext: int) -> int:
        """Where to begin: with what comes next; after the server numbered its mail anew, a day before the last look,
        since what is known already is found to be a duplicate.
        """
        begin = uidnext
        if self._folder.uidvalidity is not None and self._folder.read_at is not None:
            since = (self._folder.read_at - timedelta(days=1)).date()
            uids = self._imap.uids_between(since, timezone.now().date() + timedelta(days=2))
            begin = min(uids, default=uidnext)
        self._means.writing.ask(writing.start_folder, self.place, begin)
        return begin

    def read_to_end(self) -> int:
        """Capture everything that is there; returns how many activities are new. Raises MailboxError, LeaseLost."""
        new = 0
        while uids := self._imap.uids_from(self._next):
            for start in range(0, len(uids), BATCH):
                new += self._read(uids[start : start + BATCH])
            if len(uids) < BATCH and not self._imap.has_news():
                break
        self._means.writing.ask(_note_end, self.place)
        return new

    def _read(self, uids: Sequence[int]) -> int:
        pieces = self._imap.fetch_headers(uids)
        owner = self._means.writing.ask(owner_of, self.place.mailbox_id)
        letters, unread = parse_headers(self._means, pieces)
        wanted = self._means.asking.ask(_find_wanted, owner, self.place, letters)
        wanted |= self._imap.find_calendars([letter.uid for letter in letters])
        letters, broken = fetch_bodies(self._means, self._imap, owner, letters, wanted)
        next_uid = uids[-1] + 1
        new = self._means.writing.ask(_commit, owner, self.place, letters, [*unread, *broken], self._next, next_uid)
        self._next = next_uid
        return new


def parse_headers(means: Means, pieces: Sequence[Piece]) -> tuple[list[Letter], list[Unread]]:
    """What the headers say, and which of them cannot be read."""
    letters, unread = [], []
    for piece in pieces:
        try:
            if len(piece.data) > HEADERS_BYTES:
                raise Unreadable("headers_too_large")
            mail = means.parser.headers(piece.data)
            letters.append(Letter(piece.uid, piece.size, piece.arrived_at, mail))
        except Unreadable as error:
            unread.append(Unread(piece.uid, piece.size, piece.arrived_at, error.reason))
    return letters, unread


def fetch_bodies(
    means: Means, imap: Imap, owner: Owner, letters: Sequence[Letter], wanted: frozenset[int]
) -> tuple[list[Letter], list[Unread]]:
    """The letters, those that are wanted with their bodies and calendars; a body that cannot be read sets the mail
    aside.
    """
    whole, broken = [], []
    for letter in letters:
        piece = imap.fetch_start(letter.uid) if letter.uid in wanted else None
        try:
            mail = means.parser.message(piece.data) if piece else letter.mail
            calendars = _read_calendars(means, owner, mail)
            whole.append(Letter(letter.uid, letter.size, letter.arrived_at, mail, calendars))
        except Unreadable as error:
            broken.append(Unread(letter.uid, letter.size, letter.arrived_at, error.reason))
    return whole, broken


def _read_calendars(means: Means, owner: Owner, mail: ParsedMail) -> tuple[CalendarMessage, ...]:
    """The mail's calendars; one that cannot be read leaves an ordinary mail."""
    found = []
    for text in mail.calendars:
        with suppress(CalendarRefused):
            found.append(means.parser.calendar(text.encode("utf-8", "replace"), owner.membership.user.time_zone))
    return tuple(found)


def _find_wanted(owner: Owner, place: Place, letters: Sequence[Letter]) -> frozenset[int]:
    """The uids of the letters whose bodies are needed: to be logged, or to see which message did not arrive."""
    reports = {letter.uid for letter in letters if letter.mail.may_be_bounce}
    items = to_captured(owner, place, letters)
    ids = find_wanted(owner, items)
    return frozenset(reports | {int(source_id.split("-")[2]) for source_id in ids})


def _commit(
    owner: Owner, place: Place, letters: Sequence[Letter], unread: Sequence[Unread], from_uid: int, next_uid: int
) -> int:
    """Write a batch down; where one letter cannot be stored, find it and set it aside."""
    try:
        return writing.commit(owner, place, letters, unread, from_uid, next_uid)
    except (DataError, ValueError):
        good, bad = _split(owner, place, letters)
        return writing.commit(owner, place, good, [*unread, *bad], from_uid, next_uid)


def _split(owner: Owner, place: Place, letters: Sequence[Letter]) -> tuple[list[Letter], list[Unread]]:
    good, bad = [], []
    for letter in letters:
        try:
            writing.try_letter(owner, place, letter)
            good.append(letter)
        except (DataError, ValueError):
            bad.append(Unread(letter.uid, letter.size, letter.arrived_at, "refused"))
    return good, bad


def _note_end(place: Place) -> None:
    MailboxFolder.objects.filter(pk=place.folder_id).update(read_at=timezone.now())
    mailboxes.note_read(place.mailbox_id, place.holder)
