"""What Salesforce says went wrong, out of the shapes in which it says it.

1. a list of `{"message", "errorCode", "fields"?}`: most REST calls
2. the same with `statusCode` instead of `errorCode`: a row's `errors` in collections
3. one such object alone: some newer endpoints
4. a list of strings: status 300, the records that match
5. XML, HTML, a bare word or nothing: the edge, an old login service
6. `{"error", "error_description"}`: the OAuth endpoints
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from integrations.salesforce.error_classes import Duplicates

_XML_FAULT_CODE = re.compile(r"<(?:\w+:)?faultcode>\s*(?:\w+:)?([A-Za-z_]{3,80})")
_BARE_WORD = re.compile(r"[A-Za-z]+(?:_[A-Za-z]+)+\Z")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of an answer. `source` says by which half of the error table its code is read.

    `duplicates`: what a duplicate rule found; single records say so, the rows of collections do not.
    """

    code: str
    message: str = field(default="", repr=False)
    fields: tuple[str, ...] = ()
    source: str = "api"
    duplicates: Duplicates | None = None


def parse_faults(status: int, content: bytes) -> list[Fault]:
    """The faults in the body of an answer other than 2xx; at least one, `HTTP_<status>` when the body names
    none.
    """
    text = content.decode("utf-8", "replace")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return [_fault_in_text(text) or Fault(f"HTTP_{status}")]
    return faults_in(body) or [Fault(f"HTTP_{status}")]


def faults_in(body: Any) -> list[Fault]:
    """The faults in a parsed body or in a row's `errors`; empty when it holds none."""
    items = body if isinstance(body, list) else [body]
    return [fault for item in items if (fault := _fault_in_object(item))]


def _fault_in_object(item: Any) -> Fault | None:
    if not isinstance(item, dict):
        return None
    if isinstance(item.get("error"), str):
        return Fault(item["error"], _text(item.get("error_description")), source="oauth")
    code = item.get("errorCode") or item.get("statusCode")
    if not isinstance(code, str):
        return None
    fields = item.get("fields")
    names = tuple(name for name in fields if isinstance(name, str)) if isinstance(fields, list) else ()
    return Fault(code, _text(item.get("message")), names, duplicates=_duplicates_in(item))


def _duplicates_in(item: dict[str, Any]) -> Duplicates | None:
    """The ids that stand in the fault's `duplicateResut`: Salesforce's own spelling, the right one is taken too."""
    found = item.get("duplicateResut") or item.get("duplicateResult")
    if not isinstance(found, dict):
        return None
    records = [
        record.get("record")
        for result in _dicts(found.get("matchResults"))
        for record in _dicts(result.get("matchRecords"))
    ]
    ids = dict.fromkeys(record["Id"] for record in _dicts(records) if isinstance(record.get("Id"), str))
    return Duplicates(tuple(ids), found.get("allowSave") is True)


def _dicts(items: Any) -> list[dict[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _fault_in_text(text: str) -> Fault | None:
    if match := _XML_FAULT_CODE.search(text):
        return Fault(match[1], text[:1_000])
    if len(text) <= 80 and _BARE_WORD.match(text.strip()):
        return Fault(text.strip())
    return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
