"""The naive claim, for comparison of what goes into the write-ahead log: the state stands in the log row itself.

A row is marked as being sent and later as done: two updates of the wide row, both of which touch every index, because
the state and the time of the last change stand in some. The table has the columns of the product's log and its
indexes, but that of the rows that stand still is over the state itself, and changes are found in the table.
"""

import psycopg

from tests.benchmarks.meter import metered

BATCH = 200
SCHEMA = """
DROP TABLE IF EXISTS naive_log;
CREATE TABLE naive_log (LIKE activity_syncjob INCLUDING ALL EXCLUDING GENERATED);
ALTER TABLE naive_log DROP COLUMN stopped;
ALTER TABLE naive_log ADD COLUMN due_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX ON naive_log (owner_id, due_at) WHERE state IN ('waiting', 'unknown');
CREATE INDEX ON naive_log (workspace_id, reason, id DESC) WHERE state IN ('held', 'failed');
CREATE INDEX ON naive_log (owner_id, changed_at);
DO $$ DECLARE columns text; BEGIN
    SELECT string_agg(attname, ', ') INTO columns FROM pg_attribute
    WHERE attrelid = 'activity_syncjob'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    EXECUTE format('INSERT INTO naive_log (%s) SELECT %s FROM activity_syncjob', columns, columns);
END $$;
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
