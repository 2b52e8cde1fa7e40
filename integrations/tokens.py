"""The single writer of Salesforce tokens.

With refresh-token rotation a spent refresh token, sent once more, ends the whole grant. So one process in the whole
installation refreshes a connection, under a lease that is *committed* before the call (no row lock over HTTP),
and saves the new pair before anybody uses it. Everybody else waits for the new `token_version`.

- A call that failed before its request left is tried again freely; one that Salesforce answered with a fault of its
  own, after a pause: it cannot have spent the token more than it already is.
- A lease that ran out (the process died) or a call without an answer is a *lost answer*: the new token may be gone.
  The old one is presented once more in all; then the connection needs attention. There is no loop.
- Leases are compared with the database's clock, so that machines whose clocks differ agree.
"""

import logging
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, connections, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from integrations import client_app, losses, revocations, secrets
from integrations.models import Connection
from integrations.salesforce import oauth
from integrations.salesforce.errors import (
    AppMisconfigured,
    ConnectionLost,
    HostChanged,
    HostNotAllowed,
    LimitReached,
    OutcomeUnknown,
    SalesforceError,
    Sealed,
    Transient,
)
from integrations.secrets import Secret, context_of, seal

LEASE = timedelta(seconds=45)
"""Longer than the token call may take (client_app.TOKEN_SECONDS)."""
PAUSE = timedelta(seconds=60)
"""After an answer that says Salesforce itself is at fault."""
WAIT_SECONDS = 50.0
"""How long a caller waits for another one's refresh before it gives up for now."""
POLL_SECONDS = 0.1
MAX_TRIES = 2
SAVE_DELAYS = (0.0, 0.5, 1, 2, 4, 8)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Token:
    """What a call needs. `version` says which pair it is of."""

    version: int
    access_token: Secret
    instance_url: str


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to present the refresh token, for LEASE. `connected_at` tells the grant from a later one."""

    connection: Connection
    version: int
    connected_at: datetime
    refresh_token: Secret = field(repr=False)


def current(connection_id: int, *, trial: bool = False) -> Token:
    """The pair on file. Raises ConnectionLost (by the cause on file) when the connection is not usable.

    trial: for a check also where somebody may have mended the cause meanwhile.
    """
    with _noting_sealed(connection_id):
        return _usable_token(_read(connection_id), trial)


def fill(connection: Connection, access_token: Secret, refresh_token: Secret) -> None:
    """Put a new grant's pair into the row in memory and end any lease on the former; the caller saves the row."""
    connection.access_token_sealed = seal(access_token.reveal(), context_of(connection, "access_token_sealed"))
    connection.refresh_token_sealed = seal(refresh_token.reveal(), context_of(connection, "refresh_token_sealed"))
    connection.token_version += 1
    connection.refresh_holder, connection.refresh_until, connection.refresh_tries = "", None, 0
    connection.refreshed_at = timezone.now()


def read_refresh_token(connection: Connection) -> Secret | None:
    """The refresh token of a row that was read with its secrets, to revoke it; None when there is none, or none that
    can be opened: then nobody can revoke it, and the connection can end or be replaced all the same.
    """
    sealed = connection.refresh_token_sealed
    try:
        return secrets.open(sealed, context_of(connection, "refresh_token_sealed")) if sealed else None
    except secrets.SecretsError as error:
        logger.error("the grant of connection %s cannot be revoked: %s", connection.pk, error)
        return None


def renew(connection_id: int, used_version: int, *, trial: bool = False) -> Token:
    """Return a pair newer than `used_version`, which Salesforce called expired: refresh it, or wait for who does.

    Raises ConnectionLost when the grant is dead (the connection is then marked), Transient when nobody can tell yet.
    """
    give_up_at = time.monotonic() + WAIT_SECONDS
    with _one_thread_of_this_process(connection_id), _noting_sealed(connection_id):
        while True:
            turn = _take_turn(connection_id, used_version, trial)
            if isinstance(turn, Token):
                return turn
            if isinstance(turn, Lease):
                return _refresh(turn)
            if time.monotonic() > give_up_at:
                raise Transient("refresh_busy")
            _let_go_of_database()
            time.sleep(POLL_SECONDS)


