"""Connections of HTTPS to addresses that were allowed, which can be ended from another thread.

The addresses that were checked are those that are connected to, so that a name cannot change in between (SSRF by
DNS rebinding).
"""

import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection

from integrations.calendar.errors import Unreachable

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0

AddressesOf = Callable[[str, int], Sequence[str]]
"""Host and port → the IP addresses that may be connected to. Raises CalendarError."""


class Lifelines:
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


class CheckedAdapter(HTTPAdapter):
    """Makes connections to checked addresses only, each with a lifeline."""

    def __init__(self, addresses_of: AddressesOf, lifelines: Lifelines) -> None:
        connections = {"ConnectionCls": _connection_class(addresses_of, lifelines)}
        self._pool_class = type("_Pool", (urllib3.HTTPSConnectionPool,), connections)
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Once, by the base class."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"https": self._pool_class}

    def close(self) -> None:
        """Close the connections now; urllib3 would leave that to the garbage collector."""
        for key in self.poolmanager.pools.keys():  # noqa: SIM118 (not a dict)
            self.poolmanager.pools[key].close()
        super().close()


def _connection_class(addresses_of: AddressesOf, lifelines: Lifelines) -> type[HTTPSConnection]:
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
