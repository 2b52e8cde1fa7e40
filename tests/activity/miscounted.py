"""What the kept counts say otherwise than the rows."""

from django.db import connection

_KEYS = "workspace_id, owner_id, quarter, kind, state, reason, error_code"
_MISCOUNTED = f"""
WITH kept AS (
    SELECT counted, {_KEYS}, sum(rows) FROM activity_rowcount GROUP BY counted, {_KEYS} HAVING sum(rows) <> 0
), rows_there AS (
    SELECT 'log' AS counted, *, date_bin('15 minutes', created_at, 'epoch') AS quarter FROM activity_syncjob
), there AS (
    SELECT counted, {_KEYS}, count(*) FROM rows_there
    GROUP BY counted, {_KEYS.replace("owner_id, ", "")}, GROUPING SETS ((owner_id), ())
    UNION ALL
    SELECT 'feed', workspace_id, owner_id, date_bin('15 minutes', occurred_at, 'epoch'), '', '', '', '', count(*)
    FROM activity_activity GROUP BY 1, 2, 4, GROUPING SETS ((owner_id), ())
)
(TABLE kept EXCEPT TABLE there) UNION ALL (TABLE there EXCEPT TABLE kept)
"""


def miscounted() -> list[tuple]:
    """Counts that differ, both ways; compared in one statement, so that work in progress does no harm."""
    with connection.cursor() as cursor:
        cursor.execute(_MISCOUNTED)
        return cursor.fetchall()
