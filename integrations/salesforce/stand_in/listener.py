"""One port: HTTP/1.1 with kept connections, plain or TLS, a thread for each connection."""

from __future__ import annotations

import contextlib
import gzip
import secrets
import socket
import ssl
import struct
import threading
import traceback
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from .messages import Request, Response, html_response

if TYPE_CHECKING:
    from .org import Org
    from .server import StandIn

LONGEST_TARGET = 16_384
LARGEST_BODY = 50 * 1024 * 1024
GZIP_FROM = 1024
SILENCE_SECONDS = 300


class DropConnection(Exception):
    """Break the connection without an answer."""


class Listener:
    """A listening port of the stand-in: a log-in host, or the data host of one org."""

    def __init__(
        self,
        stand_in: StandIn,
        host: str,
        port: int,
        *,
        pem: Path | None = None,
        org_number: int | None = None,
        login_sandbox: bool | None = None,
    ) -> None:
        self.stand_in = stand_in
        self.org_number = org_number
        self.is_login = login_sandbox is not None
        self.is_sandbox = bool(login_sandbox)
        self.answers_with, self.moved_to = 404, ""
        try:
            self.server = Server((host, port), self, make_tls(pem) if pem else None)
        except OSError as error:
            raise OSError(error.errno, f"port {port}: {error.strerror}") from error
        self.port: int = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    @property
    def org(self) -> Org | None:
        """The org whose data host this is; None for log-in hosts and for hosts that an org has left."""
        orgs = self.stand_in.orgs
        return orgs[self.org_number] if self.org_number is not None and self.org_number < len(orgs) else None

    @property
    def kind(self) -> str:
        """Which log-in host this is: "production", "sandbox", or an org's own, "my_domain"."""
        if not self.is_login:
            return "my_domain"
        return "sandbox" if self.is_sandbox else "production"

    def with_limit(self, response: Response) -> Response:
        """Add the org's API usage and its time to an answer."""
        if self.org is not None:
            response.headers["Date"] = format_datetime(self.org.now(), usegmt=True)
            response.headers["Sforce-Limit-Info"] = self.org.usage.as_header()
        return response

    def stop(self) -> None:
        """Close the port and its connections."""
        self.server.shutdown()
        self.server.close_connections()
        self.server.server_close()
        self.thread.join(timeout=5)


def make_tls(pem: Path) -> ssl.SSLContext:
    """The TLS settings of a data host."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pem)
    return context


class Server(ThreadingHTTPServer):
    """The socket server of a listener; it knows its open connections."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], listener: Listener, tls: ssl.SSLContext | None) -> None:
        self.listener, self.tls = listener, tls
        self.connections: set[socket.socket] = set()
        self.connections_lock = threading.Lock()
        self.handlers: set[threading.Thread] = set()
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        """Bind without asking for the host's name, which may be slow."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def finish_request(self, request: socket.socket, client_address: object) -> None:
        """Shake hands (in the connection's own thread) and serve the connection."""
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request.settimeout(SILENCE_SECONDS)
        connection = request
        if self.tls is not None:
            try:
                connection = self.tls.wrap_socket(request, server_side=True)
            except OSError:
                return
        with self.connections_lock:
            self.connections.add(connection)
            self.handlers.add(threading.current_thread())
        try:
            Handler(connection, client_address, self)
        except OSError:
            pass
        finally:
            with self.connections_lock:
                self.connections.discard(connection)
                self.handlers.discard(threading.current_thread())
            connection.close()

    def close_connections(self) -> None:
        """Break every open connection and wait for their threads."""
        with self.connections_lock:
            connections, handlers = list(self.connections), list(self.handlers)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in handlers:
            thread.join(timeout=5)

    def handle_error(self, request: object, client_address: object) -> None:
        """Broken connections are what this server is for."""


class Handler(BaseHTTPRequestHandler):
    """Reads requests of one connection and sends their answers."""

    protocol_version = "HTTP/1.1"
    server: Server

    def answer(self) -> None:
        """Answer the request that was just read, or break the connection."""
        response = self._refuse_early()
        if response is None:
            request = Request(
                self.command,
                self.path,
                {key.lower(): value for key, value in self.headers.items()},
                self._read_body(),
            )
            try:
                response = self.server.listener.stand_in.answer(request, self.server.listener)
            except DropConnection:
                self._break()
                return
            except Exception:
                traceback.print_exc()  # a fault of the stand-in itself, or of a rule that a test gave it
                response = html_response("<h1>The stand-in failed</h1>", 500)
        self._send(response)

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = do_HEAD = answer

    def _refuse_early(self) -> Response | None:
        if len(self.path) > LONGEST_TARGET:
            self.close_connection = True
            return Response(414, b"")
        if sum(len(key) + len(value) for key, value in self.headers.items()) + len(self.path) > 2 * LONGEST_TARGET:
            self.close_connection = True
            return Response(431, b"")
        if int(self.headers.get("Content-Length") or 0) > LARGEST_BODY:
            self.close_connection = True
            return Response(413, b"")
        return None

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _send(self, response: Response) -> None:
        body = response.body
        headers = {"Server": "sfdcedge", "Date": self.date_time_string(), "Vary": "Accept-Encoding"}
        headers["x-sfdc-request-id"] = secrets.token_hex(16)
        headers |= {"Cache-Control": "no-cache,must-revalidate,max-age=0,no-store,private", **response.headers}
        if len(body) >= GZIP_FROM and "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, compresslevel=1)
            headers["Content-Encoding"] = "gzip"
        if response.status not in (204, 304):
            headers["Content-Length"] = str(len(body))
        if self.close_connection:
            headers["Connection"] = "close"
        status = HTTPStatus(response.status).phrase if response.status in STATUSES else ""
        head = f"HTTP/1.1 {response.status} {status}\r\n"
        head += "".join(f"{key}: {value}\r\n" for key, value in headers.items())
        sends_body = self.command != "HEAD" and response.status not in (204, 304)
        self.wfile.write(head.encode("latin-1") + b"\r\n" + (body if sends_body else b""))

    def _break(self) -> None:
        """Reset the connection, as a failing network does."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            socket.socket.close(self.connection)

    def log_message(self, *args: object) -> None:
        """Nothing: the stand-in logs its calls itself."""


STATUSES = {each.value for each in HTTPStatus}
