"""How many activities wait for a connection: what the Salesforce card says of one that needs attention."""

from activity.models import SyncJob, SyncState
from integrations.models import Connection


def count_held(connection: Connection) -> int:
    """Count what waits or is held for the connection's member: none of it flows while the connection does not work.

    0 for a Sync User of its own, which logs nothing. One query.
    """
    if connection.membership_id is None:
        return 0
    open_states = (SyncState.WAITING, SyncState.HELD)
    jobs = SyncJob.objects.filter(workspace=connection.workspace_id, owner=connection.membership_id)
    return jobs.filter(state__in=open_states).count()
