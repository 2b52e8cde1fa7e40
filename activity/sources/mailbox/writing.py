"""Writes a batch of letters down, in one transaction, under the lease of who read them."""

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from activity.models import Activity, Kind, Source
from activity.pipeline.capture import capture
from activity.pipeline.captured import Captured
from activity.sources.mailbox.letters import LeaseLost, Letter, Owner, Place, Unread
from activity.sources.mailbox.reports import to_calendars, to_captured
from activity.sources.meetings import take_meetings
from integrations import mailboxes
from integrations.models import (
    BackfillState,
    Mailbox,
    MailboxBackfill,
    MailboxFolder,
    MailboxState,
    QuarantinedMail,
)

QUARANTINE_IS_KEPT = timedelta(days=30)


def commit(
    owner: Owner, place: Place, letters: Sequence[Letter], unread: Sequence[Unread], from_uid: int, next_uid: int
) -> int:
    """Capture the letters and move the folder on from `from_uid` to `next_uid`; returns how many are new.

    Raises LeaseLost when the folder is not where this reader left it.
    """
    with transaction.atomic():
        _hold_lease(place)
        items = to_captured(owner, place, letters)
        _take_meetings(owner, place, letters)
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
    results = capture(owner.workspace, Source.MAILBOX, _without_known_bounces(owner, items))
    new = sum(result.status == "accepted" for result in results)
    mailboxes.count_messages(place.mailbox_id, new)
    return new


def _without_known_bounces(owner: Owner, items: Sequence[Captured]) -> list[Captured]:
    """A mail bounces once for an address, however often the report of it is found: moved, or numbered anew."""
    named = {item.known_message_id for item in items if item.kind == Kind.BOUNCED}
    if not named:
        return list(items)
    rows = Activity.objects.filter(owner=owner.membership, kind=Kind.BOUNCED, message__message_id__in=named)
    known = set(rows.values_list("message__message_id", "recipient"))
    left = []
    for item in items:
        place = (item.known_message_id, item.recipient)
        if item.kind != Kind.BOUNCED or place not in known:
            left.append(item)
            known.add(place)
    return left


def _take_meetings(owner: Owner, place: Place, letters: Sequence[Letter]) -> None:
    """First in its transaction: whoever reads the member's calendar locks what is known of meetings first, too."""
    take_meetings(owner.membership, owner.own_addresses, to_calendars(owner, place, letters), seen_in="mail")


def commit_older(
    owner: Owner, place: Place, letters: Sequence[Letter], unread: Sequence[Unread], backfill_id: int, seen: int
) -> None:
    """Capture letters of a back-fill and count them as seen. Raises LeaseLost, also when it was stopped meanwhile."""
    with transaction.atomic():
        _hold_lease(place)
        items = to_captured(owner, place, letters)
        _take_meetings(owner, place, letters)
        new = _capture(owner, place, items)
        _quarantine(place, [*unread, *_without_items(letters, items)])
        running = MailboxBackfill.objects.filter(pk=backfill_id, state=BackfillState.RUNNING)
        if not running.update(seen=F("seen") + seen, taken_up=F("taken_up") + new):
            raise LeaseLost


def try_letter(owner: Owner, place: Place, letter: Letter) -> None:
    """Capture the letter and undo it: raises what makes it impossible to store."""
    with transaction.atomic():
        _take_meetings(owner, place, [letter])
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
        if letter.uid not in reported and not letter.is_about_meeting
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
