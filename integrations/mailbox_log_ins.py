"""Opens mailboxes: with the password or the token that is sealed in the database, and in no other way."""

from dataclasses import dataclass, field, replace

from django.conf import settings

from integrations import mailbox_tokens
from integrations.mailbox import hosts
from integrations.mailbox.connection import Server
from integrations.mailbox.errors import MailboxError, TokenRefused
from integrations.mailbox.imap import Imap
from integrations.mailbox.patience import Patience
from integrations.mailbox_tokens import Ask, Token, at_once
from integrations.models import Mailbox, MailboxAuth


@dataclass(frozen=True, slots=True)
class LogIn:
    """What opens a mailbox: a password that a person enters, or a token. `port` differs from 993 only for hosts that
    the operator lists.
    """

    address: str
    host: str
    user_name: str
    password: str = field(default="", repr=False)
    port: int = hosts.IMAPS_PORT
    aliases: tuple[str, ...] = ()
    auth: MailboxAuth = MailboxAuth.PASSWORD
    token: Token | None = field(default=None, repr=False)


def open_log_in(log_in: LogIn, patience: Patience | None = None) -> Imap:
    """A connection that is logged in, for as long as `patience` lasts. Raises MailboxError, TokenRefused for a token
    that is not accepted.
    """
    addresses = hosts.resolve(log_in.host, log_in.port, settings.MAILBOX_EXTRA_HOSTS)
    imap = Imap(Server(log_in.host, log_in.port, tuple(addresses), settings.MAILBOX_CA_BUNDLE, patience))
    try:
        if log_in.token is None:
            imap.log_in(log_in.user_name, log_in.password)
        else:
            imap.log_in_with_token(log_in.user_name, log_in.token.access_token.reveal())
            imap.good_until = log_in.token.expires_at
    except MailboxError:
        imap.close()
        raise
    return imap


def open_mailbox(mailbox_id: int, ask: Ask = at_once, patience: Patience | None = None) -> Imap:
    """A connection to a member's mailbox. A token that has run out is refreshed; one that the server does not take
    though it should be good is replaced once.

    `ask` runs what needs the database; `patience` as for open_log_in. Raises MailboxError.
    """
    log_in = ask(_log_in_of, mailbox_id)
    if log_in.auth == MailboxAuth.PASSWORD:
        return open_log_in(log_in, patience)
    token = mailbox_tokens.current(mailbox_id, ask)
    try:
        return open_log_in(replace(log_in, token=token), patience)
    except TokenRefused:
        token = mailbox_tokens.renew(mailbox_id, token.version, ask)
        return open_log_in(replace(log_in, token=token), patience)


def _log_in_of(mailbox_id: int) -> LogIn:
    mailbox = Mailbox.objects.with_secrets().select_related("workspace").get(pk=mailbox_id)
    auth, password = MailboxAuth(mailbox.auth), ""
    if auth == MailboxAuth.PASSWORD:
        password = mailbox_tokens.open_sealed(mailbox, "password_sealed").reveal()
    return LogIn(mailbox.address, mailbox.host, mailbox.user_name, password, mailbox.port, auth=auth)
