"""The one way to Salesforce: a `requests.Session` that refuses what must not happen, and reads what comes
back.

Everything goes through `SalesforceSession.request`: our own `send` (sign-in) and simple-salesforce (data),
which gets this session and so has no way around it. It adds what that library lacks: time-outs, the host
rule, no redirects, no cookies, usage and request id from every answer, and errors of our own tree without URL
or body in their text. An answer other than 2xx never leaves it as an answer.

A session belongs to one thread at a time. Proxies, `.netrc` and certificate settings of the environment are
ignored.
"""

import json as json_module
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3

from integrations.salesforce.answers import parse_faults
from integrations.salesforce.echoes import blot_out_echoes
from integrations.salesforce.errors import (
    OurMistake,
    OutcomeUnknown,
    RolledBack,
    SalesforceError,
    Transient,
    UnexpectedAnswer,
    error_from,
)
from integrations.salesforce.hosts import HostRule
from integrations.salesforce.transport import CallLimits, CheckedAdapter, progress, read_body

VERSION = "0.1.0"

logger = logging.getLogger(__name__)
# Its DEBUG lines hold whole URLs, and those the addresses that a query asks for.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


@dataclass(frozen=True, slots=True)
class Usage:
    """API calls of the org in the last 24 hours, all apps together, and its allowance."""

    used: int
    maximum: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx answer. `body` is parsed JSON, None when empty; it may hold tokens. `date` is Salesforce's clock, UTC."""

    status: int
    body: Any = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    request_id: str | None
    date: datetime | None


class SalesforceSession(requests.Session):
    """See the module. Made by `open_session`."""

    def __init__(
        self,
        host_rule: HostRule,
        *,
        ca_bundle: str | None,
        on_usage: Callable[[Usage], None] | None,
        limits: CallLimits,
    ) -> None:
        super().__init__()
        self.host_rule = host_rule
        self.limits = limits
        self.on_usage = on_usage
        self.server_date: datetime | None = None
        """Salesforce's clock at the last answer, UTC."""
        self.request_id: str | None = None
        """Salesforce's name for the last answer, which its support asks for."""
        self.write_seconds = limits.write_seconds
        """How long a write waits for its answer; shorter where a lease must outlast the call."""
        self.verify = ca_bundle or True
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.headers.update(
            {
                "User-Agent": f"Touchline/{VERSION}",
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "Sforce-Call-Options": "client=Touchline",
            }
        )
        adapter = CheckedAdapter(host_rule)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def request(self, method: str, url: str, *, write: bool | None = None, **kwargs: Any) -> requests.Response:
        """One call; the answer is complete, its status 2xx, its body empty or begun like JSON.

        `write` (by default everything but GET) says that the call changes something: it gets the longer
        time-out, and where its end stays unknown the error is OutcomeUnknown. Raises SalesforceError.
        """
        self.host_rule.check_request(url)
        write = method != "GET" if write is None else write
        seconds = self.write_seconds if write else self.limits.read_seconds
        kwargs |= {"timeout": (self.limits.connect_seconds, seconds), "allow_redirects": False, "stream": True}
        deadline = time.monotonic() + self.limits.connect_seconds + seconds
        response, failure = None, None
        progress.begin()
        self.request_id = None
        try:
            response = super().request(method, url, **kwargs)
            read_body(response, deadline=deadline, max_bytes=self.limits.body_bytes)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            failure = transport_error(error, sent=progress.sent, write=write)
        # Raised outside the handler, so that the library's exception (URL, body) does not hang on ours as
        # context.
        if failure is not None:
            raise failure
        self._note(response)
        if not 200 <= response.status_code < 300:
            raise answer_error(response, write=write)
        if response.content.lstrip()[:1] not in (b"{", b"[", b""):
            raise unreadable_answer(write=write, request_id=self.request_id)
        return response

    def get_redirect_target(self, resp: requests.Response) -> None:
        """No answer sends us elsewhere; without this, requests would parse the address of a 3xx all the same."""

    def _note(self, response: requests.Response) -> None:
        """Keeps the server's clock and the request's id, and reports the usage, of errors too."""
        self.server_date = parse_date(response.headers.get("Date"))
        self.request_id = read_request_id(response)
        usage = parse_usage(response.headers.get("Sforce-Limit-Info", ""))
        if usage is None or self.on_usage is None:
            return
        try:
            self.on_usage(usage)
        except Exception:
            # A write has just succeeded or failed for a known reason; a fault in counting must not hide that.
            logger.exception("counting API usage failed")


