"""Creating, changing and deleting up to 200 records in one API call, each with its own result.

`composite/sobjects` with allOrNone=false (REST guide, sObject Collections): HTTP 200 and one result per
record, in the order of the request. A call that ends without such a list leaves the outcome of every record
unknown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from integrations.salesforce.answers import faults_in
from integrations.salesforce.calls import Calls, Row
from integrations.salesforce.errors import OutcomeUnknown, RolledBack, SalesforceError, error_from
from integrations.salesforce.ids import id18

RECORDS_IN_A_CALL = 200
RUNS_OF_TYPES_IN_A_CALL = 10
"""Salesforce cuts a request into runs of records of one type and takes no more of them."""


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one record: its id (18 characters), or why it was not written."""

    id: str | None
    error: SalesforceError | None


def create_many(calls: Calls, records: Sequence[Row]) -> list[RowResult]:
    """Creates the records, each `{"attributes": {"type": "Task"}, "Subject": …}`; results in the same order.

    Raises SalesforceError when the call as a whole failed (OutcomeUnknown: any of the records may exist),
    ValueError for more than 200 records or 10 runs of types.
    """
    return _send_records(calls, "POST", [_attributes_first(record) for record in records])


def update_many(calls: Calls, records: Sequence[Row]) -> list[RowResult]:
    """Changes the records, each with its `Id` besides; otherwise as `create_many`. Safe to repeat."""
    bodies = [
        {
            "attributes": record["attributes"],
            "id": id18(record["Id"]),
            **{name: value for name, value in record.items() if name not in ("attributes", "Id")},
        }
        for record in records
    ]
    return _send_records(calls, "PATCH", bodies)


def delete_many(calls: Calls, ids: Sequence[str]) -> list[RowResult]:
    """Moves the records to the Recycle Bin; otherwise as `create_many`. Safe to repeat: gone is RecordGone."""
    if not ids:
        return []
    _check_count(ids)
    params = {"ids": ",".join(id18(record_id) for record_id in ids), "allOrNone": "false"}
    return _results(calls, calls.call("DELETE", "composite/sobjects", params=params, write=True), len(ids))


def _send_records(calls: Calls, method: str, records: list[Row]) -> list[RowResult]:
    if not records:
        return []
    _check_count(records)
    runs = sum(1 for _ in groupby(records, key=lambda record: record["attributes"]["type"]))
    if runs > RUNS_OF_TYPES_IN_A_CALL:
        raise ValueError("too many runs of types: sort the records by type")
    body = {"allOrNone": False, "records": records}
    return _results(calls, calls.call(method, "composite/sobjects", json=body, write=True), len(records))


def _check_count(items: Sequence[Any]) -> None:
    if len(items) > RECORDS_IN_A_CALL:
        raise ValueError("too many records for one call")


def _attributes_first(record: Row) -> Row:
    """Salesforce reads a record's type before its fields, so the key must come first."""
    if next(iter(record)) == "attributes":
        return record
    return {"attributes": record["attributes"], **record}


def _results(calls: Calls, body: Any, count: int) -> list[RowResult]:
    """One result per record by position; raises OutcomeUnknown when the answer does not have as many."""
    request_id = calls.session.request_id
    if not isinstance(body, list) or len(body) != count:
        raise OutcomeUnknown("results_incomplete", request_id=request_id)
    return [_result(row, request_id) for row in body]


def _result(row: Any, request_id: str | None) -> RowResult:
    if not isinstance(row, dict):
        return RowResult(None, OutcomeUnknown("result_malformed", request_id=request_id))
    if row.get("success") is True and isinstance(row.get("id"), str):
        return RowResult(row["id"], None)
    faults = faults_in(row.get("errors"))
    if row.get("success") is not False or not faults:
        return RowResult(None, OutcomeUnknown("result_malformed", request_id=request_id))
    errors = [
        error_from(fault.code, fault.message, fault.fields, request_id=request_id, write=True) for fault in faults
    ]
    return RowResult(None, next((error for error in errors if not isinstance(error, RolledBack)), errors[0]))
