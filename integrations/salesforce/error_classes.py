"""How a call to Salesforce can end badly: the classes, and what the caller does with each.

    SalesforceError
      Transient                 nothing was written: try again, with jitter
        OutcomeUnknown          the write may have happened: look it up by its key before sending again
        RolledBack              a sibling in the same transaction failed; this record was not saved
        RecordLocked            an approval process holds the record: try again after 15 minutes at least
      LimitReached              hold the whole org, probe rarely
        OrgUnavailable          maintenance, or the API is off for a while
        StorageFull             no room for new records
      ConnectionLost            hold the connection
        SessionExpired          refresh once, repeat once
        Revoked, Idle, UserInactive, OrgInactive, AppNotApproved, AppBlocked, AppMisconfigured, IpBlocked,
        ApiDisabled, PasswordExpired, PermissionLost, Sealed, HostChanged
      Rejected                  stop: a person acts
        StaleDescribe           read the describe again, drop the optional field, repeat once
        NoAccess                the Salesforce user may not do this
        ConsentDenied           the person pressed Deny
        SignInExpired           the sign-in took too long or was used twice
      RecordGone                match again
      UnexpectedAnswer          stop, tell the makers
        OurMistake              Salesforce says that the request is wrong
      HostNotAllowed            the address is not one of Salesforce's

Which code becomes which class stands in `error_rows/`. What `str()`, `repr()` and a traceback show is the
class and the code alone: Salesforce's text can repeat a record's content, and addresses and URLs hold
personal data.
"""

from dataclasses import dataclass
from typing import ClassVar

YOU = "you"
SALESFORCE_ADMIN = "your Salesforce admin"
TOUCHLINE_ADMIN = "your Touchline admin"
MAKERS = "the makers of Touchline"
NOBODY = "nobody: it heals itself"


@dataclass(frozen=True, slots=True)
class Remedy:
    """Who can put it right, and where (a page of Touchline or a path in Salesforce's Setup; empty when
    nowhere).
    """

    who: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Duplicates:
    """What a duplicate rule found: the records' ids, and whether the rule lets the user save all the same."""

    ids: tuple[str, ...]
    may_save: bool


