"""Below the session: the last check before the socket, and what has already gone through it.

The client must know whether a failed request had left: nothing sent means that trying again is free.
Exceptions do not tell (a TLS error can be a bad certificate or a connection cut after the request), so the
connection itself marks the moment.
"""

import threading
import time
import zlib
from dataclasses import dataclass
from io import BytesIO
from socket import socket
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from integrations.mailbox.hosts import is_public
from integrations.salesforce.echoes import blot_out_echoes
from integrations.salesforce.error_classes import TOUCHLINE_ADMIN, Remedy, Transient
from integrations.salesforce.hosts import HostRule

PRIVATE_ADDRESS = "On this server Salesforce's name leads into a private network, so Touchline sent nothing there."
DNS = "the server's DNS, or SALESFORCE_EXTRA_HOSTS"


@dataclass(frozen=True, slots=True)
class CallLimits:
    """How long one call may take, in seconds, and how large its answer may be.

    An answer must be whole within `connect_seconds` plus `read_seconds` (or `write_seconds`) of the call's
    begin, however slowly it trickles. `body_bytes` is counted unpacked (50 MB is Salesforce's own limit of a
    body).
    """

    connect_seconds: float = 10
    read_seconds: float = 30
    write_seconds: float = 120
    body_bytes: int = 50_000_000


def read_body(response: requests.Response, *, deadline: float, max_bytes: int) -> None:
    """Reads and unpacks the body and leaves it in the response, without the secrets that it repeats.

    `deadline` is in time.monotonic's seconds. Raises what the socket and urllib3 raise, TimeoutError at the deadline,
    ValueError for a body that is too large or does not unpack.
    """
    body = bytearray()
    while True:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            response.close()
            raise TimeoutError("answer too slow")
        if progress.stream is not None:
            progress.stream.settimeout(remaining)
        part = response.raw.read1(65_536, decode_content=False)
        if not part:
            break
        body += part
        if len(body) > max_bytes:
            response.close()
            raise ValueError("answer too large")
    is_packed = response.headers.get("Content-Encoding", "").lower() == "gzip"
    content = _unpack(body, max_bytes) if is_packed else bytes(body)
    response.raw = BytesIO(blot_out_echoes(content, response.request, is_token_answer=response.status_code < 300))


def _unpack(packed: bytearray, max_bytes: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)  # 31: with gzip's own head
    try:
        body = unpacker.decompress(packed, max_bytes)
    except zlib.error:
        raise ValueError("answer does not unpack") from None
    if not unpacker.eof:
        raise ValueError("answer does not unpack, or is too large")
    return body


class _Progress(threading.local):
    """The request under way in this thread: whether it has begun to leave, through which socket, and to whom."""

    sent = False
    stream: socket | None = None
    may_be_private = False

    def begin(self) -> None:
        """A new request."""
        self.sent, self.stream = False, None


progress = _Progress()


class _CheckedConnection:
    """Leaves private networks, and marks when Salesforce may have seen something: TLS done, first bytes out."""

    def _new_conn(self) -> socket:
        """urllib3's own, which connects; judged is the address that it reached, not one that the name had before.

        Raises Transient: nothing has left, and what is wrong is this server's DNS, perhaps only today.
        """
        stream = super()._new_conn()
        if not (progress.may_be_private or is_public(stream.getpeername()[0])):
            stream.close()
            raise Transient("private_address", user_message=PRIVATE_ADDRESS, remedy=Remedy(TOUCHLINE_ADMIN, DNS))
        return stream

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        progress.sent, progress.stream = True, self.sock
        super().send(data)


class _HTTPConnection(_CheckedConnection, HTTPConnection):
    pass


class _HTTPSConnection(_CheckedConnection, HTTPSConnection):
    pass


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class CheckedAdapter(HTTPAdapter):
    """The last place before the socket: every request passes the host rule here, whoever made it."""

    def __init__(self, host_rule: HostRule) -> None:
        self.host_rule = host_rule
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Raises HostNotAllowed before any connection is made."""
        base = self.host_rule.check_request(request.url or "")
        progress.may_be_private = self.host_rule.is_extra(base)
        return super().send(request, *args, **kwargs)

    def close(self) -> None:
        """Closes the connections now; urllib3 would leave that to the garbage collector."""
        for key in self.poolmanager.pools.keys():  # noqa: SIM118 (not a dict)
            self.poolmanager.pools[key].close()
        super().close()
