"""Records by the value of a look-up field, e.g. sobjects/Contact/Email/<address>."""

from __future__ import annotations

from .access import View
from .calls import Answer, Call
from .errors import ApiError
from .rendering import render_record
from .tables import Record


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
