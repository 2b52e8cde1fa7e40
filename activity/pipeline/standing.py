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
    """Where each member stands, by the membership's id; three queries for any number of them."""
    org = live_org(workspace)
    has_sync_user = org is not None and org.sync_user is not None and org.sync_user.is_usable
    confirmed = _confirmed_roles(memberships)
    live = Connection.objects.without_secrets().live().select_related("salesforce_user", "org", "workspace")
    own = {each.membership_id: each for each in live.filter(membership__in=[each.pk for each in memberships])}
    return {
        each.pk: standing_of(
            each, workspace, has_sync_user, is_confirmed=each.role_id in confirmed, own=own.get(each.pk), org=org
        )
        for each in memberships
    }


def _confirmed_roles(memberships: Collection[Membership]) -> frozenset[int]:
    roles = {membership.role_id for membership in memberships}
    confirmed = LoggingSettings.objects.filter(role__in=roles, confirmed_at__isnull=False)
    return frozenset(confirmed.values_list("role_id", flat=True))


def standing_of(
    member: Membership,
    workspace: Workspace,
    has_sync_user: bool,
    *,
    is_confirmed: bool,
    own: Connection | None,
    org: SalesforceOrg | None = None,
) -> Standing:
    """Where a member stands, from what is known already: nothing is read but a role's name that did not come along.

    `own` is the member's live connection. The causes that concern the whole workspace come first, so that a row names
    what has to happen first.
    """
    if member.left_at is not None:
        return Standing(Reason.MEMBER_LEFT, connection=own, org=org)
    if not workspace.includes_salesforce:
        return Standing(Reason.PLAN, connection=own, org=org)
    if not has_sync_user:
        return Standing(Reason.NO_SYNC_USER, connection=own, org=org)
    if not is_confirmed:
        return Standing(Reason.NOT_CONFIRMED, member.role.name, own, org)
    if own is None:
        return Standing(Reason.NOT_CONNECTED, org=org)
    if not own.is_usable:
        return Standing(Reason.CONNECTION_LOST, own.get_cause_display(), own, org)
    return Standing(connection=own, org=org)
