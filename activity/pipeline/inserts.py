"""The set-based statements of capture: each writes the rows of a whole request at once.

`unnest` instead of `bulk_create`, because the statements say which rows were new and cost half the time.
Rows are tuples in the order of the statement's columns.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import repeat
from typing import Any
from uuid import UUID

from django.db import connection as database

from activity.pipeline.arrays import as_array
from activity.wake import SET_WAKE_UPS
from config.prepared import cursor_for

Row = tuple[Any, ...]


def _run(sql: str, rows: Sequence[Row], *before: Any) -> list[Row]:
    """Execute the statement with `before`, then one array for each column of the rows."""
    if not rows:
        return []
    with database.cursor() as cursor:
        cursor.execute(sql, [*before, *map(as_array, zip(*rows, strict=True))])
        return cursor.fetchall() if cursor.description else []


def insert_ledger(workspace_id: int, source: str, now: Any, rows: Sequence[Row]) -> set[str]:
    """Rows (source_id, digest, activity_uuid); returns the ids that were not on file.

    Sorted, so that two requests with the same ids wait for each other instead of blocking each other.
    """
    sql = """
        INSERT INTO activity_ledgerentry (workspace_id, source, source_id, digest, activity_uuid, recorded_at)
        SELECT %s, %s, source_id, digest, activity_uuid, %s
        FROM unnest(%s::text[], %s::text[], %s::uuid[]) AS v(source_id, digest, activity_uuid) ORDER BY source_id
        ON CONFLICT (workspace_id, source, source_id) DO NOTHING RETURNING source_id
    """
    if not rows:
        return set()
    with cursor_for(len(rows)) as cursor:
        cursor.execute(sql, [workspace_id, source, now, *map(as_array, zip(*rows, strict=True))])
        return {source_id for (source_id,) in cursor.fetchall()}


def point_ledger(workspace_id: int, source: str, rows: Sequence[Row]) -> None:
    """Rows (source_id, activity_uuid): the report turned out to be of an activity that was there already."""
    sql = """
        UPDATE activity_ledgerentry l SET activity_uuid = v.activity_uuid
        FROM unnest(%s::text[], %s::uuid[]) AS v(source_id, activity_uuid)
        WHERE l.workspace_id = %s AND l.source = %s AND l.source_id = v.source_id
    """
    if rows:
        with database.cursor() as cursor:
            cursor.execute(sql, [*map(as_array, zip(*rows, strict=True)), workspace_id, source])


def upsert_meetings(workspace_id: int, now: Any, rows: Sequence[Row]) -> None:
    """Rows (uuid, uid, title, start, end, location, description, organizer, attendees, reported_at); each uid once.

    A report that is older than the one on file changes nothing.
    """
    sql = """
        INSERT INTO activity_meeting AS m
            (workspace_id, created_at, uuid, uid, title, start, "end", location, description, organizer, attendees,
             reported_at)
        SELECT %s, %s, v.* FROM unnest(
            %s::uuid[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::text[],
            %s::text[], %s::jsonb[], %s::timestamptz[]
        ) AS v(uuid, uid, title, start, "end", location, description, organizer, attendees, reported_at) ORDER BY uid
        ON CONFLICT (workspace_id, uid) DO UPDATE
        SET title = excluded.title, start = excluded.start, "end" = excluded."end", location = excluded.location,
            description = excluded.description, organizer = excluded.organizer, attendees = excluded.attendees,
            reported_at = excluded.reported_at
        WHERE m.reported_at <= excluded.reported_at
    """
    _run(sql, rows, workspace_id, now)


MESSAGES = {
    "uuid": "uuid", "message_id": "text", "in_reply_to": "text", "subject": "text", "text": "text",
    "text_was_cut": "bool",
}  # fmt: skip
PARTICIPANTS = {"message_id": "text", "role": "text", "address": "text", "name": "text"}
ACTIVITIES = {
    "uuid": "uuid", "owner_id": "bigint", "kind": "text", "occurred_at": "timestamptz", "message_id": "text",
    "on_file": "bigint", "meeting_id": "bigint", "recipient": "text", "url": "text", "file_name": "text",
    "via_touchline": "bool", "is_private": "bool", "by_machine": "bool",
}  # fmt: skip
JOBS = {
    "activity": "uuid", "uuid": "uuid", "recipient": "text", "subject": "text", "state": "text", "reason": "text",
    "detail": "text", "key": "text", "connection_id": "bigint", "due_at": "timestamptz", "priority": "int",
}  # fmt: skip
"""The columns of insert_all's rows. `message_id` is a Message-ID in the messages, `on_file` the id of one that
is on file and not among them; `activity` the activity's uuid; `connection_id` is None where nothing is due."""


def _unnest(name: str, columns: dict[str, str]) -> str:
    arrays = ", ".join(f"%({name}_{column})s::{kind}[]" for column, kind in columns.items())
    return f"unnest({arrays}) WITH ORDINALITY AS v({', '.join(columns)}, n)"


_INSERT_ALL = " ".join(
    f"""
WITH m AS (
    INSERT INTO activity_message AS m
        (workspace_id, created_at, uuid, message_id, in_reply_to, subject, text, text_was_cut)
    SELECT %(ws)s, %(now)s, uuid, message_id, in_reply_to, subject, text, text_was_cut
    FROM {_unnest("m", MESSAGES)} ORDER BY message_id
    ON CONFLICT (workspace_id, message_id) DO UPDATE
    SET text = CASE WHEN m.text = '' THEN excluded.text ELSE m.text END,
        text_was_cut = CASE WHEN m.text = '' THEN excluded.text_was_cut ELSE m.text_was_cut END
    RETURNING message_id, id, (xmax = 0) AS is_new
), p AS (
    INSERT INTO activity_participant (message_id, role, address, name)
    SELECT m.id, v.role, v.address, v.name
    FROM {_unnest("p", PARTICIPANTS)} JOIN m ON m.message_id = v.message_id AND m.is_new
    ORDER BY n
), a AS (
    INSERT INTO activity_activity
        (workspace_id, source, created_at, uuid, owner_id, kind, occurred_at, message_id, meeting_id, recipient, url,
         file_name, via_touchline, is_private, by_machine)
    SELECT %(ws)s, %(source)s, %(now)s, v.uuid, v.owner_id, v.kind, v.occurred_at,
           COALESCE(v.on_file, m.id), v.meeting_id, v.recipient, v.url, v.file_name, v.via_touchline,
           v.is_private, v.by_machine
    FROM {_unnest("a", ACTIVITIES)} LEFT JOIN m ON m.message_id = v.message_id ORDER BY n
    ON CONFLICT (workspace_id, owner_id, message_id, (CASE WHEN kind = 'sent' THEN 'out' ELSE 'in' END))
    WHERE kind IN ('sent', 'received', 'replied') DO NOTHING
    RETURNING id, uuid, owner_id, kind, message_id, meeting_id
), v AS MATERIALIZED (
    SELECT * FROM {_unnest("j", JOBS)}
), j AS (
    INSERT INTO activity_syncjob
        (workspace_id, created_at, changed_at, uuid, activity_id, owner_id, kind, object_type, recipient, subject,
         state, reason, reason_detail, key, finished_at, error_code, salesforce_id, person_type, person_id,
         person_name, related_type, related_id, related_name, match_rule)
    SELECT %(ws)s, %(now)s, %(now)s, v.uuid, a.id, a.owner_id, a.kind,
           CASE WHEN a.meeting_id IS NULL THEN 'Task' ELSE 'Event' END, v.recipient, v.subject, v.state, v.reason,
           v.detail, v.key, CASE WHEN v.state = 'skipped' THEN %(now)s END, '', '', '', '', '', '', '', '', ''
    FROM v JOIN a ON a.uuid = v.activity ORDER BY n
    RETURNING id, key, activity_id
), d AS (
    INSERT INTO activity_duejob
        (workspace_id, job_id, connection_id, due_at, sequence, priority, leased, attempt, look_ups, retries, deaths,
         matched_again, described_again, frozen)
    SELECT %(ws)s, j.id, v.connection_id, v.due_at, COALESCE(a.message_id, -a.meeting_id), v.priority,
           false, 0, 0, 0, 0, false, false, false
    FROM j JOIN v USING (key) JOIN a ON a.id = j.activity_id WHERE v.connection_id IS NOT NULL ORDER BY n
    RETURNING connection_id, due_at
), w AS ({SET_WAKE_UPS.format(select="SELECT connection_id, min(due_at) FROM d GROUP BY 1 ORDER BY 1")})
SELECT uuid, NULL::bigint, NULL::timestamptz FROM a UNION ALL SELECT NULL, connection_id, due_at FROM w
""".split()  # noqa: S608 - made of the constants above
)
"""On one line: the driver remembers what it made of a statement of up to 4,096 characters."""


def insert_all(
    workspace_id: int,
    source: str,
    now: datetime,
    *,
    messages: Sequence[Row],
    participants: Sequence[Row],
    activities: Sequence[Row],
    jobs: Sequence[Row],
) -> tuple[set[UUID], list[tuple[int, datetime]]]:
    """Write down the rows of a request and set the wake-ups, in one statement: most requests bring one activity.

    The rows stand in the order of the columns above; each Message-ID comes once, each address once in a role of a
    message. A message that is known keeps what it has and its participants; a text that is needed now and was not
    kept is added. Returns the uuids of the activities that are new (a mail that another report brought meanwhile is
    missing, with its jobs), and the wake-ups to queue: connection and time.
    """
    values: dict[str, Any] = {"ws": workspace_id, "source": source, "now": now}
    for name, columns, rows in (
        ("m", MESSAGES, messages),
        ("p", PARTICIPANTS, participants),
        ("a", ACTIVITIES, activities),
        ("j", JOBS, jobs),
    ):
        arrays = map(as_array, zip(*rows, strict=True)) if rows else repeat("{}")
        values |= zip((f"{name}_{column}" for column in columns), arrays, strict=False)
    with cursor_for(len(participants) + len(activities) + len(jobs)) as cursor:
        cursor.execute(_INSERT_ALL, values)
        found = cursor.fetchall()
    return {uuid for uuid, _, _ in found if uuid}, [(pk, due_at) for uuid, pk, due_at in found if not uuid]
