"""What can go wrong with a mail server. Every error says in plain words what happened and what to do."""


class MailboxError(Exception):
    """Base. `user_message` is for people; `cause` a slug to store; `server_text` what the server said, if anything.

    `str()` holds neither addresses nor passwords.
    """

    cause = "other"
    user_message = "The mail server gave an answer that Touchline does not understand."

    def __init__(self, user_message: str = "", server_text: str = "") -> None:
        super().__init__(self.cause)
        self.user_message = user_message or type(self).user_message
        self.server_text = server_text[:300]


class Unreachable(MailboxError):
    """No connection, no answer in time, or a connection that broke: worth another try later."""

    cause = "unreachable"
    user_message = "The mail server does not answer. Check the server's name, or try again later."


class Busy(Unreachable):
    """The server asks to come back later: too many connections, or a fault of its own."""

    cause = "busy"
    user_message = "The mail server is busy or allows no further connection at the moment. Try again later."


class HostRefused(MailboxError):
    """A host or port that is never connected to."""

    cause = "host"
    user_message = "Touchline does not connect to this server: it must be a public mail server on port 993."


class CertificateRefused(MailboxError):
    """TLS failed: the certificate is not of this host, not trusted or out of date."""

    cause = "certificate"
    user_message = (
        "The mail server did not prove its identity: its certificate is not valid for this name. "
        "Nothing was sent to it. Check the server's name."
    )


class LoginRefused(MailboxError):
    """User name and password are not accepted: no further try without a person."""

    cause = "password"
    user_message = "The mail server does not accept this user name and password."


class AppPasswordNeeded(LoginRefused):
    """The provider wants a password made for this one program."""

    cause = "app_password"
    user_message = "The provider wants an app password: one that is made for Touchline alone."


class TokenRefused(LoginRefused):
    """The server does not accept the access token: it ran out, or the sign-in behind it has ended."""

    cause = "imap_refused"
    user_message = (
        "The mail server does not let Touchline in although you signed in. IMAP may be switched off for this "
        "mailbox: ask who looks after your mail."
    )


class SignInRefused(LoginRefused):
    """The provider does not accept the sign-in (any more): no further try without a person."""

    cause = "sign_in"
    user_message = "The mail provider has ended Touchline's access to this mailbox. Sign in again."


class SignInFailed(MailboxError):
    """A sign-in that did not lead to a mailbox; nothing of it is kept."""

    cause = "sign_in"
    user_message = "The mail provider sent an answer that Touchline does not understand. Nothing was connected."


class SignInUnavailable(Unreachable):
    """The provider's sign-in does not answer as it should: worth another try later."""

    cause = "sign_in_unavailable"
    user_message = "The mail provider's sign-in does not answer. Try again later."


class Sealed(MailboxError):
    """The stored log-in cannot be opened: the installation lost its key, or has another one."""

    cause = "sealed"
    user_message = (
        "Touchline cannot open the log-in that it keeps encrypted, because the key to it is missing. Tell whoever "
        "runs Touchline, or reconnect the mailbox."
    )


class FolderMissing(MailboxError):
    """A chosen folder is not there any more."""

    cause = "folder"
    user_message = "A folder that Touchline reads is not in the mailbox any more. Choose the folders again."
