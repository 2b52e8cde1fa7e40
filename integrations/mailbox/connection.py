"""The connection below IMAP: to a checked address, with verified TLS, and with a bound on what a server may send.

Whatever a server does ends as a MailboxError.
"""

import imaplib
import logging
import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError
from imapclient.tls import IMAP4_TLS

from integrations.mailbox.errors import Busy, CertificateRefused, MailboxError, Unreachable
from integrations.mailbox.patience import Patience

CONNECT_TIMEOUT = 15.0
READ_TIMEOUT = 60.0
ANSWER_BYTES = 64 * 1024 * 1024
LITERAL_BYTES = 4 * 1024 * 1024
BUSY = re.compile(r"\[(UNAVAILABLE|INUSE|LIMIT|SERVERBUG|OVERQUOTA)\]|too many|try again|temporar|rate limit", re.I)
UNREADABLE_ANSWER = "The mail server's answers cannot be read. Is it really a mail server with IMAP?"

# Its DEBUG lines hold all that the server says: mails, and whatever it repeats of a log-in.
logging.getLogger("imapclient").setLevel(logging.INFO)


@dataclass(frozen=True, slots=True)
class Server:
    """Where to connect to: the name that the certificate must carry, and the addresses that were allowed for it.

    `patience`: how long all of it may take; None: as long as the server says something now and then.
    """

    host: str
    port: int
    addresses: tuple[str, ...]
    ca_bundle: str | None = None
    patience: Patience | None = field(default=None, compare=False, repr=False)


class _Connection(IMAP4_TLS):
    """imaplib's connection to a checked address, with a bound on what one command may bring."""

    def __init__(self, server: Server, context: ssl.SSLContext) -> None:
        self._addresses, self._patience = server.addresses, server.patience
        self._taken = 0
        super().__init__(server.host, server.port, context, CONNECT_TIMEOUT)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        plain = _connect_to_any(self._addresses, self.port)
        try:
            if self._patience is not None:
                self._patience.watch(plain)
            return self.ssl_context.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise

    def send(self, data: Any) -> None:
        """A new command, or more of one: what it brings is counted from here."""
        self._taken = 0
        super().send(data)

    def read(self, size: int) -> bytes:
        """A literal of an answer."""
        if size > LITERAL_BYTES:
            raise self.abort("literal too large")
        return self._count(super().read(size))

    def readline(self) -> bytes:
        """A line of an answer."""
        return self._count(super().readline())

    def _count(self, data: bytes) -> bytes:
        self._taken += len(data)
        if self._taken > ANSWER_BYTES:
            raise self.abort("answer too large")
        return data


class Client(IMAPClient):
    def __init__(self, server: Server, context: ssl.SSLContext) -> None:
        self._server = server
        super().__init__(
            server.host,
            server.port,
            ssl_context=context,
            timeout=SocketTimeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT),
        )

    def _create_IMAP4(self) -> imaplib.IMAP4:
        return _Connection(self._server, self.ssl_context)


def _connect_to_any(addresses: Sequence[str], port: int) -> socket.socket:
    for position, address in enumerate(addresses, start=1):
        try:
            return socket.create_connection((address, port), CONNECT_TIMEOUT)
        except OSError:
            if position == len(addresses):
                raise
    raise OSError("no address")


_contexts: dict[str | None, ssl.SSLContext] = {}


def context_for(ca_bundle: str | None) -> ssl.SSLContext:
    """One context for all connections: each would hold its own copy of the system's CAs, a megabyte."""
    if ca_bundle not in _contexts:
        context = ssl.create_default_context(cafile=ca_bundle)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        _contexts[ca_bundle] = context
    return _contexts[ca_bundle]


@contextmanager
def our_errors() -> Iterator[None]:
    try:
        yield
    except MailboxError:
        raise
    except ssl.SSLCertVerificationError as error:
        raise CertificateRefused(server_text=str(error.verify_message)) from None
    except ssl.SSLError as error:
        raise Unreachable("No secure connection to the mail server could be made.", str(error.reason)) from None
    except (OSError, imaplib.IMAP4.abort):
        raise Unreachable() from None
    except (IMAPClientError, imaplib.IMAP4.error) as error:
        text = text_of(error)
        raise (Busy(server_text=text) if BUSY.search(text) else MailboxError(server_text=text)) from None
    except Exception as error:  # a server can bring the library to anything: KeyError, RecursionError, …
        raise Unreachable(UNREADABLE_ANSWER, type(error).__name__) from None


def text_of(error: Exception) -> str:
    """What the server said: the library gives bytes, str or their repr."""
    said = error.args[0] if error.args else ""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return re.sub(r"^b['\"](.*)['\"]$", r"\1", text)
