"""One IMAP connection (RFC 3501, RFC 2177 IDLE): only reading, and nothing marked as read.

TLS is verified, certificate and name; the IP address is the one that hosts.py allowed. All methods raise
MailboxError, whatever a server does: what it says is read up to fixed amounts.
"""

import imaplib
import re
import select
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime

from imapclient.exceptions import IMAPClientError, LoginError

from integrations.mailbox.body_structure import find_calendars
from integrations.mailbox.connection import BUSY, READ_TIMEOUT, Client, Server, context_for, our_errors, text_of
from integrations.mailbox.errors import (
    AppPasswordNeeded,
    Busy,
    FolderMissing,
    LoginRefused,
    TokenRefused,
    Unreachable,
)
from integrations.mailbox.folders import Folder, use_of

HEADER_BYTES = 64 * 1024
BODY_BYTES = 1024 * 1024
MOST_FOLDERS = 500
SHORTEST_HIDDEN = 4
"""Characters: a shorter password would be found in any text."""
_APP_PASSWORD = re.compile(r"app(lication)?[- ]?(specific )?password|webloginrequired|basicauthblocked", re.I)


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


@contextmanager
def _log_in_errors(*secrets: str) -> Iterator[None]:
    """The errors of a log-in. What the server says is shown and kept, so the secrets that it repeats are left out."""
    with our_errors():
        try:
            yield
        except (LoginError, imaplib.IMAP4.error, IMAPClientError) as error:
            # The library calls a connection that broke a refused log-in, too.
            if isinstance(error, imaplib.IMAP4.abort) or isinstance(error.__context__, imaplib.IMAP4.abort):
                raise Unreachable() from None
            text = text_of(error)
            for secret in secrets:
                text = text.replace(secret, "[secret]") if len(secret) >= SHORTEST_HIDDEN else text
            if BUSY.search(text):
                raise Busy(server_text=text) from None
            refusal = AppPasswordNeeded if _APP_PASSWORD.search(text) else LoginRefused
            raise refusal(server_text=text) from None


class Imap:
    """A connection that is logged in. Not for several threads, but `break_off` may be called from any."""

    def __init__(self, server: Server) -> None:
        """Connect; raises CertificateRefused or Unreachable."""
        with our_errors():
            self._client = Client(server, context_for(server.ca_bundle))
            self._socket = self._client.socket()
        self.good_until: datetime | None = None
        """When the log-in runs out (UTC): then a new connection is needed. None: never."""

    def log_in(self, user_name: str, password: str) -> None:
        """With a password. Raises LoginRefused with what the server said."""
        with _log_in_errors(password):
            self._client.login(user_name, password)

    def log_in_with_token(self, user_name: str, access_token: str) -> None:
        """With an access token (SASL XOAUTH2). Raises TokenRefused with what the server said."""
        response = f"user={user_name}\1auth=Bearer {access_token}\1\1"
        challenges: list[bytes] = []

        def answer(challenge: bytes) -> str:
            """First ours; then, where the server explains a refusal in a challenge, the empty line it waits for."""
            challenges.append(challenge)
            return response if len(challenges) == 1 else ""

        try:
            with _log_in_errors(access_token, b64encode(response.encode()).decode()):
                self._client.sasl_login("XOAUTH2", answer)
        except LoginRefused as error:
            raise TokenRefused(server_text=error.server_text) from None

    def folders(self) -> list[Folder]:
        """The folders that can be opened, with their use where the server tells or their name gives it away."""
        found = []
        with our_errors():
            for flags, _delimiter, name in self._client.list_folders()[:MOST_FOLDERS]:
                words = {flag.decode("ascii", "replace").lower() for flag in flags}
                if not words & {"\\noselect", "\\nonexistent"} and isinstance(name, str):
                    found.append(Folder(name, use_of(name, words)))
        return found

    def open(self, folder: str) -> Opened:
        """Open a folder for reading. Raises FolderMissing."""
        with our_errors():
            try:
                answer = self._client.select_folder(folder, readonly=True)
            except IMAPClientError as error:
                text = text_of(error)
                if isinstance(error, imaplib.IMAP4.abort) or BUSY.search(text):
                    raise
                raise FolderMissing(server_text=text) from None
            if b"UIDNEXT" not in answer:
                answer |= self._client.folder_status(folder, ["UIDNEXT"])
            return Opened(int(answer[b"UIDVALIDITY"]), int(answer[b"UIDNEXT"]))

    def uids_from(self, uid: int) -> list[int]:
        """The uids of the open folder from this one on, ascending."""
        with our_errors():
            return sorted(each for each in self._client.search(["UID", f"{uid}:*"]) if each >= uid)

    def uids_between(self, since: date, before: date) -> list[int]:
        """The uids of what the server got from `since` to before `before`, ascending."""
        with our_errors():
            return sorted(self._client.search(["SINCE", since, "BEFORE", before]))

    def fetch_headers(self, uids: Sequence[int]) -> list[Piece]:
        """The first HEADER_BYTES + 1 bytes of the headers of these messages; what is gone is left out."""
        return self._fetch(uids, f"BODY.PEEK[HEADER]<0.{HEADER_BYTES + 1}>", b"BODY[HEADER]<0>")

    def fetch_start(self, uid: int) -> Piece | None:
        """The first BODY_BYTES bytes of a message, in which its text is; None when it is gone."""
        return next(iter(self._fetch([uid], f"BODY.PEEK[]<0.{BODY_BYTES}>", b"BODY[]<0>")), None)

    def find_calendars(self, uids: Sequence[int]) -> frozenset[int]:
        """Which of these messages have a calendar in them."""
        with our_errors():
            return find_calendars(self._client, uids)

    def _fetch(self, uids: Sequence[int], what: str, key: bytes) -> list[Piece]:
        with our_errors():
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
        with our_errors():
            return bool(self._client.has_capability("IDLE"))

    def has_news(self) -> bool:
        """Whether an answer since the last question said that the open folder has changed."""
        return bool(self._client._imap.untagged_responses.pop("EXISTS", None))

    def wait_for_news(self, seconds: float) -> None:
        """IDLE until the server says something, or for so long. Then the folder is to be searched."""
        with our_errors():
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
        with our_errors():
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


def _utc(moment: datetime) -> datetime:
    """The library gives the local time of this machine, without a zone."""
    return (moment if moment.tzinfo else moment.astimezone()).astimezone(UTC)
