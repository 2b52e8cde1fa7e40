"""The naive claim, for comparison of what goes into the write-ahead log: the state stands in the log row itself.

A row is marked as being sent and later as done: two updates of the wide row, both of which touch every index, because
the state stands in one of them. The table has the columns and indexes of the product's log.
"""

import psycopg

from tests.benchmarks.meter import metered

BATCH = 200
SCHEMA = """
DROP TABLE IF EXISTS naive_log;
CREATE TABLE naive_log (LIKE activity_syncjob INCLUDING ALL);
ALTER TABLE naive_log ADD COLUMN due_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX ON naive_log (owner_id, due_at) WHERE state IN ('waiting', 'unknown');
INSERT INTO naive_log SELECT *, now() FROM activity_syncjob;
UPDATE naive_log SET state = 'waiting', salesforce_id = '';
"""
CLAIM = """
UPDATE naive_log SET state = 'unknown', changed_at = now(), due_at = now() + interval '10 minutes' WHERE id IN (
    SELECT id FROM naive_log WHERE state = 'waiting' ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
) RETURNING id
"""
FINISH = """
UPDATE naive_log
SET state = 'synced', salesforce_id = lpad(id::text, 18, '0'), changed_at = now(), finished_at = now()
WHERE id = ANY(%s)
"""


def wal_of_two_updates(url: str) -> float:
    """Bytes an activity, over the rows that stand in the product's log now."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SCHEMA)
        connection.execute("VACUUM FULL naive_log")
        done = 0
        with metered(url) as cost:
            while rows := connection.execute(CLAIM, (BATCH,)).fetchall():
                connection.execute(FINISH, ([row[0] for row in rows],))
                done += len(rows)
    return cost.wal_of["naive_log"] / done
