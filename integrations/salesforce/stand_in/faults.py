"""Faults on order: which calls go wrong, how, and how often."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from .errors import CATALOG, ApiError
from .messages import Request, Response, html_response, json_response, redirect_response
from .soql import parse
from .tables import Record

KINDS = {
    "drop": "the connection breaks before anything is done",
    "process_then_drop": "the work is done, the connection breaks instead of an answer",
    "drop_then_process": "the connection breaks at once, the work is done `seconds` later (or at release())",
    "delay": "the work is done and answered after `seconds`",
    "delay_then_drop": "the work is done after `seconds`, then the connection breaks",
    "html": "an HTML page with `status` instead of an answer, nothing is done",
    "process_then_html": "the work is done, an HTML page with `status` instead of the answer",
    "garbage": "200 with something that is not JSON, nothing is done",
    "process_then_garbage": "the work is done, 200 with something that is not JSON",
    "empty": "`status` without a body, nothing is done",
    "api_error": "the call is refused with the error `code`, nothing is done",
    "bare_error": "as api_error, but the error stands alone instead of in a list",
    "xml": "401 with XML, as for a token that the edge does not know",
    "row_error": "`rows` records of each call are refused with the error `code`, the others are written",
    "oauth_error": "the token, revoke or authorize endpoint answers `code` with `message`",
    "redirect": "302 to `location`, nothing is done",
}
PAGE = (
    "<html><head><title>{status}</title></head><body><h1>{status} {text}</h1><p>The server is busy.</p></body></html>"
)
XML = (
    b"<response><faultcode>LOGIN_OAUTH_INVALID_TOKEN(db=1703,api=LOGIN_OAUTH_INVALID_TOKEN)</faultcode>"
    b"<error>Failed: Invalid Token</error></response>"
)
HTML_TEXTS = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}


@dataclass(slots=True)
class Fault:
    """What goes wrong, and for which calls. Everything that is None matches every call.

    method, path (a regular expression, searched in the path), object (an object's name; at the token endpoint the
    grant type), user (the caller's e-mail), holding (a text in the body) say which calls; `skip` of those go well
    first, then `times` (None: all) go wrong. `status`, `code`, `message`, `fields`, `rows`, `seconds`, `location`
    belong to the kinds.
    """

    kind: str
    method: str | None = None
    path: str | None = None
    object: str | None = None
    user: str | None = None
    holding: str | None = None
    skip: int = 0
    times: int | None = 1
    seconds: float | None = None
    status: int | None = None
    code: str = ""
    message: str | None = None
    fields: tuple[str, ...] | None = None
    rows: int = 1
    location: str = "https://example.org/"
    title: str = ""
    number: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind {self.kind!r}; there are: {', '.join(KINDS)}")
        if self.fields is not None:
            self.fields = tuple(self.fields)

    def error(self) -> ApiError:
        """The error of kinds "api_error" and "row_error"."""
        return ApiError(self.code, message=self.message, fields=self.fields, status=self.status)

    def answer(self) -> Response:
        """The answer of the kinds that answer by themselves."""
        status = self.status or 503
        if self.kind.endswith("html"):
            return html_response(PAGE.format(status=status, text=HTML_TEXTS.get(status, "Error")), status)
        if self.kind.endswith("garbage"):
            return Response(200, b'{"totalSize":1,"rec\x00\xff<!--', {"Content-Type": "application/json"})
        if self.kind == "xml":
            return Response(401, XML, {"Content-Type": "text/html; charset=UTF-8", "Sfdc-OAuth-Error": "1703"})
        if self.kind == "empty":
            return Response(status)
        if self.kind == "redirect":
            return redirect_response(self.location)
        if self.kind == "oauth_error":
            body = {"error": self.code, "error_description": self.message or ""}
            return json_response(body, self.status or 400)
        error = self.error()
        body = error.as_answer()
        return json_response(body if self.kind == "bare_error" else [body], error.status)


class RowFault:
    """The refusals still to be given to the records of one call."""

    def __init__(self, fault: Fault) -> None:
        self.fault, self.left = fault, fault.rows

    def take(self, record: Record | None = None) -> ApiError | None:
        """Return the error for this record, or None where it goes well."""
        if self.left <= 0:
            return None
        self.left -= 1
        if self.fault.code != "UNABLE_TO_LOCK_ROW" or self.fault.message:
            return self.fault.error()
        held = next((record[key] for key in ("WhatId", "WhoId", "Id") if record and record.get(key)), "")
        return ApiError("UNABLE_TO_LOCK_ROW", held, fields=())


class Faults:
    """The faults that are waiting, in the order in which they were added."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting: list[Fault] = []
        self.numbers = itertools.count(1)
        self.taken: list[Fault] = []
        self.release_event = threading.Event()
        self.is_abandoned = False

    def add(self, fault: Fault) -> Fault:
        """Order a fault; returns it with its number."""
        with self.lock:
            fault.number = next(self.numbers)
            self.waiting.append(fault)
        return fault

    def clear(self, number: int | None = None) -> None:
        """Cancel one fault, or all."""
        with self.lock:
            self.waiting = [each for each in self.waiting if number not in (None, each.number)]

    def release(self) -> None:
        """Let the late work of "drop_then_process" faults happen now."""
        released, self.release_event = self.release_event, threading.Event()
        released.set()

    def abandon(self) -> None:
        """Let late work never happen."""
        self.is_abandoned = True
        self.release()

    def take(self, request: Request, user: str | None) -> Fault | None:
        """Return the fault that this call meets, and count it."""
        if not self.waiting:
            return None
        with self.lock:
            for fault in self.waiting:
                if not matches(fault, request, user):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.waiting.remove(fault)
                self.taken.append(fault)
                return fault
        return None

    def list(self) -> list[dict[str, object]]:
        """The waiting faults, for pages and the control address."""
        with self.lock:
            return [{key: value for key, value in asdict(each).items() if value is not None} for each in self.waiting]


def matches(fault: Fault, request: Request, user: str | None) -> bool:
    """Whether a fault is meant for this call."""
    if fault.method and fault.method.upper() != request.method:
        return False
    if fault.path and not re.search(fault.path, request.path):
        return False
    if fault.user and (user or "").lower() != fault.user.lower():
        return False
    if fault.holding and fault.holding.encode() not in request.plain_body():
        return False
    return not fault.object or fault.object.lower() in {each.lower() for each in names_in(request)}


def names_in(request: Request) -> set[str]:
    """Return the objects that a call is about; at the token endpoint the grant type."""
    if request.path.endswith("/token"):
        return {request.form().get("grant_type", "")}
    try:
        body = json.loads(request.plain_body()) if request.body else None
    except (ValueError, ApiError):
        body = None
    return set(names_of_call(request.path, request.query, body))


def names_of_call(path: str, query: dict[str, str], body: object) -> Iterator[str]:
    """Yield the objects in a call's path, query and body, and in those of its parts."""
    found = re.search(r"/sobjects/([A-Za-z_]\w*)", path)
    if found:
        yield found[1]
    if "q" in query:
        with contextlib.suppress(ApiError):
            yield str(parse(query["q"]).object)
    if not isinstance(body, dict):
        return
    for record in body.get("records") or ():
        yield str((record.get("attributes") or {}).get("type", ""))
    for part in body.get("compositeRequest") or body.get("batchRequests") or ():
        url = urlsplit(part.get("url", ""))
        yield from names_of_call(unquote(url.path), dict(parse_qsl(url.query)), part.get("body"))


def known_codes() -> list[str]:
    """The error codes that a fault can give, for the pages."""
    return sorted(CATALOG)