# --- Whose turn it is -------------------------------------------------------------------------------------

_locks = [threading.Lock() for _ in range(64)]


@contextmanager
def _one_thread_of_this_process(connection_id: int) -> Iterator[None]:
    """Only one thread of a process asks the database; the others wait here and hold no database connection."""
    lock = _locks[connection_id % len(_locks)]
    if not lock.acquire(blocking=False):
        _let_go_of_database()
        if not lock.acquire(timeout=WAIT_SECONDS):
            raise Transient("refresh_busy")
    try:
        yield
    finally:
        lock.release()


def _let_go_of_database() -> None:
    """Give the connection back while we wait, unless the caller is in a transaction."""
    database = connections["default"]
    if not database.in_atomic_block:
        database.close()


def _read(connection_id: int, *, lock: bool = False) -> Connection:
    rows = Connection.objects.with_secrets().select_related("workspace", "org").annotate(clock=Now())
    return (rows.select_for_update(of=("self",)) if lock else rows).get(pk=connection_id)


def _usable_token(row: Connection, trial: bool = False) -> Token:
    if not (row.may_be_tried if trial else row.is_usable):
        raise losses.error_of(row)
    token = _open(row, "access_token_sealed")
    return Token(row.token_version, token, row.instance_url)


def _open(row: Connection, column: str) -> Secret:
    """What is sealed in the row. Raises Sealed where the installation has no key to it, or another one."""
    try:
        return secrets.open(getattr(row, column), context_of(row, column))
    except secrets.SecretsError as error:
        logger.error("the tokens of connection %s cannot be opened: %s", row.pk, error)
        raise Sealed("sealed") from None


@contextmanager
def _noting_sealed(connection_id: int) -> Iterator[None]:
    """What cannot be opened needs a person; noted outside the transaction that found it."""
    try:
        yield
    except Sealed as error:
        row = _read(connection_id)
        losses.mark_lost(row, error, token_version=row.token_version)
        raise


def _take_turn(connection_id: int, used_version: int, trial: bool) -> Token | Lease | None:
    """The newer pair where there is one, else the lease where it is free, else None: somebody else refreshes."""
    newer = _newer_or_busy(_read(connection_id), used_version, trial)
    if newer is not _FREE:
        return newer
    with transaction.atomic():
        row = _read(connection_id, lock=True)
        newer = _newer_or_busy(row, used_version, trial)
        if newer is not _FREE:
            return newer
        if row.refresh_tries < MAX_TRIES:
            return _lease(row)
    _give_up(row)
    raise losses.error_of(_read(connection_id))


_FREE = object()


def _newer_or_busy(row: Connection, used_version: int, trial: bool) -> object:
    token = _usable_token(row, trial)
    if token.version > used_version:
        return token
    if row.refresh_until is None or row.refresh_until <= row.clock:
        return _FREE
    if row.refresh_holder:
        return None
    raise Transient("refresh_paused")


def _lease(row: Connection) -> Lease:
    Connection.objects.filter(pk=row.pk).update(
        refresh_holder=uuid.uuid4().hex,
        refresh_until=Now() + LEASE,
        refresh_tries=F("refresh_tries") + 1,
    )
    token = _open(row, "refresh_token_sealed")
    return Lease(row, row.token_version, row.connected_at, token)


# --- The call, outside any transaction --------------------------------------------------------------------


def _refresh(lease: Lease) -> Token:
    try:
        with client_app.open_token_session() as session:
            grant = oauth.refresh(
                session,
                lease.connection.login_url,
                client_app.external_client_app(),
                lease.refresh_token.reveal(),
            )
    except SalesforceError as error:
        failure = _settle_failure(lease, error)
    else:
        return _keep(lease, grant)
    raise failure


