"""What can go wrong with a calendar server. Every error says in plain words what happened and what to do."""


class CalendarError(Exception):
    """Base. `user_message` is for people; `cause` a slug to store; `server_text` what the server said, if anything.

    `str()` holds neither addresses nor passwords.
    """

    cause = "other"
    user_message = "The calendar server gave an answer that Touchline does not understand."

    def __init__(self, user_message: str = "", server_text: str = "") -> None:
        super().__init__(self.cause)
        self.user_message = user_message or type(self).user_message
        self.server_text = server_text[:300]


class Unreachable(CalendarError):
    """No connection, no answer in time, or a connection that broke: worth another try later."""

    cause = "unreachable"
    user_message = "The calendar server does not answer. Check its address, or try again later."


class Busy(Unreachable):
    """The server asks to come back later; `retry_after` in seconds where it says when."""

    cause = "busy"
    user_message = "The calendar server is busy or wants fewer requests at the moment. Try again later."

    def __init__(self, user_message: str = "", server_text: str = "", retry_after: float | None = None) -> None:
        super().__init__(user_message, server_text)
        self.retry_after = retry_after


class HostRefused(CalendarError):
    """A server that is never connected to."""

    cause = "host"
    user_message = "Touchline does not connect to this server: it must be a public server reached by https."


class SentElsewhere(HostRefused):
    """The server points to another site, to which the password is not sent."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"The server sends Touchline on to {host[:100]}, which is another site, so your password was not sent "
            "there. If that is where your calendars are, enter its address."
        )


class CertificateRefused(CalendarError):
    """TLS failed: the certificate is not of this host, not trusted or out of date."""

    cause = "certificate"
    user_message = (
        "The calendar server did not prove its identity: its certificate is not valid for this name. "
        "Nothing was sent to it. Check its address."
    )


class LoginRefused(CalendarError):
    """User name and password are not accepted: no further try without a person."""

    cause = "password"
    user_message = "The calendar server does not accept this user name and password."


class NoPasswordLogin(LoginRefused):
    """The server knows other ways to log in only."""

    cause = "no_password"
    user_message = "This calendar server does not let programs log in with a user name and a password."


class NotCalendars(CalendarError):
    """Somebody answers, but not a calendar server."""

    cause = "not_calendars"
    user_message = (
        "There is no calendar server (CalDAV) at this address. Look for the address in the settings of your calendar."
    )


class CollectionGone(CalendarError):
    """A chosen calendar is not there any more, or not for this person."""

    cause = "collection"
    user_message = "A calendar that Touchline reads is not on the server any more. Choose the calendars again."


class Sealed(CalendarError):
    """The stored password cannot be opened: the installation lost its key, or has another one."""

    cause = "sealed"
    user_message = (
        "Touchline cannot open the password that it keeps encrypted, because the key to it is missing. Tell whoever "
        "runs Touchline, or reconnect with your password."
    )


class AnswerTooLarge(CalendarError):
    """More than Touchline reads in one go."""

    cause = "too_large"
    user_message = "The calendar server's answer is larger than Touchline reads."


class TokenInvalid(CalendarError):
    """The server does not remember what the sync-token stands for (RFC 6578 §3.2), or has no such report."""
