"""HTTPS to one calendar server: TLS verified, only addresses that were allowed, answers and times bounded.

Redirects are followed by hand, within the site alone, so the password goes nowhere else.
"""

import logging
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import quote

import requests
import urllib3

from integrations.calendar.connections import (
    CONNECT_SECONDS,
    READ_SECONDS,
    AddressesOf,
    CheckedAdapter,
    Lifelines,
)
from integrations.calendar.errors import (
    AnswerTooLarge,
    Busy,
    CalendarError,
    CertificateRefused,
    LoginRefused,
    NoPasswordLogin,
    NotCalendars,
    Unreachable,
)
from integrations.calendar.urls import follow

CALL_SECONDS = 60.0
ANSWER_BYTES = 16 * 1024 * 1024
MOST_REDIRECTS = 5
LONG_PASSWORD = 8
BLOT = b"[secret]"
LONGEST_RETRY_AFTER = 6 * 3600.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

# Their lines hold paths with people's names.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)
logging.getLogger("urllib3.connection").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class LogIn:
    """Who asks. The password is sent by HTTP Basic, inside TLS."""

    user_name: str
    password: str

    def __repr__(self) -> str:
        return "LogIn()"

    def header(self) -> str:
        """The value of Authorization."""
        return f"Basic {self._basic()}"

    def secrets(self) -> tuple[bytes, ...]:
        """What no answer may repeat; a short password could be any word of a calendar."""
        password = (self.password, quote(self.password, safe="")) if len(self.password) >= LONG_PASSWORD else ()
        return tuple(each.encode() for each in dict.fromkeys((self._basic(), *password)))

    def _basic(self) -> str:
        return b64encode(f"{self.user_name}:{self.password}".encode()).decode()


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; `url` is where it came from after redirects."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes


class _Session(requests.Session):
    """Leaves redirects to us: it would read their bodies, however large."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None, whatever the answer says."""


class Web:
    """Not for several threads, but `break_off` may be called from any.

    `call_seconds`: for one request with its redirects, however slowly the answer trickles.
    """

    def __init__(
        self,
        log_in: LogIn,
        addresses_of: AddressesOf,
        ca_bundle: str | None = None,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        self._call_seconds = call_seconds
        self._secrets = log_in.secrets()
        self._lifelines = Lifelines()
        self._session = _Session()
        self._session.verify = ca_bundle or True
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.clear()
        self._session.headers.update(
            {
                "User-Agent": "Touchline",
                "Accept-Encoding": "identity",
                "Authorization": log_in.header(),
                "Content-Type": "application/xml; charset=utf-8",
            }
        )
        self._adapter = CheckedAdapter(addresses_of, self._lifelines)
        self._session.mount("https://", self._adapter)
        self._session.adapters.pop("http://")

    def ask(self, method: str, url: str, body: str, depth: str = "0") -> Answer:
        """One request. Raises CalendarError for everything but an answer that the caller can make sense of: 401, 429
        and 5xx are errors, other statuses are left to the caller.
        """
        timer = threading.Timer(self._call_seconds, self.break_off)
        timer.daemon = True
        timer.start()
        try:
            with _our_errors():
                answer = self._ask(method, url, body, depth)
        finally:
            timer.cancel()
        _refuse_errors(answer)
        return answer

    def _ask(self, method: str, url: str, body: str, depth: str) -> Answer:
        for _ in range(MOST_REDIRECTS + 1):
            answer = self._send(method, url, body, depth)
            target = answer.headers.get("Location", "") if answer.status in _REDIRECTS else ""
            if not target:
                return answer
            if any(secret in target.encode(errors="replace") for secret in self._secrets):
                raise NotCalendars
            url = follow(url, target)
        raise NotCalendars

    def _send(self, method: str, url: str, body: str, depth: str) -> Answer:
        response = self._session.request(
            method,
            url,
            data=body.encode(),
            headers={"Depth": depth},
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            allow_redirects=False,
            stream=True,
        )
        with response:
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise NotCalendars
            content = bytearray()
            for part in response.raw.stream(65_536, decode_content=False):
                content += part
                if len(content) > ANSWER_BYTES:
                    raise AnswerTooLarge
            if self._lifelines.are_cut:
                raise Unreachable
            return Answer(response.status_code, url, response.headers, self._without_secrets(bytes(content)))

    def _without_secrets(self, content: bytes) -> bytes:
        """Names and paths in an answer are kept and shown; the password is not to travel on in one."""
        for secret in self._secrets:
            content = content.replace(secret, BLOT)
        return content

    def break_off(self) -> None:
        """End what is under way at once; nothing can be asked any more."""
        self._lifelines.cut()

    def close(self) -> None:
        """Close the connections."""
        self._adapter.close()
        self._lifelines.close()


@contextmanager
def _our_errors() -> Iterator[None]:
    """The libraries' errors hold URLs with people's names, so ours are raised without them."""
    failure: CalendarError
    try:
        yield
        return
    except CalendarError as error:
        failure = error
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        failure = _from_transport(error)
    except Exception as error:  # a server can bring the libraries to anything
        failure = Unreachable(server_text=type(error).__name__)
    raise failure from None


def _from_transport(error: BaseException) -> CalendarError:
    for each in _chain(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return CertificateRefused(server_text=str(each.verify_message))
        if isinstance(each, ssl.SSLError):
            return Unreachable("No secure connection to the calendar server could be made.", str(each.reason or ""))
    return Unreachable()


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it was made of, wherever the libraries put that."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += [each.__context__, each.__cause__, getattr(each, "reason", None), *each.args]


def _refuse_errors(answer: Answer) -> None:
    status, said = answer.status, f"HTTP status {answer.status}"
    if status == 401:
        ways = answer.headers.get("WWW-Authenticate", "Basic").lower()
        raise LoginRefused if "basic" in ways else NoPasswordLogin
    if status == 429 or (status >= 500 and status not in (501, 507)):
        raise Busy(server_text=said, retry_after=_retry_after(answer.headers.get("Retry-After", "")))


def _retry_after(text: str) -> float | None:
    """Seconds, from a number or a date (RFC 9110 §10.2.3), at most LONGEST_RETRY_AFTER."""
    try:
        seconds = float(text) if text.strip().isdigit() else _until(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def _until(text: str) -> float:
    moment = parsedate_to_datetime(text)
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
