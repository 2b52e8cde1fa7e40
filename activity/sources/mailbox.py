"""Mail of members' mailboxes. Headers decide first; the body is asked for only where it may be logged.

What was captured, what stands aside and how far the folder was read is written in one transaction, under the lease
of the process that read it: after any crash the same mail is read again and nothing is written twice.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from activity.models import Activity, BodyChoice, Kind, Message, Source, SyncState
from activity.pipeline import match
from activity.pipeline.capture import capture
from activity.pipeline.captured import Captured, CapturedMessage, Person
from activity.pipeline.exclude import in_domains
from activity.pipeline.plan import Circumstances, plan
from activity.pipeline.standing import standings_of
from activity.settings import settings_for
from activity.sources.addresses import normalize_address
from integrations import mailboxes
from integrations.budget import Purpose, may_call
from integrations.connections import live_org, sync_client
from integrations.mailbox.bounces import Bounce
from integrations.mailbox.mime import ParsedMail
from integrations.models import (
    BackfillState,
    FolderRole,
    Mailbox,
    MailboxBackfill,
    MailboxFolder,
    MailboxState,
    QuarantinedMail,
)
from integrations.salesforce.errors import SalesforceError
from workspaces.free_mail import is_free_mail
from workspaces.members import find_members
from workspaces.models import Membership

DATE_MAY_BE_OFF = (timedelta(days=7), timedelta(days=1))
"""How much older and newer than its arrival a mail's own date may be; else the arrival counts."""
QUARANTINE_IS_KEPT = timedelta(days=30)


class LeaseLost(Exception):
    """Another process watches the mailbox now, or nobody is to watch it: nothing was written."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail of a folder: its place, when the server got it (UTC), and what was parsed of it."""

    uid: int
    size: int
    arrived_at: datetime
    mail: ParsedMail


@dataclass(frozen=True, slots=True)
class Unread:
    """One mail that could not be parsed, and why (a key of QUARANTINE_REASONS)."""

    uid: int
    size: int
    arrived_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Place:
    """A folder as it is being read: the rows' ids, the validity of its uids, who reads."""

    mailbox_id: int
    folder_id: int
    role: FolderRole
    uidvalidity: int
    holder: str


