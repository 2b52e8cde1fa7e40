"""HTTPS to one calendar server: TLS verified, only addresses that were allowed, answers and times bounded.

The addresses that were checked are those that are connected to, so that a name cannot change in between (SSRF by
DNS rebinding). Redirects are followed by hand, within the site alone, so the password goes nowhere else.
"""

import logging
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import quote

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection

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

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
CALL_SECONDS = 60.0
ANSWER_BYTES = 16 * 1024 * 1024
MOST_REDIRECTS = 5
LONG_PASSWORD = 8
BLOT = b"[secret]"
LONGEST_RETRY_AFTER = 6 * 3600.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

AddressesOf = Callable[[str, int], Sequence[str]]
"""Host and port → the IP addresses that may be connected to. Raises CalendarError."""

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
        self._lifelines = _Lifelines()
        self._session = requests.Session()
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
        self._adapter = _Adapter(_connection_class(addresses_of, self._lifelines))
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


class _Lifelines:
    """A second handle of the socket of each connection: whatever waits in the first one, this one ends it."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self.are_cut = False

    def add(self, connection: socket.socket) -> None:
        """Of a new connection. Raises Unreachable when all is over."""
        self._sockets.append(connection.dup())
        if self.are_cut:
            connection.close()
            raise Unreachable

    def cut(self) -> None:
        """End all connections, those to come, too."""
        self.are_cut = True
        for each in list(self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the handles back."""
        while self._sockets:
            self._sockets.pop().close()


class _Adapter(HTTPAdapter):
    """Makes connections of one class, and closes them at once: urllib3 would leave it to the garbage collector."""

    def __init__(self, connection_class: type[HTTPSConnection]) -> None:
        self._pool_class = type("_Pool", (urllib3.HTTPSConnectionPool,), {"ConnectionCls": connection_class})
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"https": self._pool_class}

    def get_redirect_target(self, resp: requests.Response) -> None:
        """We look at redirects ourselves."""

    def close(self) -> None:
        for key in self.poolmanager.pools.keys():  # noqa: SIM118 (not a dict)
            self.poolmanager.pools[key].close()
        super().close()


def _connection_class(addresses_of: AddressesOf, lifelines: _Lifelines) -> type[HTTPSConnection]:
    """Connections that go to a checked address and have a lifeline."""

    class Checked(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            made = _connect_to_any(addresses_of(self.host, self.port), self.port)
            lifelines.add(made)
            made.settimeout(READ_SECONDS)
            return made

    return Checked


def _connect_to_any(addresses: Sequence[str], port: int) -> socket.socket:
    for position, address in enumerate(addresses, start=1):
        try:
            return socket.create_connection((address, port), CONNECT_SECONDS)
        except OSError:
            if position == len(addresses):
                raise
    raise OSError("no address")


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
