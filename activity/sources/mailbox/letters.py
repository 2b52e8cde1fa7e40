"""Mail as it comes out of a folder, and whose it is."""

from dataclasses import dataclass
from datetime import datetime

from integrations.mailbox.mime import ParsedMail
from integrations.models import FolderRole, Mailbox
from workspaces.models import Membership


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