class Owner:
    """Whose mailbox it is, and what decides about the mail in it; read once for a batch."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self.membership: Membership = mailbox.membership
        self.workspace = mailbox.workspace
        verified = self.membership.user.emailaddress_set.filter(verified=True).order_by("-primary", "pk")
        addresses = [each.lower() for each in verified.values_list("email", flat=True)]
        self.user = addresses[0] if addresses else self.membership.user.email.lower()
        self.own_addresses = mailbox.own_addresses | frozenset(addresses)


def owner_of(mailbox_id: int) -> Owner:
    """The owner of a mailbox."""
    rows = Mailbox.objects.select_related("workspace", "membership__user", "membership__role")
    return Owner(rows.get(pk=mailbox_id))


# --- From mail to Captured --------------------------------------------------------------------------------


def to_captured(owner: Owner, place: Place, letters: Sequence[Letter]) -> list[Captured]:
    """What the letters report; one letter may report several bounces, or nothing that can be stored."""
    answered = _find_answered(owner, letters)
    return [item for letter in letters for item in _captured_of(owner, place, letter, answered)]


def _find_answered(owner: Owner, letters: Iterable[Letter]) -> frozenset[str]:
    """Which of the messages that the letters answer or report on are known here."""
    named = {
        each
        for letter in letters
        for each in (
            letter.mail.in_reply_to,
            *letter.mail.references,
            letter.mail.bounce.message_id if letter.mail.bounce else "",
        )
        if each
    }
    rows = Message.objects.filter(workspace=owner.workspace, message_id__in=named)
    sent = Activity.objects.filter(workspace=owner.workspace, kind=Kind.SENT, message__in=rows)
    return frozenset(sent.values_list("message__message_id", flat=True))


def _captured_of(owner: Owner, place: Place, letter: Letter, answered: Collection[str]) -> list[Captured]:
    mail, source_id = letter.mail, f"{place.folder_id}-{place.uidvalidity}-{letter.uid}"
    sender = _person(mail.sender)
    if sender is None:
        return []
    is_sent = place.role == FolderRole.SENT or sender.email in owner.own_addresses
    if mail.bounce and mail.bounce.message_id in answered and not is_sent:
        return _bounces(owner, letter, mail.bounce, source_id)
    message = CapturedMessage(
        message_id=mail.message_id,
        subject=mail.subject,
        sender=sender,
        to=_people(mail.to),
        cc=_people(mail.cc),
        bcc=_people(mail.bcc),
        text=mail.text,
        text_was_cut=mail.text_was_cut,
        in_reply_to="" if mail.is_automatic and not is_sent else _answers(mail, answered),
    )
    return [
        Captured(
            source_id=source_id,
            user=owner.user,
            kind=Kind.SENT if is_sent else Kind.RECEIVED,
            occurred_at=_occurred_at(letter),
            message=message,
            via_touchline=False,
        )
    ]


def _bounces(owner: Owner, letter: Letter, bounce: Bounce, source_id: str) -> list[Captured]:
    found = [_person((address, "")) for address in bounce.recipients]
    return [
        Captured(
            source_id=f"{source_id}-{number}",
            user=owner.user,
            kind=Kind.BOUNCED,
            occurred_at=_occurred_at(letter),
            known_message_id=bounce.message_id,
            recipient=person.email,
            via_touchline=False,
        )
        for number, person in enumerate(found)
        if person is not None
    ]


def _answers(mail: ParsedMail, answered: Collection[str]) -> str:
    """What the mail answers: by In-Reply-To, else the last message of ours among its References."""
    if mail.in_reply_to in answered:
        return mail.in_reply_to
    return next((each for each in reversed(mail.references) if each in answered), mail.in_reply_to)


def _person(written: tuple[str, str]) -> Person | None:
    try:
        return Person(normalize_address(written[0]), written[1])
    except ValueError:
        return None


def _people(written: Iterable[tuple[str, str]]) -> tuple[Person, ...]:
    found = {person.email: person for person in map(_person, written) if person is not None}
    return tuple(found.values())


def _occurred_at(letter: Letter) -> datetime:
    date, (older, newer) = letter.mail.date, DATE_MAY_BE_OFF
    if date is not None and letter.arrived_at - older <= date <= letter.arrived_at + newer:
        return date
    return letter.arrived_at


# --- Does the body matter? --------------------------------------------------------------------------------


def find_wanted(owner: Owner, items: Sequence[Captured]) -> frozenset[str]:
    """The source ids of the items whose text is needed: they may be logged, and the role wants texts."""
    if settings_for(owner.membership).body == BodyChoice.NONE:
        return frozenset()
    return find_loggable(owner, items)


def find_loggable(owner: Owner, items: Sequence[Captured]) -> frozenset[str]:
    """The source ids of the items that may be logged: not excluded, not switched off, and with somebody who is in
    Salesforce or of whom that is not known. May ask Salesforce, in one batch.
    """
    waiting = _waiting_addresses(owner, items)
    addresses = {address for found in waiting.values() for address in found}
    known = _find_people(owner, addresses)
    return frozenset(
        source_id
        for source_id, found in waiting.items()
        if any(address not in known or known[address].candidates for address in found)
    )


def _waiting_addresses(owner: Owner, items: Sequence[Captured]) -> dict[str, list[str]]:
    """For each item that would be logged, the addresses for which it would be."""
    settings = settings_for(owner.membership)
    standing = standings_of(owner.workspace, [owner.membership])[owner.membership.pk]
    mails = [(item, item.message) for item in items if item.message]
    colleagues = find_members(
        owner.workspace, {person.email for _, mail in mails for person in (mail.sender, *mail.recipients)}
    )
    domains = frozenset(domain.lower() for domain in owner.workspace.own_domains)
    waiting = {}
    for item, mail in mails:
        around = Circumstances(
            settings=settings,
            standing=standing,
            is_internal=lambda address: address in colleagues or in_domains(address, domains),
            recipients=tuple(person.email for person in mail.recipients),
            subject=mail.subject,
        )
        jobs = [job for job in plan(item, around).jobs if job.state in (SyncState.WAITING, SyncState.HELD)]
        if jobs:
            waiting[item.source_id] = [job.recipient for job in jobs]
    return waiting


def _find_people(owner: Owner, addresses: Collection[str]) -> dict[str, match.Known]:
    """What is known of the addresses, Salesforce being asked for the others where that is possible."""
    now = timezone.now()
    known = match.find_known(owner.workspace, addresses, now)
    unknown = [address for address in addresses if address not in known]
    org = live_org(owner.workspace) if unknown else None
    if org is None or not may_call(org, Purpose.READ).allowed:
        return known
    try:
        client = sync_client(owner.workspace)
        return known | match.find_people(owner.workspace, unknown, client, now) if client else known
    except SalesforceError:
        return known  # whoever is not known may be logged


# --- Write down -------------------------------------------------------------------------------------------


def commit(
    owner: Owner, place: Place, letters: Sequence[Letter], unread: Sequence[Unread], from_uid: int, next_uid: int
) -> int:
    """Capture the letters and move the folder on from `from_uid` to `next_uid`; returns how many are new.

    Raises LeaseLost when the folder is not where this reader left it.
    """
    with transaction.atomic():
        _hold_lease(place)
        items = to_captured(owner, place, letters)
        new = _capture(owner, place, items)
        _quarantine(place, [*unread, *_without_items(letters, items)])
        moved = MailboxFolder.objects.filter(
            pk=place.folder_id, uidvalidity=place.uidvalidity, next_uid=from_uid
        ).update(next_uid=next_uid)
        if not moved:
            raise LeaseLost
    return new


def _capture(owner: Owner, place: Place, items: Sequence[Captured]) -> int:
    """Capture the items in the caller's transaction; returns how many are new."""
    results = capture(owner.workspace, Source.MAILBOX, items)
    new = sum(result.status == "accepted" for result in results)
    mailboxes.count_messages(place.mailbox_id, new)
    return new


