"""Who of the workspace is connected, and how; one row for each member."""

from dataclasses import dataclass

from integrations.models import Connection, SalesforceOrg, SyncUserRequest
from workspaces.members import live_memberships
from workspaces.models import Membership, Workspace


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member with their live connection, if any, and the posts that it serves."""

    membership: Membership
    connection: Connection | None
    is_sync_user: bool
    is_stand_by: bool
    was_asked: bool

    @property
    def label(self) -> str:
        """The state in words."""
        return self.connection.get_state_display() if self.connection else "Not connected"

    @property
    def tone(self) -> str:
        """The colour of the state's badge."""
        if self.connection is None:
            return "quiet"
        return "good" if self.connection.is_usable else "bad"


def connections_of_members(workspace: Workspace, org: SalesforceOrg | None) -> list[MemberRow]:
    """All members by name; three queries whatever their number."""
    live = workspace.connections.live().select_related("salesforce_user")
    connections = {each.membership_id: each for each in live.filter(membership__isnull=False)}
    asked = SyncUserRequest.objects.filter(workspace=workspace).values_list("membership", flat=True).first()
    return [_row(each, connections.get(each.pk), org, asked == each.pk) for each in live_memberships(workspace)]


def _row(
    membership: Membership, connection: Connection | None, org: SalesforceOrg | None, was_asked: bool
) -> MemberRow:
    pk = connection.pk if connection else None
    return MemberRow(
        membership=membership,
        connection=connection,
        is_sync_user=bool(org and pk and org.sync_user_id == pk),
        is_stand_by=bool(org and pk and org.stand_by_id == pk),
        was_asked=was_asked,
    )
