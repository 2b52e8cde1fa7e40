"""The REST data API: one call of one user, sent to what answers it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import unquote

from . import composite, queries
from .access import View
from .calls import Answer, Call
from .describe import describe_brief, describe_fully, etag_of
from .duplicates import may_save_duplicates
from .errors import ApiError
from .external_ids import answer_external
from .ids import id18
from .rendering import render_record


def kind_of(parts: list[str]) -> str:
    """Name a call's kind for the counters: "query", "composite/sobjects", "sobjects/describe" …"""
    head = parts[0].lower() if parts else "resources"
    if head == "composite":
        return "/".join([head, *(part.lower() for part in parts[1:2])])
    if head == "sobjects" and len(parts) > 2:
        return "sobjects/describe" if parts[2].lower() == "describe" else "sobjects/row"
    return head


def dispatch(call: Call) -> Answer:
    """Answer a call; raises ApiError."""
    head = call.parts[0].lower() if call.parts else ""
    handler = HANDLERS.get(head)
    if handler is None:
        raise ApiError("NOT_FOUND")
    return handler(call)


def list_resources(call: Call) -> Answer:
    """The resources of a version."""
    call.need("GET")
    base = f"/services/data/v{call.version}"
    return Answer(body={name: f"{base}/{name}" for name in ("composite", "limits", "query", "queryAll", "sobjects")})


def show_limits(call: Call) -> Answer:
    """The org's limits, which need View Setup; or the number of records of some objects."""
    call.need("GET")
    org = call.org
    if [part.lower() for part in call.parts[1:]] == ["recordcount"]:
        return count_records(call)
    if "ViewSetup" not in org.profiles[call.user_id].permissions:
        raise ApiError("INSUFFICIENT_ACCESS", status=403)
    used, maximum = org.usage.used, org.usage.maximum
    return Answer(
        body={
            "DailyApiRequests": {"Max": maximum, "Remaining": max(0, maximum - used)},
            "DataStorageMB": {"Max": 10240, "Remaining": 10000},
            "FileStorageMB": {"Max": 10240, "Remaining": 10240},
        }
    )


def count_records(call: Call) -> Answer:
    """GET limits/recordCount?sObjects=A,B: objects without records are left out."""
    names = [name for name in call.params.get("sObjects", "").split(",") if call.org.view(call.user_id, name)]
    counts = [{"count": len(call.org.rows(name)), "name": name} for name in names]
    return Answer(body={"sObjects": [each for each in counts if each["count"]]})


def answer_objects(call: Call) -> Answer:
    """Everything under sobjects/."""
    parts = call.parts
    if len(parts) == 1:
        call.need("GET")
        return conditional(call, list_objects(call))
    view = call.view(parts[1])
    if len(parts) == 2:
        return create_record(call, view) if call.method == "POST" else show_object(call, view)
    if len(parts) == 3 and parts[2].lower() == "describe":
        call.need("GET")
        return conditional(call, describe_fully(view, call.version))
    if len(parts) == 3 and parts[2].lower() in ("updated", "deleted"):
        return queries.list_changes(call, view, parts[2].lower())
    if len(parts) == 3:
        return answer_record(call, view, unquote(parts[2]))
    if len(parts) == 4:
        return answer_external(call, view, parts[2], unquote(parts[3]))
    raise ApiError("NOT_FOUND")


def list_objects(call: Call) -> dict[str, object]:
    """All objects that the user may see."""
    views = [call.org.view(call.user_id, name) for name in call.org.objects]
    found = [describe_brief(view, call.version) for view in views if view]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": found}


def show_object(call: Call, view: View) -> Answer:
    """An object in brief."""
    call.need("GET", "POST")
    return Answer(body={"objectDescribe": describe_brief(view, call.version), "recentItems": []})


def conditional(call: Call, body: object) -> Answer:
    """An answer with its ETag, or 304 where the caller has it already."""
    tag, changed = etag_of(body), call.org.schema_changed
    headers = {"ETag": tag, "Last-Modified": format_datetime(changed, usegmt=True)}
    since = read_date(call.headers.get("if-modified-since", ""))
    is_known = call.headers.get("if-none-match") == tag or (since is not None and since >= changed)
    return Answer(304, None, headers) if is_known else Answer(body=body, headers=headers)


def read_date(text: str) -> datetime | None:
    """Return the moment of an HTTP date, or None."""
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None


def create_record(call: Call, view: View) -> Answer:
    """POST sobjects/X."""
    if call.row_fault and (error := call.row_fault.take()):
        raise error
    record_id = call.org.create(call.user_id, view, call.record(), **save_options(call))
    location = f"/services/data/v{call.version}/sobjects/{view.name}/{record_id}"
    return Answer(201, {"id": record_id, "success": True, "errors": []}, {"Location": location})


def save_options(call: Call) -> dict[str, bool]:
    """What the headers of a call say of duplicates and of the assignment of leads (which is on unless refused)."""
    return {
        "may_save_duplicates": may_save_duplicates(call.headers, call.version),
        "assigns_leads": call.headers.get("sforce-auto-assign", "TRUE").upper() != "FALSE",
    }


def answer_record(call: Call, view: View, text: str) -> Answer:
    """GET, PATCH or DELETE of one record."""
    call.need("GET", "PATCH", "DELETE")
    record_id = id18(text)
    if record_id is None or not record_id.startswith(view.object.prefix):
        message = f"Provided external ID field does not exist or is not accessible: {text}"
        raise ApiError("NOT_FOUND", message=message)
    if call.method == "GET":
        return Answer(body=read_record(call, view, record_id))
    if call.row_fault and (error := call.row_fault.take()):
        raise error
    if call.method == "PATCH":
        call.org.update(call.user_id, view, record_id, call.record())
    else:
        call.org.delete(call.user_id, view, record_id)
    return Answer(204)


def read_record(call: Call, view: View, record_id: str) -> dict[str, object]:
    """One record, whole or the fields that are asked for."""
    row = call.org.find_row(call.user_id, view, record_id)
    wanted = call.params.get("fields")
    if not wanted:
        return render_record(view, row, call.version)
    fields = [view.object.find_field(name.strip()) for name in wanted.split(",")]
    if None in fields:
        missing = wanted.split(",")[fields.index(None)].strip()
        raise ApiError("INVALID_FIELD", missing, view.name)
    names = list(dict.fromkeys(["Id", *(each.name for each in fields if each)]))
    return render_record(view, row, call.version, names)


HANDLERS: dict[str, Callable[[Call], Answer]] = {
    "": list_resources,
    "limits": show_limits,
    "sobjects": answer_objects,
    "query": queries.answer_query,
    "queryall": queries.answer_query,
    "composite": composite.answer_composite,
}
