"""Creating, changing and deleting many records in one API call, each with its own result.

`composite/sobjects` with allOrNone=false (REST guide, sObject Collections): HTTP 200 and one result per
record, in the order of the request. A call that ends without such a list leaves the outcome of every record
unknown. It takes 200 records; up to 1,000 travel as five such requests in one `composite`, which counts as one call
(REST guide, Composite): there each part has an answer of its own, and what is wrong with it concerns its records
alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from integrations.salesforce.answers import faults_in
from integrations.salesforce.calls import Calls, Row, error_in_part
from integrations.salesforce.errors import OutcomeUnknown, RolledBack, SalesforceError, error_from
from integrations.salesforce.ids import id18
from integrations.salesforce.soql import check_object_name, in_chunks

RECORDS_IN_A_CALL = 200
PARTS_IN_A_COMPOSITE = 5
"""Of 25 parts so many may be collections."""
RECORDS_IN_A_COMPOSITE = PARTS_IN_A_COMPOSITE * RECORDS_IN_A_CALL
RUNS_OF_TYPES_IN_A_CALL = 10
"""Salesforce cuts a request into runs of records of one type and takes no more of them."""


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one record: its id (18 characters), or why it was not written.

    `of_part`: the error is that of its part of a composite, in which any record may be at fault.
    """

    id: str | None
    error: SalesforceError | None
    of_part: bool = False


def create_many(calls: Calls, records: Sequence[Row]) -> list[RowResult]:
    """Creates the records, each `{"attributes": {"type": "Task"}, "Subject": …}`; results in the same order.

    Raises SalesforceError when the call as a whole failed (OutcomeUnknown: any of the records may exist),
    ValueError for more than 1,000 records, 10 runs of types in 200, or more than 200 with text that a composite
    would take for a reference (`may_travel_in_composite`).
    """
    return _send_records(calls, "POST", [_attributes_first(record) for record in records])


def create_person(
    calls: Calls, object_name: str, fields: Row, *, allow_duplicates: bool = False, assignment_rules: bool = False
) -> str:
    """Creates one Contact or Lead of a person who asked for it; its id (18 characters).

    Alone in its call, for only so a duplicate rule says whom it found: then raises Rejected with `duplicates`.
    `allow_duplicates`: the person has seen them (REST guide, Duplicate Rule Header); a rule that blocks refuses it
    all the same. `assignment_rules`: let a Lead go to whom the org's rules say (they run unless a call says no).
    Raises SalesforceError; OutcomeUnknown when the record may exist.
    """
    headers = {
        "Sforce-Duplicate-Rule-Header": f"allowSave={str(allow_duplicates).lower()}; includeRecordDetails=false",
        "Sforce-Auto-Assign": str(assignment_rules).upper(),
    }
    path = f"sobjects/{check_object_name(object_name)}"
    body = calls.call("POST", path, json=fields, write=True, headers=headers)
    if not isinstance(body, dict) or body.get("success") is not True or not isinstance(body.get("id"), str):
        raise OutcomeUnknown("result_malformed", request_id=calls.session.request_id)
    return body["id"]


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
    if len(ids) > RECORDS_IN_A_CALL:
        raise ValueError("too many records for one call")
    params = {"ids": ",".join(id18(record_id) for record_id in ids), "allOrNone": "false"}
    return _results(calls, calls.call("DELETE", "composite/sobjects", params=params, write=True), len(ids))


def may_travel_in_composite(record: Row) -> bool:
    """Whether no text of the record holds "@{": a composite would put the answer of another part there."""
    return not any("@{" in value for value in record.values() if isinstance(value, str))


def _send_records(calls: Calls, method: str, records: list[Row]) -> list[RowResult]:
    if not records:
        return []
    parts = list(in_chunks(records, RECORDS_IN_A_CALL))
    _check_parts(parts)
    if len(parts) == 1:
        body = {"allOrNone": False, "records": records}
        return _results(calls, calls.call(method, "composite/sobjects", json=body, write=True), len(records))
    return _send_parts(calls, method, parts)


def _check_parts(parts: Sequence[Sequence[Row]]) -> None:
    if len(parts) > PARTS_IN_A_COMPOSITE:
        raise ValueError("too many records for one call")
    for part in parts:
        if sum(1 for _ in groupby(part, key=lambda record: record["attributes"]["type"])) > RUNS_OF_TYPES_IN_A_CALL:
            raise ValueError("too many runs of types: sort the records by type")
    if len(parts) > 1 and not all(may_travel_in_composite(record) for part in parts for record in part):
        raise ValueError("text that looks like a reference")


def _send_parts(calls: Calls, method: str, parts: Sequence[Sequence[Row]]) -> list[RowResult]:
    """Several collections in one composite; an answer that does not have one for each part says nothing."""
    requests_ = [
        {
            "method": method,
            "url": f"{calls.path}composite/sobjects",
            "referenceId": f"part{number}",
            "body": {"allOrNone": False, "records": part},
        }
        for number, part in enumerate(parts)
    ]
    body = calls.call("POST", "composite", json={"allOrNone": False, "compositeRequest": requests_}, write=True)
    answers = body.get("compositeResponse") if isinstance(body, dict) else None
    if not isinstance(answers, list) or len(answers) != len(parts):
        raise OutcomeUnknown("results_incomplete", request_id=calls.session.request_id)
    named = {answer.get("referenceId"): answer for answer in answers if isinstance(answer, dict)}
    results: list[RowResult] = []
    for number, part in enumerate(parts):
        results += _part_results(calls, named.get(f"part{number}"), len(part))
    return results


def _part_results(calls: Calls, answer: Row | None, count: int) -> list[RowResult]:
    """The results of one part; where the part as a whole failed, that is what became of each of its records."""
    request_id = calls.session.request_id
    if answer is None:
        return [RowResult(None, OutcomeUnknown("result_malformed", request_id=request_id), of_part=True)] * count
    error = error_in_part(answer, request_id, write=True)
    if error is None:
        try:
            return _results(calls, answer.get("body"), count)
        except OutcomeUnknown as incomplete:
            error = incomplete
    return [RowResult(None, error, of_part=True)] * count


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
