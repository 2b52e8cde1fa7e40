"""One IMAP connection (RFC 3501, RFC 2177 IDLE, RFC 6154 special use): only reading, and nothing marked as read.

TLS is verified, certificate and name; the IP address is the one that hosts.py allowed. All methods raise
MailboxError, whatever a server does: what it says is read up to fixed amounts.
"""

import imaplib
import re
import select
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError, LoginError
from imapclient.tls import IMAP4_TLS

from integrations.mailbox.errors import (
    AppPasswordNeeded,
    Busy,
    CertificateRefused,
    FolderMissing,
    LoginRefused,
    MailboxError,
    Unreachable,
)

CONNECT_TIMEOUT = 15.0
READ_TIMEOUT = 60.0
HEADER_BYTES = 64 * 1024
BODY_BYTES = 1024 * 1024
ANSWER_BYTES = 64 * 1024 * 1024
LITERAL_BYTES = 4 * 1024 * 1024
MOST_FOLDERS = 500
_BUSY = re.compile(r"\[(UNAVAILABLE|INUSE|LIMIT|SERVERBUG|OVERQUOTA)\]|too many|try again|temporar|rate limit", re.I)
_APP_PASSWORD = re.compile(r"app(lication)?[- ]?(specific )?password|webloginrequired|basicauthblocked", re.I)
UNREADABLE_ANSWER = "The mail server's answers cannot be read. Is it really a mail server with IMAP?"


@dataclass(frozen=True, slots=True)
class Server:
    """Where to connect to: the name that the certificate must carry, and the addresses that were allowed for it."""

    host: str
    port: int
    addresses: tuple[str, ...]
    ca_bundle: str | None = None


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as it is named; `use`: inbox, sent, drafts, junk, trash, all or empty."""

    name: str
    use: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """A folder's counters: uids under another validity are other messages (RFC 3501 §2.3.1.1)."""

    uidvalidity: int
    uidnext: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of one message as fetched: its first bytes, its whole size, when the server got it (UTC)."""

    uid: int
    data: bytes
    size: int
    arrived_at: datetime


class _Connection(IMAP4_TLS):
    """imaplib's connection to a checked address, with a bound on what one command may bring."""

    def __init__(self, server: Server, context: ssl.SSLContext) -> None:
        self._addresses = server.addresses
        self._taken = 0
        super().__init__(server.host, server.port, context, CONNECT_TIMEOUT)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        plain = _connect_to_any(self._addresses, self.port)
        try:
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


class _Client(IMAPClient):
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


def _context_for(ca_bundle: str | None) -> ssl.SSLContext:
    """One context for all connections: each would hold its own copy of the system's CAs, a megabyte."""
    if ca_bundle not in _contexts:
        context = ssl.create_default_context(cafile=ca_bundle)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        _contexts[ca_bundle] = context
    return _contexts[ca_bundle]


@contextmanager
def _our_errors() -> Iterator[None]:
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
        text = _text_of(error)
        raise (Busy(server_text=text) if _BUSY.search(text) else MailboxError(server_text=text)) from None
    except Exception as error:  # a server can bring the library to anything: KeyError, RecursionError, …
        raise Unreachable(UNREADABLE_ANSWER, type(error).__name__) from None


def _text_of(error: Exception) -> str:
    """What the server said: the library gives bytes, str or their repr."""
    said = error.args[0] if error.args else ""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return re.sub(r"^b['\"](.*)['\"]$", r"\1", text)


