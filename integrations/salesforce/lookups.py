"""Looking for what we may have written: by our key, after an answer was lost.

A Task carries the key in `CallObject` (`touchline:<key>`), which can be filtered. An Event has no such field,
and some orgs hide it on Task: there the last line of the description (`Ref: touchline-<key>`) is compared
here, within the records that this user created in the window. Descriptions cannot be filtered. All look-ups
go through queryAll, because Salesforce archives old activities and people delete them.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from integrations.salesforce.calls import Calls, Row, parse_rows
from integrations.salesforce.ids import id18
from integrations.salesforce.soql import build_query, in_chunks, unique
from integrations.salesforce.times import parse_time

CALL_OBJECT_PREFIX = "touchline:"
MARKER_PREFIX = "Ref: touchline-"
KEYS_IN_A_QUERY = 200

_KEY = "[a-z2-7]{26}"
_MARKER = re.compile(rf"^{MARKER_PREFIX}({_KEY})[ \t\r]*$", re.MULTILINE)
_COLUMNS = ("Id", "CreatedDate", "LastModifiedDate", "IsDeleted", "CreatedById")


@dataclass(frozen=True, slots=True)
class FoundRecord:
    """A record of ours in Salesforce. `key` is the bare key of 26 characters; times are in UTC."""

    id: str
    key: str
    created_at: datetime
    modified_at: datetime
    is_deleted: bool
    created_by: str


@dataclass(frozen=True, slots=True)
class CreatedPerson:
    """A Contact or Lead that a user created. Merged into another it is deleted, and `master_record_id` survives."""

    id: str
    name: str
    is_deleted: bool
    master_record_id: str | None


@dataclass(frozen=True, slots=True)
class RecordState:
    """Whether a record is in the Recycle Bin, and when it last changed (UTC)."""

    is_deleted: bool
    modified_at: datetime


def find_by_key(
    calls: Calls, object_name: str, keys: Sequence[str], *, created_by: str, since: datetime
) -> list[FoundRecord]:
    """Tasks whose CallObject holds one of the keys, created by a user since a time; oldest first.

    `created_by` is the user who sent them, `since` a time of Salesforce's clock (some minutes before the
    first send). One API call for 1,000 keys. Raises ValueError for another object: no other has the field.
    """
    if object_name != "Task":
        raise ValueError("only a Task has CallObject")
    clauses = (
        "WHERE CallObject IN {values} AND CreatedById = {created_by} AND CreatedDate >= {since} "
        "ORDER BY CreatedDate, Id"
    )
    queries = [
        build_query(
            object_name,
            (*_COLUMNS, "CallObject"),
            clauses,
            values=[CALL_OBJECT_PREFIX + key for key in chunk],
            created_by=id18(created_by),
            since=since,
        )
        for chunk in in_chunks(_check_keys(keys), KEYS_IN_A_QUERY)
    ]
    answers = calls.query_many(queries, include_deleted=True)
    return parse_rows(_found_by_key, (row for rows in answers for row in rows))


def find_by_marker(
    calls: Calls,
    object_name: str,
    keys: Sequence[str],
    *,
    created_by: str,
    since: datetime,
    starts: Sequence[datetime] | None = None,
) -> list[FoundRecord]:
    """Tasks or Events whose description ends with the marker of one of the keys; oldest first.

    Reads every record that the user created since the time, so keep the window to hours; `starts` (for
    Events) narrows it to those start times. Raises StaleDescribe where the description is hidden: nothing is
    known then.
    """
    wanted = frozenset(_check_keys(keys))
    if not wanted:
        return []
    rows = _created_rows(calls, object_name, id18(created_by), since, starts)
    marked = (found for found in parse_rows(_found_by_marker, rows) if found.key in wanted)
    return sorted(marked, key=lambda found: (found.created_at, found.id))


def find_created_people(
    calls: Calls, object_name: str, address: str, *, created_by: str, since: datetime
) -> list[CreatedPerson]:
    """Contacts or Leads with an address that a user created since a time of Salesforce's clock, oldest first.

    Deleted and merged ones too. One API call. Raises ValueError for text that no query can hold.
    """
    query = build_query(
        object_name,
        ("Id", "Name", "IsDeleted", "MasterRecordId"),
        "WHERE Email = {address} AND CreatedById = {created_by} AND CreatedDate >= {since} ORDER BY CreatedDate, Id",
        address=address,
        created_by=id18(created_by),
        since=since,
    )
    return parse_rows(_created_person, calls.query(query, include_deleted=True))


def record_states(calls: Calls, object_name: str, ids: Sequence[str]) -> dict[str, RecordState]:
    """The state of each record by id; one that is missing is purged, or not visible to this user."""
    queries = [
        build_query(object_name, ("Id", "IsDeleted", "LastModifiedDate"), "WHERE Id IN {ids}", ids=list(chunk))
        for chunk in in_chunks(unique(id18(record_id) for record_id in ids), KEYS_IN_A_QUERY)
    ]
    answers = calls.query_many(queries, include_deleted=True)
    return dict(parse_rows(_state, (row for rows in answers for row in rows)))


def read_descriptions(calls: Calls, object_name: str, ids: Sequence[str]) -> dict[str, str]:
    """The description of each record by id; one that is missing is deleted, or not visible to this user."""
    queries = [
        build_query(object_name, ("Id", "Description"), "WHERE Id IN {ids}", ids=list(chunk))
        for chunk in in_chunks(unique(id18(record_id) for record_id in ids), KEYS_IN_A_QUERY)
    ]
    rows = (row for answer in calls.query_many(queries) for row in answer)
    return dict(parse_rows(lambda row: (row["Id"], row["Description"] or ""), rows))


def read_marker(description: str | None) -> str | None:
    """The key in the last marker line of a description; text that someone added below it does no harm."""
    keys = _MARKER.findall(description or "")
    return keys[-1] if keys else None


def _created_rows(
    calls: Calls, object_name: str, created_by: str, since: datetime, starts: Sequence[datetime] | None
) -> Iterable[Row]:
    clauses = "WHERE CreatedById = {created_by} AND CreatedDate >= {since}"
    values = {"created_by": created_by, "since": since}
    if object_name == "Event":
        clauses += " AND IsChild = {is_child}"  # an invited user gets a copy of the event
        values["is_child"] = False
    columns = (*_COLUMNS, "Description")
    if starts is None:
        queries = [build_query(object_name, columns, clauses, **values)]
    else:
        clauses += " AND StartDateTime = {start}"
        queries = [build_query(object_name, columns, clauses, start=start, **values) for start in unique(starts)]
    return (row for rows in calls.query_many(queries, include_deleted=True) for row in rows)


def _check_keys(keys: Sequence[str]) -> list[str]:
    if not all(re.fullmatch(_KEY, key) for key in keys):
        raise ValueError("not a key of ours")
    return unique(keys)


def _found_by_key(row: Row) -> FoundRecord:
    # The field compares without case, and another program may have changed it.
    return _found(row, row["CallObject"].lower().removeprefix(CALL_OBJECT_PREFIX))


def _found_by_marker(row: Row) -> FoundRecord:
    return _found(row, read_marker(row["Description"]) or "")


def _created_person(row: Row) -> CreatedPerson:
    return CreatedPerson(row["Id"], row["Name"] or "", row["IsDeleted"], row["MasterRecordId"])


def _state(row: Row) -> tuple[str, RecordState]:
    return row["Id"], RecordState(row["IsDeleted"], parse_time(row["LastModifiedDate"]))


def _found(row: Row, key: str) -> FoundRecord:
    return FoundRecord(
        id=row["Id"],
        key=key,
        created_at=parse_time(row["CreatedDate"]),
        modified_at=parse_time(row["LastModifiedDate"]),
        is_deleted=row["IsDeleted"],
        created_by=row["CreatedById"],
    )
