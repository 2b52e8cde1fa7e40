"""The set-based statements of capture: each writes the rows of a whole request at once.

`unnest` instead of `bulk_create`, because the statements say which rows were new and cost half the time.
Rows are tuples in the order of the statement's columns.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection as database

from activity.pipeline.arrays import as_array

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
    return {source_id for (source_id,) in _run(sql, rows, workspace_id, source, now)}


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


def upsert_messages(workspace_id: int, now: Any, rows: Sequence[Row]) -> dict[str, tuple[int, bool]]:
    """Rows (uuid, message_id, in_reply_to, subject, text, text_was_cut), each message_id once.

    Returns id and whether it is new by message_id. A message that is known keeps what it has; a text that is needed
    now and was not kept is added.
    """
    sql = """
        INSERT INTO activity_message AS m
            (workspace_id, created_at, uuid, message_id, in_reply_to, subject, text, text_was_cut)
        SELECT %s, %s, v.* FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bool[])
            AS v(uuid, message_id, in_reply_to, subject, text, text_was_cut) ORDER BY message_id
        ON CONFLICT (workspace_id, message_id) DO UPDATE
        SET text = CASE WHEN m.text = '' THEN excluded.text ELSE m.text END,
            text_was_cut = CASE WHEN m.text = '' THEN excluded.text_was_cut ELSE m.text_was_cut END
        RETURNING message_id, id, (xmax = 0)
    """
    return {message_id: (pk, is_new) for message_id, pk, is_new in _run(sql, rows, workspace_id, now)}


def insert_participants(rows: Sequence[Row]) -> None:
    """Rows (message id, role, address, name)."""
    sql = """
        INSERT INTO activity_participant (message_id, role, address, name)
        SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[])
        ON CONFLICT DO NOTHING
    """
    _run(sql, rows)


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


def insert_activities(workspace_id: int, source: str, now: Any, rows: Sequence[Row]) -> dict[Any, int]:
    """Rows (uuid, owner, kind, occurred_at, message, meeting, recipient, url, file_name, via_touchline, is_private,
    by_machine).

    Returns the ids of the new ones by uuid; a mail that another report brought meanwhile is missing.
    """
    sql = """
        INSERT INTO activity_activity
            (workspace_id, source, created_at, uuid, owner_id, kind, occurred_at, message_id, meeting_id, recipient,
             url, file_name, via_touchline, is_private, by_machine)
        SELECT %s, %s, %s, v.uuid, v.owner_id, v.kind, v.occurred_at, v.message_id, v.meeting_id, v.recipient, v.url,
               v.file_name, v.via_touchline, v.is_private, v.by_machine
        FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::timestamptz[], %s::bigint[], %s::bigint[], %s::text[],
                    %s::text[], %s::text[], %s::bool[], %s::bool[], %s::bool[])
            WITH ORDINALITY AS v(uuid, owner_id, kind, occurred_at, message_id, meeting_id, recipient, url, file_name,
                                 via_touchline, is_private, by_machine, position)
        ORDER BY position
        ON CONFLICT DO NOTHING RETURNING uuid, id
    """
    return dict(_run(sql, rows, workspace_id, source, now))


def insert_jobs(workspace_id: int, now: Any, rows: Sequence[Row]) -> list[Row]:
    """Rows (uuid, activity, owner, kind, object_type, recipient, subject, state, reason, reason_detail, key).

    Returns (key, id) of each, in the order of the rows.
    """
    sql = """
        INSERT INTO activity_syncjob
            (workspace_id, created_at, changed_at, uuid, activity_id, owner_id, kind, object_type, recipient, subject,
             state, reason, reason_detail, key, finished_at, error_code, salesforce_id, person_type, person_id,
             person_name, related_type, related_id, related_name, match_rule)
        SELECT %s, %s, %s, v.uuid, v.activity_id, v.owner_id, v.kind, v.object_type, v.recipient, v.subject, v.state,
               v.reason, v.detail, v.key, CASE WHEN v.state = 'skipped' THEN %s::timestamptz END,
               '', '', '', '', '', '', '', '', ''
        FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[],
                    %s::text[], %s::text[], %s::text[], %s::text[])
            WITH ORDINALITY AS v(uuid, activity_id, owner_id, kind, object_type, recipient, subject, state, reason,
                                 detail, key, position)
        ORDER BY position
        ON CONFLICT DO NOTHING RETURNING key, id
    """
    return _run(sql, rows, workspace_id, now, now, now)


def insert_due(workspace_id: int, rows: Sequence[Row]) -> None:
    """Rows (job, connection, due_at, sequence, priority)."""
    sql = """
        INSERT INTO activity_duejob
            (workspace_id, job_id, connection_id, due_at, sequence, priority, leased, attempt, look_ups, retries,
             deaths, matched_again, described_again, frozen)
        SELECT %s, v.*, false, 0, 0, 0, 0, false, false, false
        FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::bigint[], %s::int[])
            AS v(job_id, connection_id, due_at, sequence, priority)
    """
    _run(sql, rows, workspace_id)
