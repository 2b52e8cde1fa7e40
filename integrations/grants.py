"""“Yes, this is me”: turns the grant that a trip brought back into a Connection, or ends it."""

from zoneinfo import available_timezones

from django.db import IntegrityError, transaction
from django.utils import timezone

from integrations import connect_errors as problems
from integrations import gates, losses, revocations, secrets, sync_user, tokens, unkept
from integrations.connect_errors import ConnectError
from integrations.connections import connection_of, live_org
from integrations.models import (
    Connection,
    ConnectionState,
    Environment,
    Intent,
    PendingGrant,
    SalesforceOrg,
    SalesforceUser,
)
from integrations.secrets import Secret, context_of
from workspaces.audit import Action, record
from workspaces.ids import uuid7
from workspaces.models import Membership, User, Workspace


def confirm(pending: PendingGrant, user: User) -> Connection:
    """Make the grant active. Raises ConnectError; then the grant is revoked and nothing is kept.

    Of several people who confirm one Salesforce user at once, exactly one wins: the row of the Salesforce user is
    locked, and unique constraints stand behind it.
    """
    try:
        with transaction.atomic():
            return _confirm(pending, user)
    except IntegrityError:
        failure = ConnectError(problems.already_connected(None), pending)
    except ConnectError as error:
        failure = error
    if failure.problem is not problems.ENDED:
        unkept.end(pending, failure.problem.code, failure.problem)
    raise failure


def cancel(pending: PendingGrant) -> None:
    """“No, this is not me”: the grant is revoked at once. Cancelling what has ended changes nothing."""
    unkept.end(pending, "cancelled")


def _confirm(pending: PendingGrant, user: User) -> Connection:
    row = _lock_pending(pending, user)
    workspace = Workspace.objects.select_for_update().get(pk=row.workspace_id)
    membership = gates.require_membership(workspace, user)
    gates.check_allowed(membership, Intent(row.intent))
    gates.check_org(row)
    salesforce_user = _take_salesforce_user(row)
    owner = _owner(row, membership, salesforce_user)
    connection = _find_or_make(row, _org(row), salesforce_user, owner)
    is_first = owner is not None and not owner.connections.exclude(pk=connection.pk).exists()
    _hand_over_tokens(row, connection)
    _take_posts(row, connection, user)
    if is_first:
        _take_time_zone(user, row.grant["time_zone"])
    record(Action.SALESFORCE_CONNECTED, workspace=workspace, actor=user, target=_target(row))
    losses.tell_restored(connection)
    return connection


def _lock_pending(pending: PendingGrant, user: User) -> PendingGrant:
    row = PendingGrant.objects.select_related("workspace", "user").select_for_update(of=("self",)).get(pk=pending.pk)
    is_open = row.ended_at is None and row.expires_at > timezone.now() and row.refresh_token_sealed
    if row.user_id != user.pk or not is_open or "user_id" not in row.grant:
        raise ConnectError(problems.ENDED, row)
    return row


def _target(row: PendingGrant) -> str:
    return f"{row.grant['name']} of {row.grant['org_name']}"


def _org(row: PendingGrant) -> SalesforceOrg:
    """The workspace's org; its first Sync User brings it. The workspace's row is locked."""
    facts = row.grant
    org = live_org(row.workspace) or SalesforceOrg(workspace=row.workspace, org_id=facts["org_id"])
    org.name, org.edition, org.web_url = facts["org_name"], facts["edition"], facts["web_url"]
    org.environment = Environment.SANDBOX if facts["is_sandbox"] else Environment.PRODUCTION
    org.save()
    return org


def _take_salesforce_user(row: PendingGrant) -> SalesforceUser:
    """The row of the Salesforce user, locked; belongs to the member from now on. Raises ConnectError when taken."""
    facts = row.grant
    names = {key: facts[key][:255] for key in ("username", "name", "email")}
    key = {"org_id": facts["org_id"], "user_id": facts["user_id"]}
    SalesforceUser.objects.bulk_create([SalesforceUser(**key, **names)], ignore_conflicts=True)
    salesforce_user = SalesforceUser.objects.select_for_update().get(**key)
    gates.check_holder(row)
    for name, value in names.items():
        setattr(salesforce_user, name, value)
    if row.intent == Intent.MEMBER:
        salesforce_user.person_id = row.user_id
    salesforce_user.save()
    return salesforce_user


