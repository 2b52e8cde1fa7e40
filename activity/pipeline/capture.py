"""Write down what a source reports: activity, jobs, what is due, the ledger and the wake-up, in one transaction.

A report is known by its source and its id there: the same one again gives the same activity, other content under a
known id is refused. One mail reported by two sources gives one activity for each owner who took part. What is left
after these questions is written by recording.py.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from activity.models import Activity, Kind, LedgerEntry, Source
from activity.pipeline import inserts
from activity.pipeline.captured import Captured, CaptureResult, Fault
from activity.pipeline.on_file import MailKey, OnFile, read_on_file
from activity.pipeline.owners import Owner, read_owners
from activity.pipeline.recording import Recording, new_key
from workspaces.ids import uuid7
from workspaces.models import Workspace

__all__ = ["capture", "new_key"]

MAIL_KINDS = frozenset({Kind.SENT, Kind.RECEIVED, Kind.REPLIED})
UNKNOWN_MEMBER = "No member of this workspace has this verified address."
UNKNOWN_MESSAGE = "No message with this id is known here: report the message itself, with from, to and subject."
OTHER_CONTENT = "This id was reported before with other content. Nothing was changed; use another id."


def capture(workspace: Workspace, source: Source, items: Sequence[Captured]) -> list[CaptureResult]:
    """Write the items down and return what became of each, in their order.

    Nothing is stored unless everything that is called accepted is: "accepted" is true when this returns, outside any
    transaction of the caller.
    """
    if not items:
        return []
    with transaction.atomic():
        report = _Report(workspace, source, list(items))
        report.look_up()
        report.find_owners()
        report.find_known()
        report.find_messages()
        report.find_same_mail()
        report.find_same_bounce()
        report.claim_ids()
        report.refuse_orphans()
        report.write()
    return [result for result in report.results if result is not None]


@dataclass
class _Report:
    """One call of capture: what is known so far, and the results by position."""

    workspace: Workspace
    source: Source
    items: list[Captured]
    owners: dict[str, Owner] = field(default_factory=dict)
    colleagues: frozenset[str] = frozenset()
    on_file: OnFile = field(default_factory=lambda: OnFile({}, {}, {}))
    uuids: dict[int, UUID] = field(default_factory=dict)
    now: datetime = field(default_factory=timezone.now)

    def __post_init__(self) -> None:
        self.results: list[CaptureResult | None] = [None] * len(self.items)
        # Of the items as they were reported: what is made of them later is ours.
        self.digests = [item.digest() for item in self.items]

    # --- Steps, in order ----------------------------------------------------------------------------------

    def look_up(self) -> None:
        """Read what is known of everything that is reported, in two statements."""
        answered = {_in_reply_to(item) for item in self.items if item.kind == Kind.RECEIVED}
        mails = {item.message.message_id for item in self.items if item.message and item.kind in MAIL_KINDS}
        self.on_file = read_on_file(
            self.workspace,
            self.source,
            reports={item.source_id for item in self.items},
            mails=(mails | answered) - {""},
            messages={item.known_message_id for item in self.items} - {""},
        )
        addresses = {each for item in self.items for each in _all_addresses(item)}
        self.owners, self.colleagues = read_owners(self.workspace, {item.user for item in self.items}, addresses)

    def find_owners(self) -> None:
        """Refuse what belongs to nobody here."""
        for position, item in enumerate(self.items):
            if item.user not in self.owners:
                self._refuse(position, "user", UNKNOWN_MEMBER)

    def find_known(self) -> None:
        """Answer what was reported before, in an earlier request or higher up in this one."""
        first: dict[str, int] = {}
        on_file = self.on_file.reports
        for position in self._open():
            source_id = self.items[position].source_id
            if source_id in on_file:
                self._answer_known(position, *on_file[source_id])
            elif source_id in first:
                original = first[source_id]
                self._answer_known(position, self.digests[original], self.uuids[original])
            else:
                first[source_id] = position
                self.uuids[position] = uuid7()

    def find_messages(self) -> None:
        """Refuse what is about a message that nobody reported."""
        coming = {item.message.message_id for item in (self.items[each] for each in self._open()) if item.message}
        for position in self._open():
            wanted = self.items[position].known_message_id
            if wanted and wanted not in self.on_file.messages and wanted not in coming:
                self._refuse(position, "message.message_id", UNKNOWN_MESSAGE)
        self._turn_answers_into_replies()

    def _turn_answers_into_replies(self) -> None:
        """A mail that answers one of ours is Replied, and only that."""
        received = [position for position in self._open() if self.items[position].kind == Kind.RECEIVED]
        if not received:
            return
        ours = self.on_file.sent
        for item in (self.items[position] for position in self._open()):
            if item.kind == Kind.SENT and item.message:
                ours.add(item.message.message_id)
        for position in received:
            item = self.items[position]
            if item.message and _in_reply_to(item) in ours:
                recipient = item.recipient or item.message.sender.email
                self.items[position] = replace(item, kind=Kind.REPLIED, recipient=recipient)

    def find_same_mail(self) -> None:
        """A mail that is on file for its owner, by whatever source, is a duplicate of that activity."""
        mails = {position: self._mail_key(position) for position in self._open() if self._is_mail(position)}
        on_file = dict(self.on_file.mails)
        for position, key in mails.items():
            if key in on_file:
                self._be_duplicate_of(position, on_file[key])
            else:
                on_file[key] = self.uuids[position]

    def find_same_bounce(self) -> None:
        """A bounce that another source told of before is a duplicate of that activity."""
        bounces = [position for position in self._open() if self.items[position].kind == Kind.BOUNCED]
        if not bounces:
            return
        rows = Activity.objects.filter(
            workspace=self.workspace,
            kind=Kind.BOUNCED,
            message__message_id__in={self.items[position].message_id for position in bounces},
        ).exclude(source=self.source)
        for owner, message_id, address, uuid in rows.order_by("pk").values_list(
            "owner", "message__message_id", "recipient", "uuid"
        ):
            for position in bounces:
                item = self.items[position]
                is_same = (self._owner(position).pk, item.message_id) == (owner, message_id)
                if is_same and self.results[position] is None and _is_covered(item, address):
                    self._be_duplicate_of(position, uuid)

    def claim_ids(self) -> None:
        """Enter the ids into the ledger; whoever entered one at the same time was first."""
        open_now = self._open()
        entries = [
            (self.items[position].source_id, self.digests[position], self.uuids[position])
            for position in [*open_now, *self._new_duplicates()]
        ]
        won = inserts.insert_ledger(self.workspace.pk, self.source, self.now, entries)
        lost = [position for position in open_now if self.items[position].source_id not in won]
        if lost:
            ids = {self.items[position].source_id for position in lost}
            on_file = read_on_file(self.workspace, self.source, reports=ids).reports
            for position in lost:
                self._answer_known(position, *on_file[self.items[position].source_id])

    def refuse_orphans(self) -> None:
        """The message may have been in an item that was answered otherwise meanwhile: then it is on file by now."""
        open_now = self._open()
        coming = {item.message.message_id for item in (self.items[each] for each in open_now) if item.message}
        wanted = {self.items[position].known_message_id for position in open_now} - {""} - coming
        messages = self.on_file.messages
        missing = wanted - messages.keys()
        if not missing:
            return
        messages |= read_on_file(self.workspace, self.source, messages=missing).messages
        orphans = [each for each in open_now if self.items[each].known_message_id in missing - messages.keys()]
        for position in orphans:
            self._refuse(position, "message.message_id", UNKNOWN_MESSAGE)
        ids = [self.items[position].source_id for position in orphans]
        LedgerEntry.objects.filter(workspace=self.workspace, source=self.source, source_id__in=ids).delete()

    def write(self) -> None:
        """Write down what is left, and accept it."""
        items = {position: self.items[position] for position in self._open()}
        if not items:
            return
        recording = Recording(
            workspace=self.workspace,
            source=self.source,
            now=self.now,
            items=items,
            owners={position: self._owner(position) for position in items},
            uuids=self.uuids,
            messages=self.on_file.messages,
            colleagues=self.colleagues,
        )
        written = recording.write()
        for position in written:
            source_id = self.items[position].source_id
            self.results[position] = CaptureResult(source_id, "accepted", str(self.uuids[position]))
        self._answer_overtaken([position for position in items if position not in written])

    # --- What the steps are made of -----------------------------------------------------------------------

    def _open(self) -> list[int]:
        """The positions that have no result yet."""
        return [position for position, result in enumerate(self.results) if result is None]

    def _owner(self, position: int) -> Owner:
        return self.owners[self.items[position].user]

    def _refuse(self, position: int, path: str, message: str) -> None:
        item = self.items[position]
        self.results[position] = CaptureResult(item.source_id, "rejected", errors=(Fault(path, message),))

    def _answer_known(self, position: int, digest: str, activity: UUID) -> None:
        if self.digests[position] == digest:
            self.results[position] = CaptureResult(self.items[position].source_id, "duplicate", str(activity))
        else:
            self._refuse(position, "id", OTHER_CONTENT)

    def _be_duplicate_of(self, position: int, activity: UUID) -> None:
        self.uuids[position] = activity
        self.results[position] = CaptureResult(self.items[position].source_id, "duplicate", str(activity))

    def _new_duplicates(self) -> list[int]:
        """Reports of a known mail under an id that is new: the id is remembered too."""
        return [
            position
            for position, result in enumerate(self.results)
            if result is not None and result.status == "duplicate" and position in self.uuids
        ]

    def _is_mail(self, position: int) -> bool:
        return self.items[position].kind in MAIL_KINDS and self.items[position].message is not None

    def _mail_key(self, position: int) -> MailKey:
        item = self.items[position]
        return self._owner(position).pk, item.message_id, item.kind == Kind.SENT

    def _answer_overtaken(self, positions: Sequence[int]) -> None:
        """Mails that another report brought at the same moment are duplicates of its activities."""
        if not positions:
            return
        mails = {self.items[position].message_id for position in positions}
        on_file = read_on_file(self.workspace, self.source, mails=mails).mails
        for position in positions:
            self._be_duplicate_of(position, on_file[self._mail_key(position)])
        rows = [(self.items[position].source_id, self.uuids[position]) for position in positions]
        inserts.point_ledger(self.workspace.pk, self.source, rows)


def _all_addresses(item: Captured) -> Iterable[str]:
    yield item.user
    yield item.recipient
    if item.message:
        yield item.message.sender.email
        yield from (each.email for each in item.message.recipients)
    if item.meeting:
        yield item.meeting.organizer.email
        yield from (each.email for each in item.meeting.attendees)


def _is_covered(bounce: Captured, address: str) -> bool:
    """Whether a bounce for the address, or for everybody where it is empty, says what this one does."""
    everybody = {each.email for each in bounce.message.recipients} if bounce.message else set()
    return address in ("", bounce.recipient) or (not bounce.recipient and everybody == {address})


def _in_reply_to(item: Captured) -> str:
    return item.message.in_reply_to if item.message else ""
