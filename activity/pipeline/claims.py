"""What is due: the set-based statements that take jobs in hand, write down that they are sent, and free stopped ones.

Raw SQL, because one statement for 200 rows costs a sixth of `bulk_update` in processor time.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from activity.models import Kind
from activity.pipeline.arrays import as_array
from activity.pipeline.statements import run

BATCH = 200
# After a worker's death one of its rows is suspect: smaller and smaller batches find out which.
BATCH_AFTER_DEATHS = (1000, 50, 10, 2, 1)

PRIORITIES = {
    Kind.MEETING_CONFIRMED: 1,
    Kind.MEETING_CANCELED: 1,
    Kind.REPLIED: 2,
    Kind.RECEIVED: 3,
    Kind.SENT: 4,
    Kind.BOUNCED: 4,
    Kind.DOWNLOADED: 5,
    Kind.CLICKED: 6,
    Kind.OPENED: 7,
}
CLICKED_BY_PERSON = 0
"""The priority of what a person asked for with a button."""
LEAST_OF_MAIL = 4
"""Beyond it stand opens, clicks and downloads, which wait first when the org's calls run short."""
LEAST = 7


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job of the batch in hand. `attempt` is its fence."""

    job_id: int
    attempt: int
    deaths: int
    sent_at: datetime | None
    unknown_since: datetime | None
    look_ups: int
    retries: int
    matched_again: bool
    described_again: bool
    frozen: bool


_CLAIM = """
WITH blocking AS MATERIALIZED (
    SELECT job_id, sequence FROM activity_duejob
    WHERE connection_id = %(connection)s AND sequence <> 0
      AND (unknown_since IS NOT NULL OR sent_at IS NOT NULL OR (leased AND due_at > %(now)s))
), candidates AS MATERIALIZED (
    SELECT d.job_id, d.due_at, d.deaths + d.leased::int AS deaths FROM activity_duejob d
    WHERE d.connection_id = %(connection)s AND d.due_at <= %(now)s AND d.parked_id IS NULL
      AND (d.priority <= %(priority)s OR d.unknown_since IS NOT NULL OR d.sent_at IS NOT NULL)
      AND (
        d.unknown_since IS NOT NULL OR d.sent_at IS NOT NULL
        OR NOT EXISTS (SELECT 1 FROM blocking b WHERE b.sequence = d.sequence AND b.job_id < d.job_id)
      )
    ORDER BY d.due_at, d.job_id LIMIT %(limit)s
), first AS (
    SELECT deaths FROM candidates ORDER BY due_at, job_id LIMIT 1
), due AS (
    SELECT d.job_id FROM activity_duejob d JOIN candidates c USING (job_id)
    WHERE c.deaths = (SELECT deaths FROM first) AND d.due_at <= %(now)s AND d.parked_id IS NULL
    ORDER BY c.due_at, c.job_id
    LIMIT (SELECT LEAST(%(limit)s, (%(sizes)s::int[])[LEAST(deaths + 1, 5)]) FROM first)
    FOR UPDATE OF d SKIP LOCKED
)
UPDATE activity_duejob d
SET attempt = d.attempt + 1, due_at = %(lease_until)s, deaths = d.deaths + d.leased::int, leased = true
FROM due WHERE d.job_id = due.job_id
RETURNING d.job_id, d.attempt, d.deaths, d.sent_at, d.unknown_since, d.look_ups, d.retries, d.matched_again,
          d.described_again, d.frozen
"""


def claim(
    connection_id: int, now: datetime, lease_until: datetime, *, priority: int = LEAST, limit: int = BATCH
) -> list[Claimed]:
    """Take up to `limit` due jobs of a connection until `lease_until`, oldest first; nobody else gets them meanwhile.

    A job waits while an earlier one about the same message or meeting is being sent or has an unknown outcome.
    Jobs less urgent than `priority` are left; unknown outcomes are always taken. Times in UTC.
    """
    rows = run(
        _CLAIM,
        {
            "connection": connection_id,
            "now": now,
            "lease_until": lease_until,
            "priority": priority,
            "limit": limit,
            "sizes": as_array(BATCH_AFTER_DEATHS),
        },
    )
    return sorted((Claimed(*row) for row in rows), key=lambda each: each.job_id)


@dataclass(frozen=True, slots=True)
class Sending:
    """A record that is about to be sent, and why: `operation` create or update, `trace` a JSON object or empty."""

    job_id: int
    attempt: int
    operation: str
    payload: str
    trace: str = ""


_SEND = """
WITH v AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(attempts)s::int[], %(operations)s::text[], %(payloads)s::text[],
                         %(traces)s::text[])
    AS t(job_id, attempt, operation, payload, trace)
), won AS (
    UPDATE activity_duejob d SET sent_at = %(now)s, frozen = true FROM v
    WHERE d.job_id = v.job_id AND d.attempt = v.attempt AND d.job_id = ANY(%(ids)s::bigint[])
    RETURNING d.workspace_id, v.*
), traced AS (
    INSERT INTO activity_decisiontrace (job_id, workspace_id, content)
    SELECT job_id, workspace_id, trace::jsonb FROM won WHERE trace <> ''
    ON CONFLICT (job_id) DO UPDATE SET content = activity_decisiontrace.content || excluded.content
)
INSERT INTO activity_syncattempt
    (workspace_id, job_id, number, operation, connection_id, salesforce_user_id, payload, started_at,
     answer, outcome, error_code, request_id)