def _settle_failure(lease: Lease, error: SalesforceError) -> SalesforceError:
    """Write down how the refresh ended and return what the caller is told.

    Never OutcomeUnknown: that word is for the caller's own write, which has not been sent.
    """
    logger.warning("token refresh of connection %s failed: %s", lease.connection.pk, error)
    if isinstance(error, ConnectionLost | HostNotAllowed) and not isinstance(error, AppMisconfigured):
        lost = error if isinstance(error, ConnectionLost) else HostChanged(error.code)
        losses.mark_lost(lease.connection, lost, token_version=lease.version)
        return lost
    if _answered_with_its_own_fault(error):
        _end_lease(lease, refresh_until=Now() + PAUSE, refresh_tries=0)
    elif isinstance(error, Transient) and not isinstance(error, OutcomeUnknown):
        _end_lease(lease, refresh_until=None, refresh_tries=0)
    elif lease.connection.refresh_tries + 1 >= MAX_TRIES:
        return _give_up(lease.connection)
    else:
        _end_lease(lease, refresh_until=None)
    return Transient(error.code, user_message=error.user_message, remedy=error.remedy)


def _answered_with_its_own_fault(error: SalesforceError) -> bool:
    """Whether an answer came that blames Salesforce (5xx, maintenance, limit) or our own app settings."""
    if isinstance(error, LimitReached | AppMisconfigured):
        return True
    return isinstance(error, Transient) and error.http_status is not None


def _end_lease(lease: Lease, **changes: object) -> None:
    Connection.objects.filter(pk=lease.connection.pk, token_version=lease.version).update(
        refresh_holder="", **changes
    )


def _give_up(row: Connection) -> ConnectionLost:
    """Two answers were lost: whether the refresh token lives nobody can say, and a third try could not tell."""
    lost = ConnectionLost("refresh_answer_lost")
    losses.mark_lost(row, lost, token_version=row.token_version)
    return lost


# --- The new pair -----------------------------------------------------------------------------------------


def _keep(lease: Lease, grant: oauth.Grant) -> Token:
    """Save the pair, then return it; an answer for another org or user is refused."""
    row = lease.connection
    if grant.org_id != row.org.org_id:
        lost = HostChanged("org_id_changed")
        losses.mark_lost(row, lost, token_version=lease.version)
        raise lost
    if _save_stubbornly(lease, grant):
        return Token(lease.version + 1, Secret(grant.access_token), grant.instance_url)
    return _yield_to_other_writer(lease, grant)


def _save_stubbornly(lease: Lease, grant: oauth.Grant) -> bool:
    """Save over a database restart too: the pair in our hands is the only one that works."""
    for delay in SAVE_DELAYS:
        time.sleep(delay)
        try:
            return _save(lease, grant)
        except (OperationalError, InterfaceError):
            if connections["default"].in_atomic_block:
                raise
            logger.warning("the new tokens of connection %s could not be saved yet", lease.connection.pk)
            connections["default"].close()
    return _save(lease, grant)


def _save(lease: Lease, grant: oauth.Grant) -> bool:
    row = lease.connection
    refresh_token = grant.refresh_token or lease.refresh_token.reveal()
    same_grant = Connection.objects.filter(
        pk=row.pk, token_version=lease.version, connected_at=lease.connected_at, disconnected_at=None
    )
    return bool(
        same_grant.update(
            access_token_sealed=seal(grant.access_token, context_of(row, "access_token_sealed")),
            refresh_token_sealed=seal(refresh_token, context_of(row, "refresh_token_sealed")),
            token_version=lease.version + 1,
            instance_url=grant.instance_url,
            scopes=" ".join(sorted(grant.scopes)) or row.scopes,
            refresh_holder="",
            refresh_until=None,
            refresh_tries=0,
            refreshed_at=timezone.now(),
        )
    )


def _yield_to_other_writer(lease: Lease, grant: oauth.Grant) -> Token:
    """Meanwhile the row was refreshed, reconnected or disconnected: a grant that ended leaves a token to revoke."""
    now = _read(lease.connection.pk)
    if grant.refresh_token and (now.disconnected_at or now.connected_at != lease.connected_at):
        revocations.queue(
            workspace=now.workspace,
            membership=now.membership,
            login_url=lease.connection.login_url,
            salesforce_user_name=str(now.salesforce_user),
            token=Secret(grant.refresh_token),
            why="ended_while_refreshing",
        )
    return _usable_token(now)
