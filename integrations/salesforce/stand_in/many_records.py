"""composite/sobjects: up to 200 records in one call, each with its own result."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from .access import View
from .calls import Answer, Call
from .errors import ApiError
from .external_ids import upsert_row
from .ids import id18
from .rendering import render_record
from .tables import Record

MOST_RECORDS = 200
MOST_RUNS = 10
ATTRIBUTES_FIRST = "Nested object for polymorphic foreign key must have an attributes field before any other fields."


def answer_collection(call: Call) -> Answer:
    """composite/sobjects and what is below it."""
    if call.method == "DELETE":
        return Answer(body=delete_many(call))
    if len(call.parts) == 2:
        call.need("POST", "PATCH", "DELETE")
        return Answer(body=write_many(call, create_row if call.method == "POST" else update_row))
    view = call.view(call.parts[2])
    if len(call.parts) == 3:
        call.need("GET", "POST")
        return Answer(body=read_many(call, view))
    call.need("PATCH")
    field_name = call.parts[3]
    return Answer(body=write_many(call, lambda part, record: upsert_row(part, view, field_name, record)))


def write_many(call: Call, write: Callable[[Call, Record], Record]) -> list[Record]:
    """Write up to 200 records, each with its own result in the order of the request."""
    body = call.read_body()
    if not isinstance(body, dict) or not isinstance(body.get("records"), list):
        raise ApiError("JSON_PARSER_ERROR", message="The body needs a list of records")
    records = body["records"]
    check_records(records, attributes_first=call.org.attributes_come_first)
    if body.get("allOrNone"):
        return write_all_or_none(call, records, write)
    with call.org.all_or_nothing():  # what refuses the call is found before anything is written
        return [try_row(call, record, write) for record in records]


def check_records(records: list, *, attributes_first: bool) -> None:
    """Refuse what Salesforce refuses before it looks at single records."""
    if len(records) > MOST_RECORDS:
        message = "record limit reached. cannot submit more than 200 records into this call"
        raise ApiError("EXCEEDED_ID_LIMIT", message=message)
    names = [type_of(record, attributes_first=attributes_first) for record in records]
    if len(list(itertools.groupby(names))) > MOST_RUNS:
        message = (
            "Cannot have more than 10 chunks in a single operation. Please rearrange the data to reduce chunking."
        )
        raise ApiError("LIMIT_EXCEEDED", message=message)


def type_of(record: object, *, attributes_first: bool) -> str:
    """Return the object that a record names in its attributes, which come first unless the org is lenient."""
    if not isinstance(record, dict) or (attributes_first and next(iter(record), None) != "attributes"):
        raise ApiError("JSON_PARSER_ERROR", message=ATTRIBUTES_FIRST)
    attributes = record.get("attributes")
    name = attributes.get("type") if isinstance(attributes, dict) else None
    if not isinstance(name, str):
        raise ApiError("INVALID_TYPE", message="Must send a concrete entity type.")
    return name


def try_row(call: Call, record: Record, write: Callable[[Call, Record], Record]) -> Record:
    """Write one record; a refusal becomes its row, but a body that cannot be read refuses the call."""
    try:
        if call.row_fault and (error := call.row_fault.take(record)):
            raise error
        return write(call, record)
    except ApiError as error:
        unreadable = error.code == "INVALID_FIELD" and call.org.unknown_field_refuses_call
        if unreadable or error.code == "JSON_PARSER_ERROR":
            raise
        return {"success": False, "errors": [error.as_row()]}


def write_all_or_none(call: Call, records: list, write: Callable[[Call, Record], Record]) -> list[Record]:
    """Write all records, or none: the good ones then say that they were rolled back."""
    rows: list[Record] = []
    try:
        with call.org.all_or_nothing():
            rows.extend(try_row(call, record, write) for record in records)
            if not all(row["success"] for row in rows):
                raise RolledBackError
    except RolledBackError:
        undone = {"success": False, "errors": [ApiError("ALL_OR_NONE_OPERATION_ROLLED_BACK").as_row()]}
        return [undone if row["success"] else row for row in rows]
    return rows


class RolledBackError(Exception):
    """One of several writes failed and all were to succeed."""


def seen_view(call: Call, name: str) -> View:
    """Return an object of a row; raises INVALID_TYPE."""
    view = call.org.view(call.user_id, name)
    if view is None:
        raise ApiError("INVALID_TYPE", name)
    return view


def create_row(call: Call, record: Record) -> Record:
    """Create one record of a collection."""
    view = seen_view(call, record["attributes"]["type"])
    return {"id": call.org.create(call.user_id, view, record), "success": True, "errors": []}


def update_row(call: Call, record: Record) -> Record:
    """Update one record of a collection, which carries its id."""
    view = seen_view(call, record["attributes"]["type"])
    given = next((value for key, value in record.items() if key.lower() == "id"), None)
    if not given:
        raise ApiError("MISSING_ARGUMENT", message="Id not specified in an update call", fields=())
    record_id = id18(given) if isinstance(given, str) else None
    if record_id is None or not record_id.startswith(view.object.prefix):
        raise ApiError("MALFORMED_ID", f"{view.object.label} ID", given, fields=("Id",))
    values = {key: value for key, value in record.items() if key.lower() != "id"}
    write_known(lambda: call.org.update(call.user_id, view, record_id, values))
    return {"id": record_id, "success": True, "errors": []}


def write_known(write: Callable[[], None]) -> None:
    """In a row an unknown record is an invalid cross reference."""
    try:
        write()
    except ApiError as error:
        if error.code != "NOT_FOUND":
            raise
        raise ApiError("INVALID_CROSS_REFERENCE_KEY", fields=()) from None


def delete_many(call: Call) -> list[Record]:
    """Delete up to 200 records by their ids."""
    ids = [each for each in call.params.get("ids", "").split(",") if each]
    if len(ids) > MOST_RECORDS:
        raise ApiError("EXCEEDED_ID_LIMIT")
    records = [{"attributes": {"type": ""}, "Id": each} for each in ids]
    if call.params.get("allOrNone", "").lower() == "true":
        return write_all_or_none(call, records, delete_row)
    return [try_row(call, record, delete_row) for record in records]


def delete_row(call: Call, record: Record) -> Record:
    """Delete one record of a list of ids."""
    record_id = id18(record["Id"])
    name = call.org.object_of(record_id) if record_id else None
    if record_id is None or name is None:
        raise ApiError("MALFORMED_ID", message=f"bad id {record['Id']}", fields=())
    write_known(lambda: call.org.delete(call.user_id, seen_view(call, name), record_id))
    return {"id": record_id, "success": True, "errors": []}


def read_many(call: Call, view: View) -> list[Record | None]:
    """Read records by ids, in the order of the request; null for what is away or out of sight."""
    body = call.read_body() if call.method == "POST" else None
    ids = body.get("ids", []) if isinstance(body, dict) else call.params.get("ids", "").split(",")
    names = body.get("fields", []) if isinstance(body, dict) else call.params.get("fields", "Id").split(",")
    fields = [view.object.find_field(name.strip()) for name in names]
    if None in fields:
        raise ApiError("INVALID_FIELD", names[fields.index(None)], view.name)
    return [read_one(call, view, text, [each.name for each in fields if each]) for text in ids]


def read_one(call: Call, view: View, text: str, names: list[str]) -> Record | None:
    """One record of a list of ids, or None."""
    try:
        row = call.org.find_row(call.user_id, view, id18(text) or "")
    except ApiError:
        return None
    return render_record(view, row, call.version, names)