SELECT workspace_id, job_id, attempt, operation, %(connection)s, %(user)s, payload, %(now)s, '', '', '', ''
FROM won
RETURNING job_id
"""


def record_sending(rows: Sequence[Sending], connection_id: int, salesforce_user_id: str, now: datetime) -> set[int]:
    """Write attempts and traces down and commit them before the call; returns the jobs that are still ours."""
    if not rows:
        return set()
    ours = run(
        _SEND,
        {
            "ids": as_array(row.job_id for row in rows),
            "attempts": as_array(row.attempt for row in rows),
            "operations": as_array(row.operation for row in rows),
            "payloads": as_array(row.payload for row in rows),
            "traces": as_array(row.trace for row in rows),
            "connection": connection_id,
            "user": salesforce_user_id,
            "now": now,
        },
    )
    return {job_id for (job_id,) in ours}


# Rows that a worker is writing just now are left to it: who waited for them could block it and be blocked by it.
_MAKE_DUE = """
WITH free AS MATERIALIZED (
    SELECT job_id FROM activity_duejob WHERE job_id = ANY(%(ids)s::bigint[]) FOR UPDATE SKIP LOCKED
), busy AS MATERIALIZED (
    SELECT job_id FROM activity_duejob WHERE job_id = ANY(%(ids)s::bigint[]) EXCEPT SELECT job_id FROM free
), freed AS (
    UPDATE activity_syncjob
    SET state = 'waiting', reason = '', reason_detail = '', finished_at = NULL, changed_at = %(now)s
    WHERE id = ANY(%(ids)s::bigint[]) AND state IN ('held', 'skipped', 'failed')
      AND id NOT IN (SELECT job_id FROM busy)
    RETURNING id, workspace_id, activity_id, kind, owner_id, created_at
)
INSERT INTO activity_duejob
    (job_id, workspace_id, connection_id, due_at, leased, sequence, priority, attempt, look_ups, retries, deaths,
     matched_again, described_again, frozen)
SELECT f.id, f.workspace_id, %(connection)s,
       CASE WHEN %(anew)s THEN %(due_at)s
            ELSE GREATEST(%(due_at)s, f.created_at + s.hold_minutes * interval '1 minute') END,
       false, COALESCE(a.message_id, -a.meeting_id),
       COALESCE(%(priority)s::int, (%(priorities)s::jsonb ->> f.kind)::int),
       COALESCE((SELECT max(t.number) FROM activity_syncattempt t WHERE t.job_id = f.id), 0),
       0, 0, 0, false, false, false
FROM freed f JOIN activity_activity a ON a.id = f.activity_id
JOIN workspaces_membership m ON m.id = f.owner_id
LEFT JOIN activity_loggingsettings s ON s.role_id = m.role_id
ON CONFLICT (job_id) DO UPDATE
SET connection_id = excluded.connection_id, due_at = excluded.due_at, parked_id = NULL, deaths = 0, retries = 0,
    priority = LEAST(activity_duejob.priority, excluded.priority),
    frozen = activity_duejob.frozen AND NOT %(anew)s
WHERE activity_duejob.sent_at IS NULL AND NOT (activity_duejob.leased AND activity_duejob.due_at > %(now)s)
RETURNING job_id
"""


def make_due(
    job_ids: Sequence[int],
    connection_id: int,
    now: datetime,
    *,
    due_at: datetime | None = None,
    priority: int | None = None,
    anew: bool = False,
) -> int:
    """Let stopped jobs (held, skipped, failed) go to the connection, now or at `due_at`; returns how many do.

    Attempt numbers go on where they ended. `priority` None: by the kind of activity. `anew`: matched and composed
    again, even where a payload was sent before, and at once; otherwise after the role's hold window at the earliest.
    """
    if not job_ids:
        return 0
    return len(
        run(
            _MAKE_DUE,
            {
                "ids": as_array(job_ids),
                "connection": connection_id,
                "now": now,
                "due_at": due_at or now,
                "priority": priority,
                "anew": anew,
                "priorities": json.dumps({kind.value: priority for kind, priority in PRIORITIES.items()}),
            },
        )
    )