def open_session(
    host_rule: HostRule,
    *,
    ca_bundle: str | None = None,
    on_usage: Callable[[Usage], None] | None = None,
    limits: CallLimits = CallLimits(),  # noqa: B008 (frozen)
) -> SalesforceSession:
    """A session for calls to the hosts of `host_rule`; close it (or use it in `with`) to close its
    connections.

    `ca_bundle` is the path of a CA file that replaces the public ones. `on_usage` is called with the usage of
    every answer that names it, errors included.
    """
    return SalesforceSession(host_rule, ca_bundle=ca_bundle, on_usage=on_usage, limits=limits)


def send(
    session: SalesforceSession,
    method: str,
    url: str,
    *,
    token: str | None = None,
    json: Any = None,
    data: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    write: bool = False,
) -> Answer:
    """One call to an absolute URL; `token` becomes the Bearer header. Raises SalesforceError.

    A 2xx whose body is not JSON is OutcomeUnknown for a write, UnexpectedAnswer otherwise.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else None
    response = session.request(method, url, headers=headers, json=json, data=data, params=params, write=write)
    return Answer(
        status=response.status_code,
        body=parse_body(response, write=write),
        headers=response.headers,
        request_id=read_request_id(response),
        date=parse_date(response.headers.get("Date")),
    )


def parse_body(response: requests.Response, *, write: bool) -> Any:
    """The JSON of a 2xx answer, None when it is empty; raises OutcomeUnknown (write) or UnexpectedAnswer."""
    if not response.content:
        return None
    try:
        return json_module.loads(response.content)
    except (ValueError, RecursionError):
        pass
    raise unreadable_answer(write=write, request_id=read_request_id(response))


def unreadable_answer(*, write: bool, request_id: str | None = None) -> SalesforceError:
    """The error for a 2xx answer that does not say what happened."""
    error = OutcomeUnknown if write else UnexpectedAnswer
    return error("unreadable_answer", request_id=request_id)


def transport_error(error: Exception, *, sent: bool, write: bool) -> SalesforceError:
    """The error for a failure below HTTP: an exception of requests, urllib3 or the socket.

    `sent` says whether bytes of the request had left. Requests that could not even be formed are our mistake.
    """
    code = type(error).__name__
    if not sent and isinstance(error, (ValueError, requests.exceptions.InvalidJSONError)):
        return OurMistake(code)
    return OutcomeUnknown(code) if sent and write else Transient(code)


def answer_error(response: requests.Response, *, write: bool) -> SalesforceError:
    """The error for an answer other than 2xx: that of the first fault which is a cause, not a consequence."""
    status = response.status_code
    request_id = read_request_id(response)
    faults = parse_faults(status, response.content)
    errors = [
        error_from(
            fault.code,
            fault.message,
            fault.fields,
            http_status=status,
            request_id=request_id,
            source=fault.source,
            write=write,
            duplicates=fault.duplicates,
        )
        for fault in faults
    ]
    return next((error for error in errors if not isinstance(error, RolledBack)), errors[0])


def read_request_id(response: requests.Response) -> str | None:
    """Salesforce's name for the call; None when the answer has none. It is logged, so it repeats no secret."""
    text = response.headers.get("x-sfdc-request-id")
    if text is None:
        return None
    return blot_out_echoes(text.encode(), response.request, is_token_answer=False).decode()


def parse_usage(header: str) -> Usage | None:
    """`api-usage=123/15000; per-app-api-usage=…` to a Usage; None when it does not say."""
    match = re.search(r"(?<![\w-])api-usage=(\d+)/(\d+)", header)
    return Usage(int(match[1]), int(match[2])) if match else None


def parse_date(header: str | None) -> datetime | None:
    """A Date header (RFC 9110) in UTC; None when absent or unreadable."""
    try:
        return parsedate_to_datetime(header).astimezone(UTC) if header else None
    except ValueError:
        return None
