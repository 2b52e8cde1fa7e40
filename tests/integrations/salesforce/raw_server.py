"""A server that answers with exactly the bytes a test gives it, and keeps every byte that it received.

Salesforce's stand-in answers well-formed; what a broken edge or a trap does is played here.
"""

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self

TLS_HANDSHAKE = b"\x16"

Step = bytes | float | str | Callable[[bytes], bytes]
"""bytes: send them; number: wait so many seconds; "reset": break the connection; function: send what it makes of the
request."""


class RawServer:
    """Answers the n-th request with the n-th script (the last one again and again), over HTTP or TLS."""

    def __init__(self, *scripts: Sequence[Step], read_first: bool = True, pem: str | None = None) -> None:
        self.scripts = scripts or ([b""],)
        self.read_first = read_first
        self.received: list[bytes] = []
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if pem else None
        if self.tls:
            self.tls.load_cert_chain(pem)
        self.threads: list[threading.Thread] = []
        self.closing = threading.Event()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}"

    @property
    def bytes_received(self) -> int:
        return sum(len(data) for data in self.received)

    def __enter__(self) -> Self:
        thread = threading.Thread(target=self._accept, daemon=True)
        thread.start()
        self.threads.append(thread)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for a connection
        self.listener.close()
        for thread in self.threads:
            thread.join(timeout=5)

    def _accept(self) -> None:
        while not self.closing.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            thread.start()
            self.threads.append(thread)

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        try:
            with connection if self.tls is None else self.tls.wrap_socket(connection, server_side=True) as stream:
                while not self.closing.is_set():
                    request = read_request(stream) if self.read_first else b""
                    if self.read_first and not request:
                        return
                    number = len(self.received)
                    self.received.append(request)
                    for step in self.scripts[min(number, len(self.scripts) - 1)]:
                        if not self._take(step(request) if callable(step) else step, stream):
                            return
        except OSError:
            return  # the other side went away, or had no part in our TLS

    def _take(self, step: Step, stream: socket.socket) -> bool:
        if isinstance(step, bytes):
            stream.sendall(step)
        elif isinstance(step, (int, float)):
            self.closing.wait(step)
        elif step == "reset":
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        else:
            return False
        return True


def read_request(stream: socket.socket) -> bytes:
    """One whole request by its Content-Length, or what came of it; empty when the other side closes."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = stream.recv(65_536)
        data += part
        if not part or data.startswith(TLS_HANDSHAKE):
            return data
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    length = int(lengths[0].split(b":")[1]) if lengths else 0
    while len(body) < length:
        part = stream.recv(65_536)
        if not part:
            break
        body += part
    return head + b"\r\n\r\n" + body


def answer(status: int, body: bytes | str = b"", headers: str = "", *, reason: str = "X") -> bytes:
    """An HTTP/1.1 answer; `headers` are whole lines, each with its line end."""
    content = body.encode() if isinstance(body, str) else body
    return (
        f"HTTP/1.1 {status} {reason}\r\nContent-Length: {len(content)}\r\n{headers}\r\n".encode("latin-1") + content
    )


def free_port() -> int:
    """A port of the loopback address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextlib.contextmanager
def elapsed() -> Iterator[Callable[[], float]]:
    """The seconds since the block began."""
    start = time.monotonic()
    yield lambda: time.monotonic() - start
