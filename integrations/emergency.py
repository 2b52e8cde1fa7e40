"""Ends every grant of the installation at once: when tokens may have leaked.

What one row refuses (a key that is missing) does not keep the others from ending; it is told at the end.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from integrations import mailbox_grants, mailbox_sign_in, mailboxes, revocations, secrets, unkept
from integrations.connections import disconnect
from integrations.models import (
    Calendar,
    Connection,
    Mailbox,
    MailboxAuth,
    MailboxGrant,
    MailboxSignIn,
    PendingGrant,
    PendingRevocation,
)
from integrations.secrets import SecretsError


@dataclass(slots=True)
class Report:
    """What was ended (of a count: what would be), and what is left to do. `failures` name rows, never a secret.

    unconfirmed: grants that Salesforce or a mail provider have not ended yet. not_revocable: sign-ins of mailboxes
    whose provider cannot be told. Mailboxes and calendars with passwords are counted, nothing more.
    """

    connections: int = 0
    trips: int = 0
    mailboxes: int = 0
    mailbox_trips: int = 0
    not_revocable: int = 0
    unconfirmed: int = 0
    unconfirmed_mailboxes: int = 0
    mailboxes_with_password: int = 0
    calendars_with_password: int = 0
    failures: list[str] = field(default_factory=list)


def count() -> Report:
    """What `end_all` would end; changes nothing."""
    report = _begin()
    report.connections, report.trips = _connections().count(), _trips().count()
    report.mailboxes = _signed_in().count()
    report.mailbox_trips = MailboxSignIn.objects.filter(ended_at=None).count()
    report.unconfirmed = PendingRevocation.objects.filter(revoked_at=None, given_up_at=None).count()
    report.unconfirmed_mailboxes = MailboxGrant.objects.filter(mailbox=None).count()
    return report


def end_all() -> Report:
    """Disconnect everybody from Salesforce and from mailboxes that they signed in to, and revoke every grant.

    Stopped in the middle, it goes on where it was when it is called again.
    """
    report = _begin()
    report.connections = _each(_connections().iterator(chunk_size=200), _end_connection, report)
    report.trips = _each(_trips().iterator(chunk_size=200), _end_trip, report)
    report.mailbox_trips = mailbox_sign_in.end_open("revoked_all")
    report.mailboxes = _end_mailboxes()
    report.unconfirmed = revocations.run_all()
    mailbox_grants.revoke_now()
    report.unconfirmed_mailboxes = MailboxGrant.objects.filter(mailbox=None).count()
    return report


def _begin() -> Report:
    """With what this cannot end."""
    lasting = [auth for auth in MailboxAuth if auth != MailboxAuth.PASSWORD and not mailbox_grants.is_revocable(auth)]
    return Report(
        not_revocable=MailboxGrant.objects.filter(provider__in=lasting).count(),
        mailboxes_with_password=Mailbox.objects.live().filter(auth=MailboxAuth.PASSWORD).count(),
        calendars_with_password=Calendar.objects.live().count(),
    )


def _connections() -> QuerySet[Connection]:
    return Connection.objects.live().select_related("workspace").order_by("pk")


def _trips() -> QuerySet[PendingGrant]:
    return PendingGrant.objects.filter(ended_at=None).select_related("workspace").order_by("pk")


def _signed_in() -> QuerySet[Mailbox]:
    return Mailbox.objects.live().exclude(auth=MailboxAuth.PASSWORD).select_related("workspace").order_by("pk")


def _each(rows: Iterable[Any], end: Callable[[Any], bool], report: Report) -> int:
    """End one after the other; returns how many this call ended."""
    ended = 0
    for row in rows:
        try:
            ended += end(row)
        except SecretsError as error:
            report.failures.append(str(error))
    return ended


def _check_opens(row: Connection | PendingGrant) -> None:
    """Raises SecretsError: what cannot be opened cannot be revoked, and whoever runs this has to know of it."""
    for column in ("access_token_sealed", "refresh_token_sealed"):
        if sealed := getattr(row, column):
            secrets.open(sealed, secrets.context_of(row, column))


def _end_connection(connection: Connection) -> bool:
    _check_opens(Connection.objects.with_secrets().select_related("workspace").get(pk=connection.pk))
    disconnect(connection, by=None)
    return True


def _end_trip(trip: PendingGrant) -> bool:
    _check_opens(trip)
    return unkept.end(trip, "revoked_all")


@transaction.atomic
def _end_mailboxes() -> int:
    """All in one transaction: a grant whose account still opens another mailbox would not be revoked."""
    found = list(_signed_in())
    for mailbox in found:
        mailboxes.disconnect(mailbox, by=None)
    return len(found)
