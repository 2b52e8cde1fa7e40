"""The single writer of mailboxes' tokens.

One process refreshes a grant, under a lease that is committed before the call, and saves what it got before anybody
uses it; everybody else waits for the new version. The call itself runs without a database connection: `ask` runs the
parts that need one, so that a watcher of many mailboxes can send them to its few threads that have one.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from integrations import secrets
from integrations.mailbox import oauth
from integrations.mailbox.errors import Sealed, SignInRefused, SignInUnavailable
from integrations.mailbox_providers import sign_in_provider
from integrations.models import MailboxAuth, MailboxGrant
from integrations.secrets import Secret, context_of, seal

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=45)
"""Longer than the call may take (oauth.CONNECT_SECONDS and ANSWER_SECONDS)."""
EARLY = timedelta(minutes=2)
WAIT_SECONDS = 50.0
POLL_SECONDS = 0.1
SAVE_DELAYS = (0.0, 0.5, 1, 2, 4)

Ask = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Token:
    """An access token as it is on file. `version` tells it from the next."""

    version: int
    access_token: Secret
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to present the refresh token, for LEASE."""

    grant: MailboxGrant
    refresh_token: Secret = field(repr=False)


def at_once(do: Callable[..., Any], *args: Any) -> Any:
    """Ask in this thread."""
    return do(*args)


def fill(grant: MailboxGrant, tokens: oauth.Tokens) -> None:
    """Put tokens into a row in memory; a refresh token that was not replaced stays."""
    grant.access_token_sealed = seal(tokens.access_token, context_of(grant, "access_token_sealed"))
    if tokens.refresh_token:
        grant.refresh_token_sealed = seal(tokens.refresh_token, context_of(grant, "refresh_token_sealed"))
    grant.access_expires_at, grant.refreshed_at, grant.refresh_until = tokens.expires_at, timezone.now(), None


def current(mailbox_id: int, ask: Ask = at_once) -> Token:
    """A token that is good for a while, refreshed where it is about to run out. Raises as `renew` does."""
    token, early = ask(_read, mailbox_id)
    return token if timezone.now() < token.expires_at - early else renew(mailbox_id, token.version, ask)


def renew(mailbox_id: int, used_version: int, ask: Ask = at_once) -> Token:
    """A token newer than `used_version`, which the mail server did not take: refresh it, or wait for who does.

    Raises SignInRefused when the provider has ended the sign-in, SignInUnavailable when nobody can tell yet.
    """
    give_up_at = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < give_up_at:
        turn = ask(_take_turn, mailbox_id, used_version)
        if isinstance(turn, Token):
            return turn
        if isinstance(turn, Lease):
            return _refresh(turn, ask)
        time.sleep(POLL_SECONDS)
    raise SignInUnavailable


def _read(mailbox_id: int) -> tuple[Token, timedelta]:
    """The token on file, and how long before its end it is renewed."""
    grant = _grant(MailboxGrant.objects.all(), mailbox_id)
    return _token(grant), min(EARLY, (grant.access_expires_at - grant.refreshed_at) / 10)


def _grant(rows: Any, mailbox_id: int) -> MailboxGrant:
    grant = rows.select_related("workspace").filter(mailbox=mailbox_id).first()
    if grant is None:
        raise SignInRefused
    return grant


def _token(grant: MailboxGrant) -> Token:
    token = open_sealed(grant, "access_token_sealed")
    return Token(grant.version, token, grant.access_expires_at)


@transaction.atomic
def _take_turn(mailbox_id: int, used_version: int) -> Token | Lease | None:
    """The newer token where there is one, else the lease where it is free, else None: somebody else refreshes."""
    rows = MailboxGrant.objects.select_for_update(of=("self",)).annotate(clock=Now())
    grant = _grant(rows, mailbox_id)
    if grant.version > used_version:
        return _token(grant)
    if grant.refresh_until is not None and grant.refresh_until > grant.clock:
        return None
    MailboxGrant.objects.filter(pk=grant.pk).update(refresh_until=Now() + LEASE)
    return Lease(grant, open_sealed(grant, "refresh_token_sealed"))


def open_sealed(row: secrets.SealedRow, column: str) -> Secret:
    """What is sealed in a row of a mailbox or its grant. Raises Sealed, and tells the log which key is missing."""
    try:
        return secrets.open(getattr(row, column), context_of(row, column))
    except secrets.SecretsError as error:
        logger.error("a mailbox cannot be opened: %s", error)
        raise Sealed from None


def _refresh(lease: Lease, ask: Ask) -> Token:
    provider = sign_in_provider(MailboxAuth(lease.grant.provider))
    try:
        if provider is None:
            raise SignInUnavailable("This Touchline is not registered there any more. Tell whoever runs Touchline.")
        tokens = oauth.refresh(provider, lease.refresh_token.reveal())
    except (SignInRefused, SignInUnavailable):
        ask(_end_lease, lease)
        raise
    return _save_stubbornly(lease, tokens, ask)


def _end_lease(lease: Lease) -> None:
    MailboxGrant.objects.filter(pk=lease.grant.pk, version=lease.grant.version).update(refresh_until=None)


def _save_stubbornly(lease: Lease, tokens: oauth.Tokens, ask: Ask) -> Token:
    """Save over a database restart too: the tokens in our hands may be the only ones that work."""
    for delay in SAVE_DELAYS:
        time.sleep(delay)
        try:
            return ask(_save, lease, tokens)
        except (OperationalError, InterfaceError):
            continue
    raise SignInUnavailable


def _save(lease: Lease, tokens: oauth.Tokens) -> Token:
    """Write the tokens where the grant is still the one that was refreshed; else what took its place counts."""
    grant = lease.grant
    fill(grant, tokens)
    MailboxGrant.objects.filter(pk=grant.pk, version=grant.version).update(
        access_token_sealed=grant.access_token_sealed,
        refresh_token_sealed=grant.refresh_token_sealed,
        access_expires_at=grant.access_expires_at,
        refreshed_at=grant.refreshed_at,
        refresh_until=None,
        version=F("version") + 1,
    )
    return _token(_grant(MailboxGrant.objects.all(), grant.mailbox_id))
