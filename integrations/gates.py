"""Who may connect what: plan, role, Sync User, organisation, and the one person of a Salesforce user.

Every function that refuses raises ConnectError with the words for the person.
"""

from integrations import client_app
from integrations import connect_errors as problems
from integrations.connect_errors import ConnectError
from integrations.connections import connection_of, live_org
from integrations.models import (
    Environment,
    Intent,
    Issuer,
    PendingGrant,
    SalesforceOrg,
    SalesforceUser,
    SyncUserRequest,
)
from workspaces.models import Membership, User, Workspace


def door_of(membership: Membership) -> tuple[Issuer, str | None]:
    """Where a member signs in: as before, else where the Sync User did. The second value is for My Domain."""
    org = live_org(membership.workspace)
    known = connection_of(membership) or (org.sync_user if org else None)
    if known and known.issuer == Issuer.CUSTOM:
        return Issuer.CUSTOM, known.login_url
    return client_app.issuer_of(Environment(org.environment)) if org else Issuer.PRODUCTION, None


def require_membership(workspace: Workspace, user: User) -> Membership:
    """The person's live membership. Raises ConnectError."""
    membership = workspace.memberships.filter(user=user, left_at=None).select_related("workspace", "user").first()
    if membership is None:
        raise ConnectError(problems.STATE_UNKNOWN)
    return membership


def check_allowed(membership: Membership, intent: Intent) -> None:
    """Refuse what plan, role or the missing Sync User do not allow. Raises ConnectError."""
    if not client_app.is_configured():
        raise ConnectError(problems.NOT_CONFIGURED)
    if not membership.workspace.includes_salesforce:
        raise ConnectError(problems.NO_PLAN)
    if intent != Intent.MEMBER and not membership.is_admin:
        raise ConnectError(problems.NOT_ALLOWED)
    if intent == Intent.SYNC_USER:
        return
    if not may_connect_now(membership, live_org(membership.workspace)) and not connection_of(membership):
        raise ConnectError(problems.NO_SYNC_USER)


def may_connect_now(membership: Membership, org: SalesforceOrg | None) -> bool:
    """Whether a member may connect anew: once there is a Sync User, and who was asked to become it."""
    return bool(org and org.sync_user_id) or was_asked(membership)


def was_asked(membership: Membership) -> bool:
    """Whether an admin has asked the member to become the Sync User."""
    return SyncUserRequest.objects.filter(membership=membership).exists()


def check_org(pending: PendingGrant) -> None:
    """One org for the whole workspace; production and sandbox never mixed. Raises ConnectError."""
    facts = pending.grant
    org = live_org(pending.workspace)
    if org and org.org_id != facts["org_id"]:
        raise ConnectError(problems.other_org(facts["org_name"], org.name))
    if pending.issuer != Issuer.CUSTOM and facts["is_sandbox"] != (pending.issuer == Issuer.SANDBOX):
        raise ConnectError(problems.other_environment(facts["is_sandbox"]))


def check_holder(pending: PendingGrant) -> None:
    """Refuse a Salesforce user that belongs to another person. Raises ConnectError.

    The answer that counts is given under the row's lock when the grant is confirmed.
    """
    facts = pending.grant
    taken = (
        SalesforceUser.objects.filter(org_id=facts["org_id"], user_id=facts["user_id"], person__isnull=False)
        .exclude(person=pending.user_id)
        .select_related("person")
        .first()
    )
    if taken is None or (pending.intent != Intent.MEMBER and _serves_here(taken, pending.workspace)):
        return
    raise ConnectError(problems.already_connected(_name_inside(taken.person, pending.workspace)))


def _serves_here(salesforce_user: SalesforceUser, workspace: Workspace) -> bool:
    """Whether a member's own connection is there to serve as Sync User too: one grant, never two."""
    return workspace.connections.live().filter(salesforce_user=salesforce_user).exists()


def _name_inside(person: User, workspace: Workspace) -> str | None:
    is_colleague = workspace.memberships.filter(user=person, left_at=None).exists()
    return str(person) if is_colleague else None