class Imap:
    """A connection that is logged in. Not for several threads, but `break_off` may be called from any."""

    def __init__(self, server: Server) -> None:
        """Connect; raises CertificateRefused or Unreachable."""
        with _our_errors():
            self._client = _Client(server, _context_for(server.ca_bundle))
            self._socket = self._client.socket()

    def log_in(self, user_name: str, password: str) -> None:
        """With a password. Raises LoginRefused with what the server said."""
        with _our_errors():
            try:
                self._client.login(user_name, password)
            except (LoginError, imaplib.IMAP4.error, IMAPClientError) as error:
                # The library calls a connection that broke a refused log-in, too.
                if isinstance(error, imaplib.IMAP4.abort) or isinstance(error.__context__, imaplib.IMAP4.abort):
                    raise Unreachable() from None
                text = _text_of(error)
                if _BUSY.search(text):
                    raise Busy(server_text=text) from None
                refusal = AppPasswordNeeded if _APP_PASSWORD.search(text) else LoginRefused
                raise refusal(server_text=text) from None

    def folders(self) -> list[Folder]:
        """The folders that can be opened, with their use where the server tells or their name gives it away."""
        with _our_errors():
            listed = self._client.list_folders()
        found = []
        for flags, _delimiter, name in listed[:MOST_FOLDERS]:
            words = {flag.decode("ascii", "replace").lower() for flag in flags}
            if not words & {"\\noselect", "\\nonexistent"} and isinstance(name, str):
                found.append(Folder(name, _use_of(name, words)))
        return found

    def open(self, folder: str) -> Opened:
        """Open a folder for reading. Raises FolderMissing."""
        with _our_errors():
            try:
                answer = self._client.select_folder(folder, readonly=True)
            except IMAPClientError as error:
                text = _text_of(error)
                if isinstance(error, imaplib.IMAP4.abort) or _BUSY.search(text):
                    raise
                raise FolderMissing(server_text=text) from None
            if b"UIDNEXT" not in answer:
                answer |= self._client.folder_status(folder, ["UIDNEXT"])
            return Opened(int(answer[b"UIDVALIDITY"]), int(answer[b"UIDNEXT"]))

    def uids_from(self, uid: int) -> list[int]:
        """The uids of the open folder from this one on, ascending."""
        with _our_errors():
            return sorted(each for each in self._client.search(["UID", f"{uid}:*"]) if each >= uid)

    def uids_between(self, since: date, before: date) -> list[int]:
        """The uids of what the server got from `since` to before `before`, ascending."""
        with _our_errors():
            return sorted(self._client.search(["SINCE", since, "BEFORE", before]))

    def fetch_headers(self, uids: Sequence[int]) -> list[Piece]:
        """The first HEADER_BYTES + 1 bytes of the headers of these messages; what is gone is left out."""
        return self._fetch(uids, f"BODY.PEEK[HEADER]<0.{HEADER_BYTES + 1}>", b"BODY[HEADER]<0>")

    def fetch_start(self, uid: int) -> Piece | None:
        """The first BODY_BYTES bytes of a message, in which its text is; None when it is gone."""
        return next(iter(self._fetch([uid], f"BODY.PEEK[]<0.{BODY_BYTES}>", b"BODY[]<0>")), None)

    def _fetch(self, uids: Sequence[int], what: str, key: bytes) -> list[Piece]:
        with _our_errors():
            answer = self._client.fetch(list(uids), ["RFC822.SIZE", "INTERNALDATE", what])
            pieces = []
            for uid in uids:
                row = answer.get(uid)
                if row is not None and key in row:
                    pieces.append(Piece(uid, row[key] or b"", int(row[b"RFC822.SIZE"]), _utc(row[b"INTERNALDATE"])))
            return pieces

    @property
    def can_idle(self) -> bool:
        """Whether the server tells of new mail by itself."""
        with _our_errors():
            return bool(self._client.has_capability("IDLE"))

    def has_news(self) -> bool:
        """Whether an answer since the last question said that the open folder has changed."""
        return bool(self._client._imap.untagged_responses.pop("EXISTS", None))

    def wait_for_news(self, seconds: float) -> None:
        """IDLE until the server says something, or for so long. Then the folder is to be searched."""
        with _our_errors():
            self._client.idle()
            try:
                if not self._has_unread_answer():
                    watched = select.poll()
                    watched.register(self._socket, select.POLLIN)
                    watched.poll(seconds * 1000)
            finally:
                self._client.idle_done()

    def _has_unread_answer(self) -> bool:
        """Whether more was read along with the last line: the socket would not show it."""
        self._socket.setblocking(False)
        try:
            return bool(self._client._imap.file.peek(1))
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        finally:
            self._socket.settimeout(READ_TIMEOUT)

    def keep_alive(self) -> None:
        """Ask whether anything is new, for servers without IDLE."""
        with _our_errors():
            self._client.noop()

    def close(self) -> None:
        """Say good-bye, if the server still listens."""
        with suppress(Exception):  # it is over either way
            self._socket.settimeout(2.0)
            self._client.logout()
        with suppress(Exception):
            self._client.shutdown()

    def break_off(self) -> None:
        """End the connection at once, also while another thread waits in it."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


_USES = ("inbox", "sent", "drafts", "junk", "trash", "all")
_SENT_NAMES = {"sent", "sent items", "sent messages", "sent mail", "gesendet", "gesendete elemente", "envoyés"}
_OTHER_NAMES = {"drafts": "drafts", "junk": "junk", "spam": "junk", "trash": "trash", "deleted items": "trash"}


def _use_of(name: str, flags: set[str]) -> str:
    if name.upper() == "INBOX":
        return "inbox"
    for use in _USES:
        if f"\\{use}" in flags:
            return use
    last = re.split(r"[./]", name)[-1].strip().lower()
    return "sent" if last in _SENT_NAMES else _OTHER_NAMES.get(last, "")


def _utc(moment: datetime) -> datetime:
    """The library gives the local time of this machine, without a zone."""
    return (moment if moment.tzinfo else moment.astimezone()).astimezone(UTC)
