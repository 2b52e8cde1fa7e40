"""Older mail: counted first, with nothing written; taken up when its owner says so.

A pass that was broken off begins again: what was taken up already is found to be a duplicate.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from django.db.models import F

from activity.mail_watch.reading import BATCH, Means, fetch_bodies, parse_headers
from activity.models import Activity
from activity.pipeline.captured import Captured
from activity.pipeline.plan import MAIL
from activity.sources.mailbox import writing
from activity.sources.mailbox.letters import LeaseLost, Letter, Owner, Place, Unread, owner_of
from activity.sources.mailbox.reports import to_captured
from activity.sources.mailbox.wanted import find_loggable, looks_personal
from integrations.mailbox.imap import Imap
from integrations.models import BackfillState, FolderRole, MailboxBackfill, MailboxFolder


def backfills_of(holder: str) -> list[tuple[int, int]]:
    """(mailbox, back-fill) for what is to be done in the mailboxes that the holder watches."""
    busy = MailboxBackfill.objects.filter(state__in=(BackfillState.COUNTING, BackfillState.RUNNING))
    return list(busy.filter(mailbox__lease_holder=holder).values_list("mailbox", "pk"))


class Backfiller:
    """One pass over the days of a back-fill, through a connection of its own."""

    def __init__(self, means: Means, imap: Imap, mailbox_id: int, backfill_id: int) -> None:
        self._means, self._imap, self._mailbox_id, self._id = means, imap, mailbox_id, backfill_id
        self._backfill = means.writing.ask(MailboxBackfill.objects.get, pk=backfill_id)

    def run(self) -> None:
        """Count, or take up. Raises MailboxError, or LeaseLost when it was stopped."""
        is_count = self._backfill.state == BackfillState.COUNTING
        batches = [(place, uids) for place, uids in self._batches()]
        self._note(seen=0, total=sum(len(uids) for _, uids in batches), **self._zero(is_count))
        opened = None
        for place, uids in batches:
            if opened != place:
                self._imap.open(self._name_of(place))
                opened = place
            owner = self._means.writing.ask(owner_of, self._mailbox_id)
            letters, unread = parse_headers(self._means, self._imap.fetch_headers(uids))
            about_meetings = self._imap.find_calendars(uids)
            mails = [letter for letter in letters if letter.uid not in about_meetings]
            found = self._means.asking.ask(_sort_out, owner, place, mails)
            if is_count:
                self._note(seen=F("seen") + len(uids), **_counts(found, len(uids)))
            else:
                self._take_up(owner, place, mails, unread, found, len(uids))
        self._note(state=BackfillState.COUNTED if is_count else BackfillState.DONE)

    def _batches(self) -> Iterator[tuple[Place, list[int]]]:
        for folder in self._means.writing.ask(_folders_of, self._mailbox_id):
            opened = self._imap.open(folder.name)
            role = FolderRole(folder.role)
            place = Place(self._mailbox_id, folder.pk, role, opened.uidvalidity, self._means.holder)
            uids = self._imap.uids_between(self._backfill.since, self._backfill.until + timedelta(days=1))
            yield from ((place, uids[start : start + BATCH]) for start in range(0, len(uids), BATCH))

    def _name_of(self, place: Place) -> str:
        return self._means.writing.ask(MailboxFolder.objects.get, pk=place.folder_id).name

    def _take_up(
        self,
        owner: Owner,
        place: Place,
        letters: Sequence[Letter],
        unread: Sequence[Unread],
        found: tuple[frozenset[int], frozenset[int]],
        seen: int,
    ) -> None:
        """Only what would be logged: a row for each old mail that is not would bury the log."""
        loggable, personal = found
        chosen = loggable if self._backfill.with_personal else loggable - personal
        letters = [letter for letter in letters if letter.uid in chosen]
        whole, broken = fetch_bodies(self._means, self._imap, owner, letters, chosen)
        write = self._means.writing.ask
        write(writing.commit_older, owner, place, whole, [*unread, *broken], self._id, seen)

    def _zero(self, is_count: bool) -> dict[str, int]:
        return {"loggable": 0, "personal": 0, "others": 0} if is_count else {"taken_up": 0}

    def _note(self, **changes: object) -> None:
        row = MailboxBackfill.objects.filter(pk=self._id, state=self._backfill.state)
        if not self._means.writing.ask(row.update, **changes):
            raise LeaseLost


def _sort_out(owner: Owner, place: Place, letters: Sequence[Letter]) -> tuple[frozenset[int], frozenset[int]]:
    """The uids of what would be logged and is not yet, and of what looks personal among it."""
    items = _not_on_file(owner, to_captured(owner, place, letters))
    loggable = find_loggable(owner, items)
    mails = {letter.uid: letter.mail for letter in letters}
    chosen = {int(item.source_id.split("-")[2]): item for item in items if item.source_id in loggable}
    personal = {uid for uid, item in chosen.items() if looks_personal(item, mails[uid])}
    return frozenset(chosen), frozenset(personal)


def _not_on_file(owner: Owner, items: Sequence[Captured]) -> list[Captured]:
    """Without the mails that were taken up before, from whichever source."""
    mails = {item.message.message_id for item in items if item.message}
    before = Activity.objects.filter(
        workspace=owner.workspace, owner=owner.membership, message__message_id__in=mails, kind__in=MAIL
    )
    known = set(before.values_list("message__message_id", flat=True))
    return [item for item in items if item.message is None or item.message.message_id not in known]


def _counts(found: tuple[frozenset[int], frozenset[int]], seen: int) -> dict[str, object]:
    loggable, personal = found
    return {
        "loggable": F("loggable") + len(loggable - personal),
        "personal": F("personal") + len(personal),
        "others": F("others") + seen - len(loggable),
    }


def _folders_of(mailbox_id: int) -> list[MailboxFolder]:
    """Sent mail first, so that answers are known as such."""
    return list(MailboxFolder.objects.filter(mailbox=mailbox_id).order_by("-role", "pk"))
