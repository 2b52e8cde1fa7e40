"""What happens to connections on news from workspaces."""

from typing import Any

from django.dispatch import receiver

from integrations import notices
from integrations.connections import connection_of, disconnect
from integrations.models import SalesforceOrg
from workspaces.models import Membership
from workspaces.signals import member_removed


@receiver(member_removed)
def end_connection(membership: Membership, **kwargs: Any) -> None:
    """Revoke the grant of a member who left; admins hear of it when it was the Sync User's."""
    connection = connection_of(membership)
    if connection is None:
        return
    was_sync_user = SalesforceOrg.objects.filter(sync_user=connection).exists()
    disconnect(connection, by=None)
    if was_sync_user:
        notices.tell_sync_user_left(connection)
