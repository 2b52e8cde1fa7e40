"""What came of it: the set-based statements that write the outcomes of a batch.

Every outcome names the attempt that it belongs to, so a worker that was overtaken changes nothing. Raw SQL, because
one `UPDATE … FROM unnest` costs a sixth of `bulk_update`, and a thirtieth of a save() for each row, in processor
time. The batch's ids stand beside a join once more, as an array: so PostgreSQL reads those rows alone, by the index,
where it would go through the whole of a small table. States are written here, in hold.py and in repair.py; states.py
says which moves there are.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from activity.models import SyncState
from activity.pipeline.arrays import as_array
from activity.pipeline.statements import run


@dataclass(frozen=True, slots=True)
class Related:
    """What the log shows of the match."""

    person_type: str = ""
    person_id: str = ""
    person_name: str = ""
    related_type: str = ""
    related_id: str = ""
    related_name: str = ""
    match_rule: str = ""

    def to_json(self) -> dict[str, str]:
        """As it stands in the decision's trace; `dataclasses.asdict` takes six times as long."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Finished:
    """A job that needs nothing more: synced, skipped or failed. `related` None leaves what the row has."""

    job_id: int
    attempt: int
    state: SyncState
    reason: str = ""
    detail: str = ""
    error_code: str = ""
    salesforce_id: str = ""
    related: Related | None = None


_FINISH = """
WITH v AS (
    SELECT * FROM unnest(
        %(ids)s::bigint[], %(attempts)s::int[], %(states)s::text[], %(reasons)s::text[], %(details)s::text[],
        %(codes)s::text[], %(salesforce_ids)s::text[], %(has_match)s::bool[], %(person_types)s::text[],
        %(person_ids)s::text[], %(person_names)s::text[], %(related_types)s::text[], %(related_ids)s::text[],
        %(related_names)s::text[], %(rules)s::text[]
    ) AS t(job_id, attempt, state, reason, detail, code, salesforce_id, has_match, person_type, person_id,
           person_name, related_type, related_id, related_name, rule)
), won AS (
    DELETE FROM activity_duejob d USING v
    WHERE d.job_id = v.job_id AND d.attempt = v.attempt AND d.job_id = ANY(%(ids)s::bigint[])
    RETURNING v.*
)
UPDATE activity_syncjob j
SET state = w.state, reason = w.reason, reason_detail = w.detail, error_code = w.code,
    salesforce_id = w.salesforce_id,
    person_type = CASE WHEN w.has_match THEN w.person_type ELSE j.person_type END,
    person_id = CASE WHEN w.has_match THEN w.person_id ELSE j.person_id END,
    person_name = CASE WHEN w.has_match THEN w.person_name ELSE j.person_name END,
    related_type = CASE WHEN w.has_match THEN w.related_type ELSE j.related_type END,
    related_id = CASE WHEN w.has_match THEN w.related_id ELSE j.related_id END,
    related_name = CASE WHEN w.has_match THEN w.related_name ELSE j.related_name END,
    match_rule = CASE WHEN w.has_match THEN w.rule ELSE j.match_rule END,
    finished_at = %(now)s, changed_at = %(now)s
FROM won w
WHERE j.id = w.job_id AND j.state IN ('waiting', 'held', 'unknown')
RETURNING j.id
"""


def finish(rows: Sequence[Finished], now: datetime) -> set[int]:
    """Write final states and drop the DueJobs where the attempt is still the newest; returns those jobs."""
    if not rows:
        return set()
    related = [row.related or Related() for row in rows]
    done = run(
        _FINISH,
        {
            "ids": as_array(row.job_id for row in rows),
            "attempts": as_array(row.attempt for row in rows),
            "states": as_array(row.state.value for row in rows),
            "reasons": as_array(str(row.reason) for row in rows),
            "details": as_array(row.detail[:500] for row in rows),
            "codes": as_array(row.error_code[:80] for row in rows),
            "salesforce_ids": as_array(row.salesforce_id for row in rows),
            "has_match": as_array(row.related is not None for row in rows),
            "person_types": as_array(each.person_type for each in related),
            "person_ids": as_array(each.person_id for each in related),
            "person_names": as_array(each.person_name[:255] for each in related),
            "related_types": as_array(each.related_type for each in related),
            "related_ids": as_array(each.related_id for each in related),
            "related_names": as_array(each.related_name[:255] for each in related),
            "rules": as_array(each.match_rule for each in related),
            "now": now,
        },
    )
    return {job_id for (job_id,) in done}


