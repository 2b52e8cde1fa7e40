"""The connection to a mail server: a real one, and servers that mean no good."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from integrations.mailbox.connection import Server
from integrations.mailbox.errors import (
    AppPasswordNeeded,
    Busy,
    CertificateRefused,
    FolderMissing,
    LoginRefused,
    MailboxError,
    Unreachable,
)
from integrations.mailbox.folders import Folder
from integrations.mailbox.imap import Imap
from integrations.mailbox.patience import Patience
from integrations.salesforce.stand_in.certificates import ensure_certificates
from tests.mailbox_fixtures import PASSWORD, Dovecot, letter, needs_dovecot


def server(dovecot: Dovecot, **changes) -> Server:
    values = {"host": dovecot.host, "port": dovecot.port, "addresses": ("127.0.0.1",)}
    return Server(**(values | {"ca_bundle": str(dovecot.ca_bundle)} | changes))


@contextmanager
def logged_in(dovecot: Dovecot, user: str) -> Iterator[Imap]:
    imap = Imap(server(dovecot))
    imap.log_in(user, PASSWORD)
    yield imap
    imap.close()


@needs_dovecot
def test_folders_and_their_use(dovecot_server: Dovecot) -> None:
    with logged_in(dovecot_server, "imap1") as imap:
        assert sorted(imap.folders(), key=lambda folder: folder.name) == [
            Folder("Drafts", "drafts"),
            Folder("INBOX", "inbox"),
            Folder("Junk", "junk"),
            Folder(Dovecot.SENT, "sent"),
        ]


@needs_dovecot
def test_mail_is_read_in_pieces_and_not_marked(dovecot_server: Dovecot) -> None:
    dovecot_server.put("imap2", "INBOX", letter(1), letter(2, text="x" * 2_000_000))
    with logged_in(dovecot_server, "imap2") as imap:
        opened = imap.open("INBOX")
        uids = imap.uids_from(1)
        headers = imap.fetch_headers([*uids, 999])
        big = imap.fetch_start(uids[1])

        assert imap.uids_from(uids[-1] + 1) == []
        assert opened.uidnext == uids[-1] + 1
        assert [each.uid for each in headers] == uids
        assert b"Subject: Offer 1\r\n" in headers[0].data
        assert b"here is the offer" not in headers[0].data
        assert abs(headers[0].arrived_at - datetime.now(UTC)) < timedelta(minutes=1)
        assert big
        assert (len(big.data), big.size > 2_000_000) == (1024 * 1024, True)
        assert imap.fetch_start(999) is None
        assert (
            imap.uids_between(
                datetime.now(UTC).date() - timedelta(days=1), datetime.now(UTC).date() + timedelta(days=2)
            )
            == uids
        )
    program = dovecot_server.client("imap2")
    program.select("INBOX", readonly=True)
    assert program.search(None, "UNSEEN")[1] == [b"1 2"]
    program.logout()


@needs_dovecot
def test_idle_tells_of_new_mail_and_a_break_off_ends_it(dovecot_server: Dovecot) -> None:
    with logged_in(dovecot_server, "imap3") as imap:
        imap.open("INBOX")
        assert imap.can_idle
        post = threading.Timer(0.3, dovecot_server.put, ("imap3", "INBOX", letter(1)))
        post.start()
        began = time.monotonic()
        imap.wait_for_news(20)
        assert time.monotonic() - began < 10
        assert imap.uids_from(1) == [1]
        post.join()
        imap.has_news()

        threading.Timer(0.3, imap.break_off).start()
        began = time.monotonic()
        with contextlib.suppress(MailboxError):
            imap.wait_for_news(20)
        assert time.monotonic() - began < 10


@needs_dovecot
def test_news_that_come_with_another_answer_are_not_missed(dovecot_server: Dovecot) -> None:
    with logged_in(dovecot_server, "imap4") as imap:
        imap.open("INBOX")
        assert imap.uids_from(1) == []
        imap.has_news()
        dovecot_server.put("imap4", "INBOX", letter(1))
        imap.keep_alive()

        assert imap.has_news() is True
        assert imap.has_news() is False


@needs_dovecot
def test_a_folder_that_is_gone(dovecot_server: Dovecot) -> None:
    with logged_in(dovecot_server, "imap5") as imap, pytest.raises(FolderMissing):
        imap.open("No such folder")


@needs_dovecot
def test_a_wrong_password(dovecot_server: Dovecot) -> None:
    imap = Imap(server(dovecot_server))
    with pytest.raises(LoginRefused) as caught:
        imap.log_in("imap6", "wrong")
    imap.close()
    assert caught.value.server_text == "[AUTHENTICATIONFAILED] Authentication failed."
    assert "imap6" not in str(caught.value)


@needs_dovecot
@pytest.mark.parametrize(
    "changes",
    [
        {"host": "imap.acme.example"},
        {"host": "127.0.0.2", "addresses": ("127.0.0.1",)},
        {"ca_bundle": None},
    ],
)
def test_a_certificate_of_another_name_or_of_nobody_is_refused(dovecot_server: Dovecot, changes: dict) -> None:
    with pytest.raises(CertificateRefused):
        Imap(server(dovecot_server, **changes))


# --- Servers that mean no good ----------------------------------------------------------------------------


@contextmanager
def bad_server(folder: Path, behave: Callable[[ssl.SSLSocket], None], *, tls: bool = True) -> Iterator[Server]:
    """One connection is taken and treated so."""
    ca_bundle, key = ensure_certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                plain, _ = listener.accept()
                with context.wrap_socket(plain, server_side=True) if tls else plain as taken:
                    behave(taken)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Server("localhost", listener.getsockname()[1], ("127.0.0.1",), str(ca_bundle))
        finally:
            listener.close()
            thread.join(10)


def greet(taken: ssl.SSLSocket) -> None:
    """Say hello and what can be done."""
    taken.sendall(b"* OK ready\r\n")
    tag = taken.recv(1000).split(b" ")[0]
    taken.sendall(b"* CAPABILITY IMAP4rev1 IDLE\r\n" + tag + b" OK done\r\n")


def say(*lines: bytes) -> Callable[[ssl.SSLSocket], None]:
    """Greet, then answer each command with the next of these lines; `TAG` stands for the command's."""

    def behave(taken: ssl.SSLSocket) -> None:
        greet(taken)
        reader = taken.makefile("rb")
        for line in lines:
            command = reader.readline()
            taken.sendall(line.replace(b"TAG", command.split(b" ")[0] or b"A"))
        reader.read()

    return behave


