"""How many activities wait for a connection: what the Salesforce card says of one that needs attention."""

from activity.counts import count_rows, sum_rows
from activity.models import Counted, SyncState
from integrations.models import Connection


def count_held(connection: Connection) -> int:
    """Count what waits or is held for the connection's member: none of it flows while the connection does not work.

    0 for a Sync User of its own, which logs nothing. One query.
    """
    if connection.membership is None:
        return 0
    rows = count_rows(Counted.LOG, connection.workspace, connection.membership)
    return sum_rows(rows.filter(state__in=(SyncState.WAITING, SyncState.HELD)))