def commit_older(
    owner: Owner, place: Place, letters: Sequence[Letter], unread: Sequence[Unread], backfill_id: int, seen: int
) -> None:
    """Capture letters of a back-fill and count them as seen. Raises LeaseLost, also when it was stopped meanwhile."""
    with transaction.atomic():
        _hold_lease(place)
        items = to_captured(owner, place, letters)
        new = _capture(owner, place, items)
        _quarantine(place, [*unread, *_without_items(letters, items)])
        running = MailboxBackfill.objects.filter(pk=backfill_id, state=BackfillState.RUNNING)
        if not running.update(seen=F("seen") + seen, taken_up=F("taken_up") + new):
            raise LeaseLost


def looks_personal(item: Captured, mail: ParsedMail) -> bool:
    """Whether a mail is marked as personal, or everybody in it but its owner writes from a provider for everybody."""
    if mail.sensitivity in ("personal", "private"):
        return True
    own = {item.user, item.message.sender.email if item.message and item.kind == Kind.SENT else ""}
    everybody = {each[0].lower() for each in (mail.sender, *mail.to, *mail.cc, *mail.bcc)}
    domains = {address.rpartition("@")[2] for address in everybody - own}
    return bool(domains) and all(is_free_mail(domain) for domain in domains)


def try_letter(owner: Owner, place: Place, letter: Letter) -> None:
    """Capture the letter and undo it: raises what makes it impossible to store."""
    with transaction.atomic():
        capture(owner.workspace, Source.MAILBOX, to_captured(owner, place, [letter]))
        transaction.set_rollback(True)


def start_folder(place: Place, next_uid: int) -> None:
    """Begin to read the folder under this validity with `next_uid`. Raises LeaseLost."""
    with transaction.atomic():
        _hold_lease(place)
        MailboxFolder.objects.filter(pk=place.folder_id).update(uidvalidity=place.uidvalidity, next_uid=next_uid)


def _hold_lease(place: Place) -> None:
    """Nobody takes the mailbox, pauses or disconnects it before this transaction ends."""
    held = Mailbox.objects.select_for_update(of=["self"]).filter(
        pk=place.mailbox_id, lease_holder=place.holder, state=MailboxState.CONNECTED, is_paused=False
    )
    if not held.values_list("pk", flat=True):
        raise LeaseLost


def _without_items(letters: Sequence[Letter], items: Sequence[Captured]) -> list[Unread]:
    """Letters that gave nothing to store: their sender's address is none."""
    reported = {int(item.source_id.split("-")[2]) for item in items}
    return [
        Unread(letter.uid, letter.size, letter.arrived_at, "no_sender")
        for letter in letters
        if letter.uid not in reported
    ]


def _quarantine(place: Place, unread: Sequence[Unread]) -> None:
    if not unread:
        return
    QuarantinedMail.objects.filter(
        folder__mailbox=place.mailbox_id, created_at__lt=timezone.now() - QUARANTINE_IS_KEPT
    ).delete()
    QuarantinedMail.objects.bulk_create(
        [
            QuarantinedMail(
                folder_id=place.folder_id,
                uidvalidity=place.uidvalidity,
                uid=each.uid,
                size=each.size,
                arrived_at=each.arrived_at,
                reason=each.reason,
            )
            for each in unread
        ],
        ignore_conflicts=True,
    )
