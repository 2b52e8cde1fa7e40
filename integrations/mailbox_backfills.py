"""Older mail of a mailbox: what a person asks for; the process that watches mailboxes does it."""

from datetime import date

from django.db import IntegrityError, transaction

from integrations.models import BackfillState, Mailbox, MailboxBackfill

LONGEST_DAYS = 3 * 366


class BackfillError(Exception):
    """It cannot be done; `user_message` says why."""

    def __init__(self, user_message: str) -> None:
        super().__init__("back-fill refused")
        self.user_message = user_message


def last_backfill(mailbox: Mailbox) -> MailboxBackfill | None:
    """The newest one."""
    return mailbox.backfills.order_by("-pk").first()


def begin_count(mailbox: Mailbox, since: date, until: date) -> MailboxBackfill:
    """Count what would be logged of these days, writing nothing. Raises BackfillError."""
    if until < since:
        raise BackfillError("The last day lies before the first.")
    if (until - since).days > LONGEST_DAYS:
        raise BackfillError("That is too long: at most three years at once.")
    with transaction.atomic():
        mailbox.backfills.filter(state=BackfillState.COUNTED).update(state=BackfillState.STOPPED)
        try:
            return mailbox.backfills.create(since=since, until=until)
        except IntegrityError:
            raise BackfillError("Touchline is looking into older mail already. Stop that first.") from None


def begin_logging(mailbox: Mailbox, *, with_personal: bool) -> bool:
    """Take up what was counted; returns whether there was such a count."""
    return bool(
        mailbox.backfills.filter(state=BackfillState.COUNTED).update(
            state=BackfillState.RUNNING, with_personal=with_personal, seen=0
        )
    )


def stop(mailbox: Mailbox) -> bool:
    """End what is under way; what was taken up stays. Returns whether there was something."""
    open_states = (BackfillState.COUNTING, BackfillState.COUNTED, BackfillState.RUNNING)
    return bool(mailbox.backfills.filter(state__in=open_states).update(state=BackfillState.STOPPED))