def _owner(row: PendingGrant, membership: Membership, salesforce_user: SalesforceUser) -> Membership | None:
    """Whose connection it becomes. A Sync User of its own belongs to nobody, unless it is the admin's own already."""
    own = connection_of(membership)
    if row.intent == Intent.MEMBER:
        if own and own.salesforce_user_id != salesforce_user.pk:
            raise ConnectError(problems.other_salesforce_user(str(own.salesforce_user)), row)
        return membership
    is_own = salesforce_user.person_id == row.user_id
    return membership if is_own and own is None else None


def _find_or_make(
    row: PendingGrant, org: SalesforceOrg, salesforce_user: SalesforceUser, owner: Membership | None
) -> Connection:
    """The live connection on this Salesforce user, to be renewed or shared, or a new one; not saved yet."""
    found = (
        Connection.objects.with_secrets()
        .live()
        .select_related("workspace", "org", "salesforce_user", "membership")
        .select_for_update(of=("self",))
        .filter(workspace=row.workspace, salesforce_user=salesforce_user)
        .first()
    )
    connection = found or Connection(
        uuid=uuid7(), workspace=row.workspace, org=org, salesforce_user=salesforce_user, token_version=0
    )
    connection.membership = connection.membership or owner
    return connection


def _hand_over_tokens(row: PendingGrant, connection: Connection) -> None:
    """Save the new grant, end the trip, and queue the former grant's end: in this order, in one transaction."""
    former = tokens.read_refresh_token(connection)
    former_login_url = connection.login_url
    tokens.fill(
        connection,
        _open(row, "access_token_sealed"),
        _open(row, "refresh_token_sealed"),
    )
    connection.state, connection.cause, connection.cause_text = ConnectionState.CONNECTED, "", ""
    connection.cause_since, connection.connected_at = None, timezone.now()
    connection.issuer, connection.login_url = row.issuer, row.login_url
    connection.instance_url, connection.scopes = row.grant["instance_url"], row.grant["scopes"][:255]
    connection.preflight = row.preflight
    connection.preflight_at = timezone.now() if row.preflight else None
    connection.save()
    PendingGrant.objects.filter(pk=row.pk).update(ended_at=timezone.now(), **unkept.NO_SECRETS)
    if former is not None:
        revocations.queue(
            workspace=row.workspace,
            membership=connection.membership,
            login_url=former_login_url,
            salesforce_user_name=connection.salesforce_user.name,
            token=former,
            why="replaced",
        )


def _open(row: PendingGrant, column: str) -> Secret:
    """Raises ConnectError where the key that sealed it is not there any more: the trip is to be begun anew."""
    try:
        return secrets.open(getattr(row, column), context_of(row, column))
    except secrets.SecretsError:
        raise ConnectError(problems.ENDED, row) from None


def _take_posts(row: PendingGrant, connection: Connection, user: User) -> None:
    """Appoint what the trip was for, or the member who had been asked to be the Sync User."""
    org = connection.org
    if row.intent == Intent.STAND_BY:
        try:
            sync_user.appoint_stand_by(org, connection, user)
        except sync_user.SyncUserError as error:
            raise ConnectError(problems.Problem("stand_by", "Nothing changed", str(error)), row) from None
    elif row.intent == Intent.SYNC_USER or (connection.membership and gates.was_asked(connection.membership)):
        sync_user.appoint(org, connection, user)


def _take_time_zone(user: User, name: str) -> None:
    """Days of activities are the member's own: take the zone from Salesforce at the first connect."""
    if name in available_timezones():
        User.objects.filter(pk=user.pk).update(time_zone=name)
