"""query, queryAll, the pages that follow, and the lists of what changed."""

from __future__ import annotations

import itertools
import re
from datetime import timedelta

from .access import View
from .calls import Answer, Call
from .errors import ApiError
from .moments import moment_text, utc_text
from .query import Result, Search
from .rendering import render_row

SMALLEST_PAGE, LARGEST_PAGE = 200, 2000
CURSOR_LIFE = timedelta(days=2)
CURSORS_KEPT = 100


def answer_query(call: Call) -> Answer:
    """GET query?q=…, queryAll?q=… or query/<locator>."""
    call.need("GET")
    if len(call.parts) > 1:
        return Answer(body=next_page(call, call.parts[1]))
    text = call.params.get("q")
    if text is None:
        raise ApiError("MALFORMED_QUERY", message="A query string has to be specified")
    search = Search(call.org, call.user_id, text, deleted=call.parts[0].lower() == "queryall")
    result = search.run()
    if result.is_count:
        return Answer(body={"totalSize": result.total, "done": True, "records": []})
    return Answer(body=show_page(call, search, result, 0, read_page_size(call)))


def read_page_size(call: Call) -> int:
    """Return the rows of a page: the org's, or what the caller wishes within the bounds."""
    match = re.search(r"batchSize\s*=\s*(\d+)", call.headers.get("sforce-query-options", ""))
    if not match:
        return call.org.page_size
    return min(max(int(match[1]), SMALLEST_PAGE), LARGEST_PAGE)


def show_page(
    call: Call, search: Search, result: Result, start: int, size: int, key: str | None = None
) -> dict[str, object]:
    """One page, with the way to the next."""
    rows = result.rows[start : start + size]
    body: dict[str, object] = {"totalSize": result.total, "done": start + size >= result.total}
    if not body["done"]:
        key = key or keep_cursor(call, search, result, size)
        body["nextRecordsUrl"] = f"/services/data/v{call.version}/query/{key}-{start + size}"
    body["records"] = [render_row(search, row, result.columns, call.version) for row in rows]
    return body


def keep_cursor(call: Call, search: Search, result: Result, size: int) -> str:
    """Remember a result for its further pages; returns the locator."""
    cursors = call.org.cursors
    number = call.org.numbers["cursor"] = call.org.numbers.get("cursor", 0) + 1
    key = f"0r8{call.org.instance}{number:013d}"
    cursors[key] = (call.user_id, call.org.now() + CURSOR_LIFE, search, result, size)
    for old in list(itertools.islice(cursors, max(0, len(cursors) - CURSORS_KEPT))):
        del cursors[old]
    return key


def next_page(call: Call, locator: str) -> dict[str, object]:
    """A further page; raises INVALID_QUERY_LOCATOR for another user, an old or an unknown one."""
    key, _, start = locator.rpartition("-")
    found = call.org.cursors.get(key)
    if found is None or not start.isdigit() or found[0] != call.user_id or call.org.now() > found[1]:
        raise ApiError("INVALID_QUERY_LOCATOR")
    _, _, search, result, size = found
    return show_page(call, search, result, int(start), size, key)


def list_changes(call: Call, view: View, kind: str) -> Answer:
    """GET sobjects/X/updated or deleted, between two moments."""
    call.need("GET")
    try:
        start, end = utc_text(call.params["start"]), utc_text(call.params["end"])
    except (KeyError, ValueError):
        raise ApiError("INVALID_REPLICATION_DATE", message="start and end are date-times with offset") from None
    now = call.org.now()
    days = 30 if kind == "updated" else 15
    if start < moment_text(now - timedelta(days=days)) or end <= start:
        raise ApiError("INVALID_REPLICATION_DATE")
    rows = [
        row
        for row in call.org.tables[view.name].modified_since(start)
        if start <= row["SystemModstamp"] < end and bool(row.get("IsDeleted")) == (kind == "deleted")
    ]
    if kind == "updated":
        return Answer(body={"ids": [row["Id"] for row in rows], "latestDateCovered": end})
    return Answer(
        body={
            "deletedRecords": [{"id": row["Id"], "deletedDate": row["SystemModstamp"]} for row in rows],
            "earliestDateAvailable": moment_text(now - timedelta(days=days)),
            "latestDateCovered": end,
        }
    )
