"""An end to waiting: for who opens a connection while somebody waits for a page."""

import socket
import threading
from contextlib import suppress
from types import TracebackType


class Patience:
    """Ends the connections that it watches after so many seconds, however slowly a server goes on talking.

    Time-outs of a socket begin anew with each byte. A context manager; over at its end.
    """

    def __init__(self, seconds: float) -> None:
        self._sockets: list[socket.socket] = []
        self._is_over = False
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> "Patience":
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        while self._sockets:
            self._sockets.pop().close()

    def watch(self, connection: socket.socket) -> None:
        """Watch a new connection, before anything is said. Raises TimeoutError when the time is over already."""
        self._sockets.append(connection.dup())
        if self._is_over:
            connection.close()
            raise TimeoutError("no time is left")

    def _end(self) -> None:
        self._is_over = True
        for each in list(self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