@pytest.mark.parametrize(
    ("answer", "error", "cause"),
    [
        (b"TAG NO [ALERT] Application-specific password required: https://x\r\n", AppPasswordNeeded, "app_password"),
        (b"TAG NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)\r\n", LoginRefused, "password"),
        (b"TAG NO [UNAVAILABLE] Try again later\r\n", Busy, "busy"),
        (b"TAG NO [LIMIT] Too many simultaneous connections\r\n", Busy, "busy"),
        (b"* BYE too long idle\r\n", Unreachable, "unreachable"),
        (b"", Unreachable, "unreachable"),
    ],
)
def test_refusals_of_a_log_in(tmp_path: Path, answer: bytes, error: type[MailboxError], cause: str) -> None:
    def behave(taken: ssl.SSLSocket) -> None:
        greet(taken)
        tag = taken.recv(1000).split(b" ")[0]
        taken.sendall(answer.replace(b"TAG", tag))

    with bad_server(tmp_path, behave) as where:
        imap = Imap(where)
        with pytest.raises(error) as caught:
            imap.log_in("ben", "secret")
        imap.close()
    assert (type(caught.value), caught.value.cause) == (error, cause)


@pytest.mark.parametrize(
    "line",
    [
        b"* " + b"(" * 900_000 + b"\r\nTAG OK done\r\n",
        b"* 1 FETCH (BODY[HEADER] {99999999999}\r\n",
        b"* 1 FETCH (BODY[HEADER] {5000000}\r\n",
        b"x" * 1_100_000 + b"\r\n",
        b"* SEARCH one two\r\nTAG OK done\r\n",
        b"TAG BAD what\r\n",
        b"\xff\xfe\r\nTAG OK done\r\n",
    ],
)
def test_whatever_a_server_says_is_one_of_our_errors(tmp_path: Path, line: bytes) -> None:
    with bad_server(tmp_path, say(line)) as where:
        imap = Imap(where)
        with pytest.raises(MailboxError):
            imap.uids_from(1)
        imap.break_off()
        imap.close()


def test_plain_text_instead_of_tls_is_refused(tmp_path: Path) -> None:
    greeting = bad_server(tmp_path, lambda taken: taken.sendall(b"* OK ready\r\n"), tls=False)
    with greeting as where, pytest.raises(Unreachable):
        Imap(where)


def drip(beginning: bytes) -> Callable[[socket.socket], None]:
    """Say this, then a byte each tenth of a second, so that no time-out of the socket ever passes."""

    def behave(taken: socket.socket) -> None:
        taken.sendall(beginning)
        for _ in range(200):
            time.sleep(0.1)
            taken.sendall(b"\0")

    return behave


@pytest.mark.parametrize(
    ("tls", "beginning"),
    [(True, b"* OK "), (True, b"* OK ready\r\n* CAPABILITY "), (False, b"\x16\x03\x03\x40\x00\x02")],
    ids=["greeting", "answer", "handshake"],
)
def test_who_waits_for_a_page_does_not_wait_for_a_server_that_drips(
    tmp_path: Path, tls: bool, beginning: bytes
) -> None:
    started = time.monotonic()
    with bad_server(tmp_path, drip(beginning), tls=tls) as where, Patience(1) as patience:
        with pytest.raises(Unreachable):
            Imap(replace(where, patience=patience)).log_in("ben", "secret")
        waited = time.monotonic() - started
        with pytest.raises(Unreachable):
            Imap(replace(where, patience=patience))

    assert 0.9 < waited < 5


def test_an_endless_answer_is_broken_off(tmp_path: Path) -> None:
    def flood(taken: ssl.SSLSocket) -> None:
        greet(taken)
        taken.recv(1000)
        lines = b"* OK " + b"x" * 60_000 + b"\r\n"
        for _ in range(3_000):
            taken.sendall(lines)

    with bad_server(tmp_path, flood) as where:
        imap = Imap(where)
        with pytest.raises(Unreachable):
            imap.uids_from(1)
        imap.break_off()
        imap.close()


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable):
        Imap(Server("localhost", port, ("127.0.0.1",)))
