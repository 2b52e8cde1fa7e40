"""Live connections: who has one, a client that goes through it, and its end."""

import weakref
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from integrations import budget, client_app, losses, revocations, tokens
from integrations.models import CONNECTION_SECRETS, Connection, ConnectionState, SalesforceOrg, SalesforceUser
from integrations.salesforce.client import SalesforceClient
from integrations.salesforce.errors import (
    ConnectionLost,
    LimitReached,
    RecordGone,
    SalesforceError,
    SessionExpired,
    Transient,
    UnexpectedAnswer,
)
from integrations.salesforce.http import Usage
from integrations.signals import connection_lost, sync_user_changed
from workspaces.audit import Action, record
from workspaces.models import Membership, User, Workspace

USE_IS_NOTED_EVERY = timedelta(minutes=1)
LIMIT_PAUSE = timedelta(minutes=15)
MOVED = frozenset({301, 302, 307, 308, 404})
"""What the former host of an org answers to every address after the org has moved."""
WRITES = frozenset({"create_many", "create_person", "update_many", "delete_many"})

mark_lost = losses.mark_lost


def live_org(workspace: Workspace) -> SalesforceOrg | None:
    """The organisation that the workspace logs to, with its Sync User; None before one is connected."""
    return (
        workspace.salesforce_orgs.filter(retired_at=None)
        .select_related("sync_user__salesforce_user", "stand_by__salesforce_user", "workspace")
        .defer(*(f"{post}__{column}" for post in ("sync_user", "stand_by") for column in CONNECTION_SECRETS))
        .first()
    )


def connection_of(membership: Membership) -> Connection | None:
    """The member's live connection (connected or needing attention), without its secrets."""
    return (
        Connection.objects.live()
        .select_related("org", "salesforce_user", "workspace", "membership__user")
        .filter(membership=membership)
        .first()
    )


def client_for(connection: Connection, *, trial: bool = False) -> SalesforceClient:
    """A client whose calls go through the connection; every method of SalesforceClient.

    It renews the token when Salesforce calls it expired and repeats that call once (an expired session has done
    nothing), counts calls and the org's use, pauses the org at its limit, and marks the connection as lost when
    Salesforce refuses it. Raises ConnectionLost when the connection is not usable; its calls raise SalesforceError.
    trial: for a check, also where somebody may have mended the cause meanwhile.
    """
    return cast(SalesforceClient, ConnectedClient(connection, trial=trial))


def sync_client(workspace: Workspace) -> SalesforceClient | None:
    """A client that reads as the Sync User; None while there is none or it does not work. Never another identity."""
    org = live_org(workspace)
    if org is None or org.sync_user is None or not org.sync_user.is_usable:
        return None
    return client_for(org.sync_user)


class ConnectedClient:
    """See client_for. Belongs to one thread at a time."""

    def __init__(self, connection: Connection, *, trial: bool = False) -> None:
        self.connection = connection
        self._trial = trial
        self.org_id = connection.org.org_id
        self._token = tokens.current(connection.pk, trial=trial)
        self._session = client_app.open_session(self._note_usage)
        weakref.finalize(self, self._session.close)
        self._client = self._build()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or not hasattr(SalesforceClient, name):
            raise AttributeError(name)
        return partial(self._call, name)

    @property
    def server_date(self) -> datetime | None:
        """Salesforce's clock at the last answer, UTC."""
        return self._client.server_date

    def _build(self) -> SalesforceClient:
        return SalesforceClient(
            self._token.instance_url,
            self._token.access_token.reveal(),
            self._session,
            api_version=settings.SALESFORCE_API_VERSION,
            org_id=self.org_id,
        )

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        self._note_use()
        try:
            return self._attempt(name, *args, **kwargs)
        except SessionExpired:
            self._renew()
        except (RecordGone, UnexpectedAnswer) as error:
            if not self._has_moved(error):
                raise
            self._renew()
            if name in WRITES:  # whether the old host took it is for the caller to look up
                raise
        try:
            return self._attempt(name, *args, **kwargs)
        except SessionExpired as error:  # a token that is seconds old: it is not its age
            losses.mark_lost(self.connection, error, token_version=self._token.version)
            raise

    def _renew(self) -> None:
        """A refresh brings the org's present host along with the token."""
        self._token = tokens.renew(self.connection.pk, self._token.version, trial=self._trial)
        self._client = self._build()

    def _has_moved(self, error: SalesforceError) -> bool:
        """Whether the host does not even say which versions it speaks: the org lives elsewhere now."""
        if error.http_status not in MOVED:
            return False
        try:
            self._client.versions()
        except Transient:
            return False
        except SalesforceError:
            return True
        return False

    def _attempt(self, name: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(self._client, name)(*args, **kwargs)
        except SessionExpired:
            raise
        except ConnectionLost as error:
            losses.mark_lost(self.connection, error, token_version=self._token.version)
            raise
        except LimitReached as error:
            budget.pause_org(self.org_id, timezone.now() + LIMIT_PAUSE, error.code)
            raise

    def _note_usage(self, usage: Usage) -> None:
        budget.note_call(self.connection, self.org_id, usage)

    def _note_use(self) -> None:
        now = timezone.now()
        if self.connection.last_used_at is None or now - self.connection.last_used_at >= USE_IS_NOTED_EVERY:
            self.connection.last_used_at = now
            Connection.objects.filter(pk=self.connection.pk).update(last_used_at=now)


def disconnect(connection: Connection, by: User | None) -> None:
    """End the connection: drop its tokens at once, revoke the grant at Salesforce, tell the app above.

    History stays; what waits flows when the same Salesforce user reconnects. Ending it twice changes nothing.
    """
    with transaction.atomic():
        row = (
            Connection.objects.with_secrets()
            .select_related("workspace", "salesforce_user")
            .select_for_update(of=("self",))
            .get(pk=connection.pk)
        )
        if row.state == ConnectionState.DISCONNECTED:
            return
        _queue_revocation(row)
        _drop_tokens(row)
        _free_salesforce_user(row)
        _leave_its_posts(row)
        record(
            Action.SALESFORCE_DISCONNECTED,
            workspace=row.workspace,
            actor=by,
            target=str(row.salesforce_user),
        )
        connection_lost.send(Connection, connection=row, cause="disconnected")


def _queue_revocation(row: Connection) -> None:
    token = tokens.read_refresh_token(row)
    if token is not None:
        revocations.queue(
            workspace=row.workspace,
            membership=row.membership,
            login_url=row.login_url,
            salesforce_user_name=row.salesforce_user.name,
            token=token,
            why="disconnected",
        )


def _drop_tokens(row: Connection) -> None:
    row.state, row.disconnected_at = ConnectionState.DISCONNECTED, timezone.now()
    row.access_token_sealed = row.refresh_token_sealed = row.refresh_holder = ""
    row.refresh_until = None
    row.save()


def _free_salesforce_user(row: Connection) -> None:
    """Let somebody else connect this Salesforce user, unless the person still uses it in another workspace."""
    if (
        not Connection.objects.live()
        .filter(salesforce_user=row.salesforce_user_id, membership__isnull=False)
        .exists()
    ):
        SalesforceUser.objects.filter(pk=row.salesforce_user_id).update(person=None)


def _leave_its_posts(row: Connection) -> None:
    SalesforceOrg.objects.filter(stand_by=row).update(stand_by=None)
    for org in SalesforceOrg.objects.filter(sync_user=row):
        SalesforceOrg.objects.filter(pk=org.pk).update(sync_user=None)
        org.sync_user = None
        sync_user_changed.send(SalesforceOrg, org=org)