@dataclass(frozen=True, slots=True)
class Postponed:
    """A job that goes on later: again, held, parked, or to be looked up.

    `unknown_since` set: the outcome is unknown, `look_ups` were done. The counters are the new values.
    """

    job_id: int
    attempt: int
    due_at: datetime
    state: SyncState = SyncState.WAITING
    reason: str = ""
    detail: str = ""
    error_code: str = ""
    unknown_since: datetime | None = None
    look_ups: int = 0
    retries: int = 0
    deaths: int = 0
    matched_again: bool = False
    described_again: bool = False
    frozen: bool = False
    parked_id: int | None = None


_POSTPONE = """
WITH v AS (
    SELECT * FROM unnest(
        %(ids)s::bigint[], %(attempts)s::int[], %(due)s::timestamptz[], %(states)s::text[], %(reasons)s::text[],
        %(details)s::text[], %(codes)s::text[], %(unknown)s::timestamptz[], %(look_ups)s::int[], %(retries)s::int[],
        %(deaths)s::int[], %(matched)s::bool[], %(described)s::bool[], %(frozen)s::bool[], %(parked)s::bigint[]
    ) AS t(job_id, attempt, due_at, state, reason, detail, code, unknown_since, look_ups, retries, deaths, matched,
           described, frozen, parked_id)
), won AS (
    UPDATE activity_duejob d
    SET due_at = v.due_at, leased = false, sent_at = NULL, unknown_since = v.unknown_since, look_ups = v.look_ups,
        retries = v.retries, deaths = v.deaths, matched_again = v.matched, described_again = v.described,
        frozen = v.frozen, parked_id = v.parked_id
    FROM v WHERE d.job_id = v.job_id AND d.attempt = v.attempt AND d.job_id = ANY(%(ids)s::bigint[])
    RETURNING v.*
), changed AS (
    UPDATE activity_syncjob j
    SET state = w.state, reason = w.reason, reason_detail = w.detail, error_code = w.code, changed_at = %(now)s
    FROM won w
    WHERE j.id = w.job_id AND j.state IN ('waiting', 'held', 'unknown')
      AND (j.state, j.reason, j.reason_detail, j.error_code) <> (w.state, w.reason, w.detail, w.code)
)
SELECT job_id FROM won
"""


def postpone(rows: Sequence[Postponed], now: datetime) -> set[int]:
    """End the lease and say how to go on, where the attempt is still the newest; returns those jobs."""
    if not rows:
        return set()
    done = run(
        _POSTPONE,
        {
            "ids": as_array(row.job_id for row in rows),
            "attempts": as_array(row.attempt for row in rows),
            "due": as_array(row.due_at for row in rows),
            "states": as_array(row.state.value for row in rows),
            "reasons": as_array(str(row.reason) for row in rows),
            "details": as_array(row.detail[:500] for row in rows),
            "codes": as_array(row.error_code[:80] for row in rows),
            "unknown": as_array(row.unknown_since for row in rows),
            "look_ups": as_array(row.look_ups for row in rows),
            "retries": as_array(row.retries for row in rows),
            "deaths": as_array(row.deaths for row in rows),
            "matched": as_array(row.matched_again for row in rows),
            "described": as_array(row.described_again for row in rows),
            "frozen": as_array(row.frozen for row in rows),
            "parked": as_array(row.parked_id for row in rows),
            "now": now,
        },
    )
    return {job_id for (job_id,) in done}


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of one attempt. `answer` is the JSON text of this row's part of the answer."""

    job_id: int
    number: int
    outcome: str
    answer: str = ""
    error_code: str = ""
    request_id: str = ""


