"""Mail as it comes out of a folder, and whose it is."""

from dataclasses import dataclass
from datetime import datetime

from integrations.calendar.messages import CalendarMessage
from integrations.mailbox.mime import ParsedMail
from integrations.models import FolderRole, Mailbox
from workspaces.models import Membership


class LeaseLost(Exception):
    """Another process watches the mailbox now, or nobody is to watch it: nothing was written."""


ABOUT_MEETINGS = frozenset({"REQUEST", "REPLY", "CANCEL", "ADD", "COUNTER", "DECLINECOUNTER", "REFRESH"})
"""What calendars in a mail say of meetings to the people in them (RFC 5546); PUBLISH only shows one around."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail of a folder: its place, when the server got it (UTC), what was parsed of it and of its calendars."""

    uid: int
    size: int
    arrived_at: datetime
    mail: ParsedMail
    calendars: tuple[CalendarMessage, ...] = ()

    @property
    def is_about_meeting(self) -> bool:
        """Whether it invites, answers or calls off: then the meeting is what happened, not the mail."""
        return any(calendar.method in ABOUT_MEETINGS and calendar.meetings for calendar in self.calendars)


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
