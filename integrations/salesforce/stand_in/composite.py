"""Several things in one call: composite, composite/sobjects, composite/batch, and rows by an external id."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

from .access import View
from .calls import Answer, Call, read_version
from .errors import ApiError
from .ids import id18
from .rendering import render_record
from .tables import Record

MOST_RECORDS = 200
MOST_RUNS = 10
MOST_PARTS = 25
MOST_QUERIES = 5
REFERENCE = re.compile(r"@\{([^}]+)\}")
ATTRIBUTES_FIRST = "Nested object for polymorphic foreign key must have an attributes field before any other fields."


def answer_composite(call: Call) -> Answer:
    """Everything under composite/."""
    kind = call.parts[1].lower() if len(call.parts) > 1 else ""
    if kind == "":
        return run_composite(call)
    if kind == "batch":
        return run_batch(call)
    if kind == "sobjects":
        return answer_collection(call)
    raise ApiError("NOT_FOUND")


# -- collections


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
    check_records(records)
    if body.get("allOrNone"):
        return write_all_or_none(call, records, write)
    return [try_row(call, record, write) for record in records]


def check_records(records: list) -> None:
    """Refuse what Salesforce refuses before it looks at single records."""
    if len(records) > MOST_RECORDS:
        message = "record limit reached. cannot submit more than 200 records into this call"
        raise ApiError("EXCEEDED_ID_LIMIT", message=message)
    names = [type_of(record) for record in records]
    if len(list(itertools.groupby(names))) > MOST_RUNS:
        message = (
            "Cannot have more than 10 chunks in a single operation. Please rearrange the data to reduce chunking."
        )
        raise ApiError("LIMIT_EXCEEDED", message=message)


def type_of(record: object) -> str:
    """Return the object that a record names in its attributes, which come first."""
    if not isinstance(record, dict) or next(iter(record), None) != "attributes":
        raise ApiError("JSON_PARSER_ERROR", message=ATTRIBUTES_FIRST)
    attributes = record["attributes"]
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


# -- rows by an external id


def answer_external(call: Call, view: View, field_name: str, value: str) -> Answer:
    """GET or PATCH sobjects/Contact/Email/<address>."""
    call.need("GET", "PATCH")
    if call.method == "PATCH":
        row = upsert_row(call, view, field_name, {**call.record(), field_name: value})
        return Answer(201 if row["created"] else 200, row)
    found = find_external(call, view, field_name, value)
    if not found:
        raise ApiError("NOT_FOUND")
    return Answer(body=render_record(view, found[0], call.version))


def find_external(call: Call, view: View, field_name: str, value: object) -> list[Record]:
    """Find records by a look-up field; raises NOT_FOUND for other fields and 300 for several."""
    field = view.object.find_field(field_name)
    if field is None or "L" not in field.flags:
        message = f"Provided external ID field does not exist or is not accessible: {field_name}"
        raise ApiError("NOT_FOUND", message=message)
    wanted = str(value).lower()
    rows = [row for row in call.org.rows(view.name) if str(row.get(field.name, "")).lower() == wanted]
    if len(rows) > 1:
        raise SeveralFoundError([f"/services/data/v{call.version}/sobjects/{view.name}/{row['Id']}" for row in rows])
    return rows


class SeveralFoundError(ApiError):
    """More than one record has the external id: 300 and the list of their paths."""

    def __init__(self, paths: list[str]) -> None:
        super().__init__("MULTIPLE_CHOICES", status=300)
        self.paths = paths


def upsert_row(call: Call, view: View, field_name: str, record: Record) -> Record:
    """Update the record with this external id, or create it."""
    value = record.get(field_name)
    found = find_external(call, view, field_name, value) if value else []
    values = {key: each for key, each in record.items() if key.lower() != "id"}
    if found:
        call.org.update(call.user_id, view, found[0]["Id"], values)
        return {"id": found[0]["Id"], "success": True, "errors": [], "created": False}
    record_id = call.org.create(call.user_id, view, values)
    return {"id": record_id, "success": True, "errors": [], "created": True}


# -- composite and batch


def run_composite(call: Call) -> Answer:
    """Run up to 25 calls in order; later ones may use what earlier ones answered."""
    call.need("POST")
    body = call.read_body()
    parts = body.get("compositeRequest") if isinstance(body, dict) else None
    if not isinstance(parts, list):
        raise ApiError("JSON_PARSER_ERROR", message="compositeRequest is required")
    check_parts(parts)
    answers: dict[str, object] = {}
    if body.get("allOrNone"):
        return Answer(body={"compositeResponse": run_all_or_none(call, parts, answers)})
    return Answer(body={"compositeResponse": [run_part(call, part, answers) for part in parts]})


def check_parts(parts: list) -> None:
    """Refuse too many parts, double names, and parts without what they need."""
    if len(parts) > MOST_PARTS:
        raise ApiError("LIMIT_EXCEEDED", message=f"Limit exceeded: up to {MOST_PARTS} subrequests in a call")
    if not all(isinstance(part, dict) and {"method", "url", "referenceId"} <= part.keys() for part in parts):
        raise ApiError("JSON_PARSER_ERROR", message="Each subrequest needs method, url and referenceId")
    heavy = [part for part in parts if re.search(r"/(query|queryAll|composite/sobjects)\b", part["url"], re.I)]
    if len(heavy) > MOST_QUERIES:
        message = f"Limit exceeded: up to {MOST_QUERIES} query or sObject collections subrequests in a call"
        raise ApiError("LIMIT_EXCEEDED", message=message)
    names = [part["referenceId"] for part in parts]
    if len(set(names)) < len(names):
        raise ApiError("INVALID_INPUT", message="Duplicate referenceId in the composite request")


def run_all_or_none(call: Call, parts: list[Record], answers: dict[str, object]) -> list[Record]:
    """Run the parts; where one fails, all are taken back and the others say so."""
    results: list[Record] = []
    try:
        with call.org.all_or_nothing():
            for part in parts:
                results.append(run_part(call, part, answers))
                if results[-1]["httpStatusCode"] >= 400:
                    raise RolledBackError
    except RolledBackError:
        halted = [ApiError("PROCESSING_HALTED").as_answer()]
        failed = results[-1]
        return [failed if part["referenceId"] == failed["referenceId"] else halt(part, halted) for part in parts]
    return results


def halt(part: Record, body: list) -> Record:
    """The result of a part that was not run, or taken back."""
    return {"body": body, "httpHeaders": {}, "httpStatusCode": 400, "referenceId": part["referenceId"]}


def run_part(call: Call, part: Record, answers: dict[str, object]) -> Record:
    """Run one part and remember its answer under its name."""
    try:
        filled = json.loads(fill_references(json.dumps(part), answers))
    except LookupError:
        return halt(part, [ApiError("PROCESSING_HALTED", message="Invalid reference specified.").as_answer()])
    answer = run_url(call, filled["method"], filled["url"], filled.get("body"), filled.get("httpHeaders") or {})
    if answer.status < 300:
        answers[part["referenceId"]] = answer.body
    return {
        "body": answer.body,
        "httpHeaders": answer.headers,
        "httpStatusCode": answer.status,
        "referenceId": part["referenceId"],
    }


def fill_references(text: str, answers: dict[str, object]) -> str:
    """Replace each @{name.path[0].key} by what the named part answered; raises LookupError."""

    def look_up(match: re.Match[str]) -> str:
        name, _, path = match[1].partition(".")
        value = answers[name]
        for step in re.findall(r"[^.\[\]]+", path):
            value = value[int(step)] if isinstance(value, list) else value[step]
        return json.dumps(str(value))[1:-1]

    return REFERENCE.sub(look_up, text)


def run_batch(call: Call) -> Answer:
    """Run up to 25 calls that know nothing of each other."""
    call.need("POST")
    body = call.read_body()
    parts = body.get("batchRequests") if isinstance(body, dict) else None
    if not isinstance(parts, list):
        raise ApiError("JSON_PARSER_ERROR", message="batchRequests is required")
    if len(parts) > MOST_PARTS:
        raise ApiError("LIMIT_EXCEEDED", message=f"Limit exceeded: up to {MOST_PARTS} subrequests in a call")
    call.org.usage.count("composite/batch", call.user_id, len(parts) - 1)
    results = []
    for part in parts:
        url = "/services/data/" + part["url"].removeprefix("/services/data/").lstrip("/")
        answer = run_url(call, part["method"], url, part.get("richInput"), {})
        results.append({"statusCode": answer.status, "result": answer.body})
    return Answer(body={"hasErrors": any(each["statusCode"] >= 400 for each in results), "results": results})


def run_url(call: Call, method: str, url: str, body: object, headers: Record) -> Answer:
    """Run the call that a URL names, as the same user; a refusal becomes its answer."""
    target = urlsplit(url)
    parts = [part for part in target.path.removeprefix("/services/data/").split("/") if part]
    try:
        if not target.path.startswith("/services/data/") or not parts:
            raise ApiError("NOT_FOUND")
        return call.dispatch(
            Call(
                call.org,
                call.user_id,
                read_version(parts[0]),
                method.upper(),
                parts[1:],
                dict(parse_qsl(target.query, keep_blank_values=True)),
                {key.lower(): str(value) for key, value in headers.items()},
                lambda: body if body is not None else {},
                call.dispatch,
                call.row_fault,
            )
        )
    except SeveralFoundError as several:
        return Answer(300, several.paths)
    except ApiError as error:
        return Answer(error.status, [error.as_answer()])