_ANSWER = """
UPDATE activity_syncattempt a
SET outcome = v.outcome, answer = v.answer, error_code = v.code, request_id = v.request, ended_at = %(now)s
FROM unnest(%(ids)s::bigint[], %(numbers)s::int[], %(outcomes)s::text[], %(answers)s::text[], %(codes)s::text[],
            %(requests)s::text[]) AS v(job_id, number, outcome, answer, code, request)
WHERE a.job_id = v.job_id AND a.number = v.number
"""


def record_answers(rows: Sequence[Answered], now: datetime) -> None:
    """Complete the attempts, also those of a worker that was overtaken: what happened, happened."""
    if not rows:
        return
    run(
        _ANSWER,
        {
            "ids": as_array(row.job_id for row in rows),
            "numbers": as_array(row.number for row in rows),
            "outcomes": as_array(str(row.outcome) for row in rows),
            "answers": as_array(row.answer for row in rows),
            "codes": as_array(row.error_code[:80] for row in rows),
            "requests": as_array(row.request_id[:80] for row in rows),
            "now": now,
        },
    )


_LOG_RECORDS = """
INSERT INTO activity_loggedrecord
    (workspace_id, org_id, object_type, salesforce_id, key, owner_id, salesforce_user_id, message_id,
     meeting_id, recipient, created_at, removed_at, in_call_object, digest)
SELECT j.workspace_id, %(org)s, j.object_type, v.salesforce_id, j.key, j.owner_id, v.salesforce_user_id,
       a.message_id, a.meeting_id, j.recipient, %(now)s, CASE WHEN v.removed THEN %(now)s::timestamptz END,
       v.in_call_object, v.digest
FROM unnest(%(ids)s::bigint[], %(salesforce_ids)s::text[], %(users)s::text[], %(removed)s::bool[],
            %(in_call_object)s::bool[], %(digests)s::text[])
     AS v(job_id, salesforce_id, salesforce_user_id, removed, in_call_object, digest)
JOIN activity_syncjob j ON j.id = v.job_id AND j.id = ANY(%(ids)s::bigint[])
JOIN activity_activity a ON a.id = j.activity_id
ON CONFLICT (workspace_id, key) DO UPDATE SET removed_at = excluded.removed_at, digest = excluded.digest
"""


@dataclass(frozen=True, slots=True)
class Logged:
    """A record of ours that stands in Salesforce (or stood: `removed`), with the digest of what was written."""

    job_id: int
    salesforce_id: str
    salesforce_user_id: str
    digest: str = ""
    in_call_object: bool = False
    removed: bool = False


def log_records(rows: Sequence[Logged], org_id: str, now: datetime) -> None:
    """Remember records of ours, so that they can be changed or withdrawn later."""
    if not rows:
        return
    run(
        _LOG_RECORDS,
        {
            "ids": as_array(row.job_id for row in rows),
            "salesforce_ids": as_array(row.salesforce_id for row in rows),
            "users": as_array(row.salesforce_user_id for row in rows),
            "removed": as_array(row.removed for row in rows),
            "in_call_object": as_array(row.in_call_object for row in rows),
            "digests": as_array(row.digest for row in rows),
            "org": org_id,
            "now": now,
        },
    )


_TRACE = """
INSERT INTO activity_decisiontrace (job_id, workspace_id, content)
SELECT v.job_id, j.workspace_id, v.content::jsonb
FROM unnest(%(ids)s::bigint[], %(contents)s::text[]) AS v(job_id, content)
JOIN activity_syncjob j ON j.id = v.job_id
ON CONFLICT (job_id) DO UPDATE SET content = activity_decisiontrace.content || excluded.content
"""


def write_traces(traces: dict[int, dict[str, Any]]) -> None:
    """Add to the jobs' decision traces."""
    if not traces:
        return
    run(_TRACE, {"ids": as_array(traces), "contents": as_array(map(json.dumps, traces.values()))})
