"""What stands between a member's activities and Salesforce: nothing, or the reason for which they are held."""

from collections.abc import Collection
from dataclasses import dataclass

from activity.models import LoggingSettings, Reason
from integrations.connections import live_org
from integrations.models import Connection, SalesforceOrg
from workspaces.models import Membership, Workspace


@dataclass(frozen=True, slots=True)
class Standing:
    """`reason` is None when the member's activities may flow, through `connection`; else they are held for it."""

    reason: Reason | None = None
    detail: str = ""
    connection: Connection | None = None
    org: SalesforceOrg | None = None


def standings_of(workspace: Workspace, memberships: Collection[Membership]) -> dict[int, Standing]:
    """Where each member stands, by the membership's id; three queries for any number of them.

    The causes that concern the whole workspace come first, so that a row names what has to happen first.
    """
    org = live_org(workspace)
    shared = _shared_obstacle(workspace, org)
    confirmed = _confirmed_roles(memberships)
    live = Connection.objects.without_secrets().live().select_related("salesforce_user", "org", "workspace")
    own = {each.membership_id: each for each in live.filter(membership__in=[each.pk for each in memberships])}
    return {
        membership.pk: _standing(membership, org, shared, confirmed, own.get(membership.pk))
        for membership in memberships
    }


def _shared_obstacle(workspace: Workspace, org: SalesforceOrg | None) -> Reason | None:
    if not workspace.includes_salesforce:
        return Reason.PLAN
    if org is None or org.sync_user is None or not org.sync_user.is_usable:
        return Reason.NO_SYNC_USER
    return None


def _confirmed_roles(memberships: Collection[Membership]) -> frozenset[int]:
    roles = {membership.role_id for membership in memberships}
    confirmed = LoggingSettings.objects.filter(role__in=roles, confirmed_at__isnull=False)
    return frozenset(confirmed.values_list("role_id", flat=True))


def _standing(
    membership: Membership,
    org: SalesforceOrg | None,
    shared: Reason | None,
    confirmed: frozenset[int],
    own: Connection | None,
) -> Standing:
    if membership.left_at is not None:
        return Standing(Reason.MEMBER_LEFT, connection=own, org=org)
    if shared is not None:
        return Standing(shared, connection=own, org=org)
    if membership.role_id not in confirmed:
        return Standing(Reason.NOT_CONFIRMED, membership.role.name, own, org)
    if own is None:
        return Standing(Reason.NOT_CONNECTED, org=org)
    if not own.is_usable:
        return Standing(Reason.CONNECTION_LOST, own.get_cause_display(), own, org)
    return Standing(connection=own, org=org)
