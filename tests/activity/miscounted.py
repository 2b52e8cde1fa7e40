"""What the kept counts say otherwise than the rows."""

from django.db import connection

_KEYS = "workspace_id, owner_id, quarter, kind, state, reason, error_code"
_GROUPS = "GROUP BY workspace_id, counted, kind, state, reason, error_code, CUBE (owner_id, quarter)"
_MISCOUNTED = f"""
WITH kept AS (
    SELECT counted, {_KEYS}, sum(rows) FROM activity_rowcount GROUP BY counted, {_KEYS} HAVING sum(rows) <> 0
), log AS (
    SELECT 'log' AS counted, *, date_bin('15 minutes', created_at, 'epoch') AS quarter FROM activity_syncjob
), feed AS (
    SELECT 'feed' AS counted, workspace_id, owner_id, date_bin('15 minutes', occurred_at, 'epoch') AS quarter,
        '' AS kind, '' AS state, '' AS reason, '' AS error_code
    FROM activity_activity
), there AS (
    SELECT counted, {_KEYS}, count(*) FROM log {_GROUPS}
    UNION ALL SELECT counted, {_KEYS}, count(*) FROM feed {_GROUPS}
)
(TABLE kept EXCEPT TABLE there) UNION ALL (TABLE there EXCEPT TABLE kept)
"""


def miscounted() -> list[tuple]:
    """Counts that differ, both ways; compared in one statement, so that work in progress does no harm."""
    with connection.cursor() as cursor:
        cursor.execute(_MISCOUNTED)
        return cursor.fetchall()