class SalesforceError(Exception):
    """Base of everything that the protocol raises.

    `code` is Salesforce's errorCode, the OAuth error, `HTTP_<status>` where the answer had no code, or a word
    of ours in lower case. `salesforce_text` is Salesforce's own message: for the connection's owner only,
    never for logs. `duplicates`: what a duplicate rule found, where that is why.
    """

    user_message: str = "Salesforce did not do what was asked. Try again later."
    remedy: Remedy = Remedy(YOU)

    def __init__(
        self,
        code: str = "",
        *,
        user_message: str | None = None,
        remedy: Remedy | None = None,
        salesforce_text: str = "",
        fields: tuple[str, ...] = (),
        request_id: str | None = None,
        http_status: int | None = None,
        duplicates: Duplicates | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.user_message = user_message or type(self).user_message
        self.remedy = remedy or type(self).remedy
        self.salesforce_text = salesforce_text
        self.fields = fields
        self.request_id = request_id
        self.http_status = http_status
        self.duplicates = duplicates

    def __str__(self) -> str:
        return f"{type(self).__name__}({self.code})"

    __repr__ = __str__


class Transient(SalesforceError):
    """Nothing was written and nothing is wrong: the same call may work in a moment."""

    user_message = "Salesforce could not be reached just now. Touchline tries again by itself."
    remedy = Remedy(NOBODY)
    wait_seconds: ClassVar[int] = 0
    """The shortest wait that makes sense before trying again."""


class OutcomeUnknown(Transient):
    """The request left, and no answer says whether it was carried out (a call may run 10 minutes at
    Salesforce).
    """

    user_message = (
        "Salesforce did not answer in time. Touchline first looks whether the record was saved, then goes on."
    )


class RolledBack(Transient):
    """Not the cause: another record in the same transaction failed, and this one was not saved either."""

    user_message = "Salesforce undid this record because another one in the same request failed. It is sent again."


class RecordLocked(Transient):
    """The record is in an approval process."""

    user_message = (
        "The record is locked by an approval in Salesforce. Touchline tries again every 15 minutes or later."
    )
    remedy = Remedy(SALESFORCE_ADMIN, "the record's Approval History")
    wait_seconds = 15 * 60


class LimitReached(SalesforceError):
    """The org as a whole takes no more calls: hold every connection of it and probe at most every 15 minutes."""

    user_message = (
        "Your Salesforce org has used up its API calls for the last 24 hours. Touchline waits and goes on later."
    )
    remedy = Remedy(SALESFORCE_ADMIN, "Setup › Company Information › API Requests, Last 24 Hours")


class OrgUnavailable(LimitReached):
    """Salesforce is in maintenance, or its API is switched off for a while."""

    user_message = "Salesforce is in maintenance. Touchline waits and goes on afterwards."
    remedy = Remedy(NOBODY)


class StorageFull(LimitReached):
    """The org has no room: no write can succeed until its admin makes some."""

    user_message = (
        "Your Salesforce org has no storage left. Touchline keeps the activities and goes on once there is room."
    )
    remedy = Remedy(SALESFORCE_ADMIN, "Setup › Storage Usage")


class Rejected(SalesforceError):
    """Salesforce understood and said no. The same call gives the same answer until a person changes
    something.
    """

    user_message = "Salesforce did not accept this record. Read its message, correct it there, then retry."
    remedy = Remedy(YOU, "the row in the Activity Log")


class StaleDescribe(Rejected):
    """Our copy of the org's fields is out of date, or a field is hidden from this user."""

    user_message = "A field that Touchline fills is missing or hidden in your Salesforce org."
    remedy = Remedy(SALESFORCE_ADMIN, "Setup › Object Manager › the object › Fields › Set Field-Level Security")


class NoAccess(Rejected):
    """The Salesforce user lacks a right on the object or on this record."""

    user_message = "Your Salesforce user may not do this. Ask your Salesforce admin for access, then retry."
    remedy = Remedy(SALESFORCE_ADMIN, "Setup › Permission Sets › Object Settings, and the record's Sharing")


class ConsentDenied(Rejected):
    """The person pressed Deny on Salesforce's page."""

    user_message = "You did not allow the access, so nothing was connected. Connect again whenever you like."
    remedy = Remedy(YOU, "Settings › Integrations › Connect to Salesforce")


class SignInExpired(Rejected):
    """The authorization code was used before, is too old, or does not fit the browser that began."""

    user_message = "The sign-in took too long or was opened twice. Connect to Salesforce once more."
    remedy = Remedy(YOU, "Settings › Integrations › Connect to Salesforce")


class RecordGone(SalesforceError):
    """The record, or one that it refers to, is deleted, merged, converted or not visible: match again."""

    user_message = "The Salesforce record is gone or hidden from this user. Touchline looks for the right one again."
    remedy = Remedy(YOU, "the row in the Activity Log › Log to another record")


class UnexpectedAnswer(SalesforceError):
    """An answer that stands in no table of ours. Never repeated in a loop."""

    user_message = (
        "Salesforce gave an answer that Touchline does not know. The row is parked; please report its code."
    )
    remedy = Remedy(MAKERS, "the project's issue tracker, with the code and the request id")


class OurMistake(UnexpectedAnswer):
    """Salesforce says that the request itself is wrong: a fault in Touchline, or a query that is too large."""

    user_message = (
        "Touchline sent something that Salesforce does not take. This is our fault; please report the code."
    )


class HostNotAllowed(SalesforceError):
    """An address outside Salesforce's own hosts. Nothing was sent to it."""

    user_message = "This address is not one of Salesforce's, so Touchline sends nothing to it."
    remedy = Remedy(YOU, "Settings › Integrations: check the My Domain")

    def __init__(self, code: str = "host_not_allowed", **details: object) -> None:
        super().__init__(code, **details)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One line of the table: a code, optionally told apart by a pattern of its message, and what it means.

    `pattern` is a regular expression searched without regard to case; the row of a code without a pattern is
    its safe default. Texts left out are those of the class. `unknown_on_write` marks codes after which
    a write may still have happened.
    """

    source: str
    code: str
    error: type[SalesforceError]
    title: str
    pattern: str | None = None
    user_message: str = ""
    who: str = ""
    where: str = ""
    unknown_on_write: bool = False

    def __post_init__(self) -> None:
        for name, default in (
            ("user_message", self.error.user_message),
            ("who", self.error.remedy.who),
            ("where", self.error.remedy.where),
        ):
            object.__setattr__(self, name, getattr(self, name) or default)
