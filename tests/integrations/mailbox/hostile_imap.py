"""A mail server that plays along up to one command, and then does what a broken or hostile one may do."""

import contextlib
import socket
import ssl
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from integrations.mailbox.connection import Server

FAILURES = {
    "a dropped connection": None,
    "silence": b"",
    "a refusal": b"TAG NO [ALERT] SAID\r\n",
    "a refused app password": b"TAG NO application-specific password required SAID\r\n",
    "a busy server": b"TAG NO [UNAVAILABLE] SAID\r\n",
    "a bad command": b"TAG BAD SAID\r\n",
    "a farewell": b"* BYE SAID\r\n",
    "no IMAP": b"SAID\r\n\x00\xff\xfe SAID\r\n* BYE\r\n",
    "another shape": b"* SEARCH SAID\r\n* LIST SAID\r\n* 1 FETCH (SAID\r\n* OK [UIDNEXT SAID]\r\nTAG OK SAID\r\n",
    "a literal without end": b"* 1 FETCH (BODY[] {99999999}\r\nSAID\r\n* BYE\r\n",
}
"""What it answers to the command; TAG is the command's, SAID the rest of it. None: it hangs up."""

_GOOD = {
    b"CAPABILITY": b"* CAPABILITY IMAP4rev1 IDLE AUTH=XOAUTH2 SASL-IR\r\n",
    b"EXAMINE": b"* OK [UIDVALIDITY 1]\r\n* OK [UIDNEXT 9]\r\n* 3 EXISTS\r\n",
}


class HostileImap:
    """Over TLS on a port of its own, with one of FAILURES. Set `fails_at` (a command) before a connection."""

    def __init__(self, key: Path, failure: str) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.fails_at, self.answer = b"", FAILURES[failure]
        self.threads: list[threading.Thread] = []

    def server(self, ca_bundle: str, host: str = "localhost") -> Server:
        """Its address, as a mailbox has it."""
        return Server(host, self.listener.getsockname()[1], ("127.0.0.1",), ca_bundle)

    def run(self) -> None:
        """Take connections until the listener is closed."""
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(plain, self.fails_at), daemon=True)
            thread.start()
            self.threads.append(thread)

    def _serve(self, plain: socket.socket, fails_at: bytes) -> None:
        plain.settimeout(10)
        with contextlib.suppress(OSError, ssl.SSLError), self.context.wrap_socket(plain, server_side=True) as line:
            line.sendall(b"* OK ready\r\n")
            is_logged_in = False
            lines = line.makefile("rb")
            for command in lines:
                tag, _, rest = command.partition(b" ")
                said = rest.strip()
                verb = rest.removeprefix(b"UID ").split(b" ")[0].strip().upper()
                if verb == b"AUTHENTICATE":
                    line.sendall(b"+ \r\n")
                    response = lines.readline().strip()
                    said = response + b" " + b64decode(response).replace(b"\1", b" ")
                if verb == fails_at and (verb != b"CAPABILITY" or is_logged_in):  # every client begins with it
                    if self.answer is None:
                        return
                    line.sendall(self.answer.replace(b"TAG", tag).replace(b"SAID", said))
                elif tag.strip() != b"DONE":
                    is_logged_in |= verb == b"LOGIN"
                    line.sendall(_GOOD.get(verb, b"") + tag + b" OK done\r\n")


@contextmanager
def hostile_imap(key: Path, failure: str) -> Iterator[HostileImap]:
    """The server, running."""
    server = HostileImap(key, failure)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        with contextlib.suppress(OSError):
            server.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for a connection
        server.listener.close()
        for each in [thread, *server.threads]:
            each.join(10)
