"""Below the session: the last check before the socket, and what has already gone through it.

The client must know whether a failed request had left: nothing sent means that trying again is free.
Exceptions do not tell (a TLS error can be a bad certificate or a connection cut after the request), so the
connection itself marks the moment.
"""

import threading
import time
from io import BytesIO
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from integrations.salesforce.hosts import HostRule

BODY_SECONDS = 30
"""After its headers an answer has this long to arrive whole: a read time-out alone starts anew at each byte.
"""
MAX_BODY_BYTES = 50_000_000
"""Salesforce's own limit of a body, counted unpacked."""


def read_body(response: requests.Response) -> None:
    """Reads the body whole, within time and size, and leaves it in the response.

    Raises urllib3's exceptions and TimeoutError. The socket's own read time-out holds between any two bytes.
    """
    deadline = time.monotonic() + BODY_SECONDS
    body = bytearray()
    for part in response.raw.stream(65_536, decode_content=True):
        body += part
        if len(body) > MAX_BODY_BYTES or time.monotonic() > deadline:
            response.close()
            raise TimeoutError("answer too long")
    response.raw = BytesIO(bytes(body))


class _Progress(threading.local):
    """Whether the request under way in this thread has begun to leave."""

    sent = False


progress = _Progress()


class _MarkSent:
    """Marks the moment after which Salesforce may have seen something: connected, TLS done, first bytes out.
    """

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        progress.sent = True
        super().send(data)


class _MarkedHTTPConnection(_MarkSent, HTTPConnection):
    pass


class _MarkedHTTPSConnection(_MarkSent, HTTPSConnection):
    pass


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _MarkedHTTPConnection


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _MarkedHTTPSConnection


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
        self.host_rule.check_request(request.url or "")
        return super().send(request, *args, **kwargs)
