"""The CalDAV client against a real Radicale, and against servers that answer with whatever a test gives them."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import quote

import pytest

from integrations.calendar.caldav import Account, CalDav, Collection, Resource
from integrations.calendar.errors import (
    AnswerTooLarge,
    Busy,
    CertificateRefused,
    CollectionGone,
    LoginRefused,
    NoPasswordLogin,
    NotCalendars,
    SentElsewhere,
    TokenInvalid,
    Unreachable,
)
from integrations.calendar.web import LogIn, Web
from tests.calendar_fixtures import CALENDAR_PASSWORD, Radicale, entry, event, next_day, paths
from tests.integrations.salesforce.raw_server import RawServer, answer, elapsed


def loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


@contextmanager
def opened(server: Radicale, user: str, password: str = CALENDAR_PASSWORD) -> Iterator[CalDav]:
    web = Web(LogIn(user, password), loopback, str(server.ca_bundle))
    try:
        yield CalDav(web)
    finally:
        web.close()


@pytest.fixture
def user(radicale: Radicale) -> str:
    return radicale.new_user()


@pytest.fixture
def dav(radicale: Radicale, user: str) -> Iterator[CalDav]:
    with opened(radicale, user) as client:
        yield client


@contextmanager
def raw(radicale: Radicale, *scripts, seconds: float = 20) -> Iterator[tuple[RawServer, CalDav]]:
    """A server over TLS that answers as told, and a client of it."""
    with RawServer(*scripts, pem=str(radicale.folder / "stand-in-server.pem")) as server:
        web = Web(LogIn("ben", CALENDAR_PASSWORD), loopback, str(radicale.ca_bundle), seconds)
        try:
            yield server, CalDav(web)
        finally:
            web.close()


# --- Discovery --------------------------------------------------------------------------------------------


def test_calendars_are_found_from_the_server_the_home_or_the_calendar_itself(radicale, user, dav) -> None:
    work = radicale.make_calendar(user, "office", "Work &amp; travel")
    radicale.make_calendar(user, "todo", "To do", kind="VTODO")
    expected = Account((Collection(work, "Work & travel"),), ())

    assert [dav.find_account(url) for url in (radicale.url, f"{radicale.url}{user}/", work)] == [expected] * 3


def test_a_wrong_password_is_tried_once(radicale, user) -> None:
    with opened(radicale, user, "wrong") as client, pytest.raises(LoginRefused) as refusal:
        client.find_account(radicale.url)

    assert refusal.value.user_message == "The calendar server does not accept this user name and password."
    with raw(radicale, [answer(401, headers="WWW-Authenticate: Basic\r\n")]) as (server, client):
        with pytest.raises(LoginRefused):
            client.find_account(server.url)
        assert len(server.received) == 1


def test_a_server_that_wants_another_log_in_is_told_apart(radicale) -> None:
    refusal = answer(401, headers='WWW-Authenticate: Bearer realm="x"\r\n')
    with raw(radicale, [refusal]) as (server, client), pytest.raises(NoPasswordLogin):
        client.find_account(server.url)


@pytest.mark.parametrize(
    "said",
    [
        answer(200, "<html><body>Welcome</body></html>"),
        answer(404, "no"),
        answer(207, "<html/>"),
        answer(207, "{}"),
        answer(207, ""),
        answer(207, b"\xff\xfe\x00"),
        answer(207, "<d:multistatus xmlns:d='DAV:'/>"),
        answer(207, "<d:multistatus xmlns:d='DAV:'><d:response><d:href>/</d:href></d:response></d:multistatus>"),
    ],
)
def test_what_is_no_calendar_server(radicale, said: bytes) -> None:
    with raw(radicale, [said]) as (server, client), pytest.raises(NotCalendars):
        client.find_account(server.url)


def test_a_certificate_that_is_not_trusted_gets_nothing(radicale) -> None:
    with RawServer([answer(200)], pem=str(radicale.folder / "stand-in-server.pem")) as server:
        web = Web(LogIn("ben", CALENDAR_PASSWORD), loopback)
        with pytest.raises(CertificateRefused):
            CalDav(web).find_account(server.url)
        web.close()

        assert server.bytes_received == 0


def test_a_server_that_speaks_no_tls_gets_no_request(radicale) -> None:
    with RawServer([answer(200)]) as server, opened(radicale, "ben") as client:
        with pytest.raises(Unreachable):
            client.find_account(server.url.replace("http:", "https:"))

        assert all(b"Authorization" not in each for each in server.received)


# --- Redirects --------------------------------------------------------------------------------------------


def test_redirects_stay_on_the_site(radicale, user) -> None:
    """The well-known address leads on; elsewhere nothing is sent, least of all the password."""
    with raw(radicale, [answer(200)]) as (trap, client):
        for target in (
            f"https://localhost:{trap.port}/dav",
            f"http://127.0.0.1:{trap.port}/",
            "//evil.example/",
            "https://127.0.0.1@evil.example/",
            "ftp://127.0.0.1/",
            "https:///",
        ):
            with raw(radicale, [answer(302, headers=f"Location: {target}\r\n")]) as (server, client):
                with pytest.raises((SentElsewhere, NotCalendars)):
                    client.find_account(server.url)
                assert server.received
        assert (trap.connections, trap.bytes_received) == (0, 0)


def test_a_redirect_within_the_host_keeps_method_and_body(radicale) -> None:
    found = (
        '<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:response><d:href>/dav/</d:href>'
        "<d:propstat><d:prop><d:resourcetype><d:collection/><c:calendar/></d:resourcetype></d:prop>"
        "<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>"
    )
    with raw(radicale, [answer(301, headers="Location: /dav/\r\n")], [answer(207, found)]) as (server, client):
        account = client.find_account(server.url)

        assert account == Account((Collection(f"{server.url}/dav/", "dav"),), ())
        assert [each.split(b" ")[:2] for each in server.received] == [
            [b"PROPFIND", b"/.well-known/caldav"],
            [b"PROPFIND", b"/dav/"],
        ]
        assert server.received[0].partition(b"\r\n\r\n")[2] == server.received[1].partition(b"\r\n\r\n")[2] != b""


@pytest.mark.parametrize(
    "head", ["HTTP/1.1 302 X\r\nLocation: /next\r\n", "HTTP/1.1 207 X\r\n", "HTTP/1.1 404 X\r\n"]
)
def test_no_answer_is_read_without_end(radicale, head: str) -> None:
    endless = [
        f"{head}Transfer-Encoding: chunked\r\n\r\n".encode(),
        *([b"100000\r\n" + b"x" * 0x100000 + b"\r\n"] * 40),
    ]
    with raw(radicale, endless) as (server, client), pytest.raises(AnswerTooLarge):
        client.find_account(server.url)


def test_redirects_in_a_circle_end(radicale) -> None:
    with raw(radicale, [answer(302, headers="Location: /round\r\n")]) as (server, client):
        with pytest.raises(NotCalendars):
            client.standing(f"{server.url}/a/")
        assert len(server.received) == 6


# --- Changes ----------------------------------------------------------------------------------------------


def test_changes_come_by_token(radicale, user, dav) -> None:
    url = radicale.make_calendar(user)
    radicale.put(user, "a", entry(event("a", next_day(1))))
    token = dav.standing(url).sync_token
    radicale.put(user, "b", entry(event("b", next_day(2))))
    radicale.delete(user, "a")
    radicale.put(user, "c", entry(event("c", next_day(3))))

    first = dav.changes(url, token)
    again = dav.changes(url, first.sync_token)

    assert (paths(first.changed), paths(first.removed), first.is_whole) == (["b.ics", "c.ics"], ["a.ics"], True)
    assert (again.changed, again.removed) == ({}, ())


def test_a_token_that_the_server_does_not_know_is_told(radicale, user, dav) -> None:
    url = radicale.make_calendar(user)

    with pytest.raises(TokenInvalid):
        dav.changes(url, "http://radicale.org/ns/sync/" + "0" * 64)


@pytest.mark.parametrize("status", [400, 403, 405, 409, 412, 415, 501, 507])
def test_a_server_without_the_report_is_told(radicale, status: int) -> None:
    with raw(radicale, [answer(status, "<x/>")]) as (server, client), pytest.raises(TokenInvalid):
        client.changes(f"{server.url}/a/", "t")


def test_a_calendar_that_is_gone(radicale, user, dav) -> None:
    url = f"{radicale.url}{user}/never/"
    for ask in (
        lambda: dav.standing(url),
        lambda: dav.changes(url, "t"),
        lambda: list(dav.fetch(url, [f"/{user}/a"])),
    ):
        with pytest.raises(CollectionGone):
            ask()


def test_what_is_to_come_is_listed_without_the_past(radicale, user, dav) -> None:
    url = radicale.make_calendar(user)
    radicale.put(user, "past", entry(event("past", next_day(-3))))
    radicale.put(user, "next", entry(event("next", next_day(3))))
    radicale.put(user, "far", entry(event("far", next_day(300))))
    radicale.put(user, "weekly", entry(event("weekly", next_day(-70), "RRULE:FREQ=WEEKLY")))

    found = dav.coming(url, next_day(0), next_day(60))

    assert paths(found) == ["next.ics", "weekly.ics"]


def test_entries_are_fetched_in_batches_and_what_is_gone_is_told(radicale, user, dav) -> None:
    url = radicale.make_calendar(user)
    for number in range(25):
        radicale.put(user, f"e{number}", entry(event(f"e{number}", next_day(1))))
    listed = dav.coming(url, next_day(0), next_day(9))

    found = {each.path: each for each in dav.fetch(url, [*listed, f"/{user}/office/gone.ics"])}

    assert found.pop(f"/{user}/office/gone.ics") == Resource(f"/{user}/office/gone.ics", is_gone=True)
    assert {each.path: each.etag for each in found.values()} == listed
    assert all(each.data and each.data.startswith(b"BEGIN:VCALENDAR") for each in found.values())


def test_only_what_the_server_says_is_gone_is_gone(radicale) -> None:
    """A fault with one entry, or silence about it, is no deletion."""
    said = (
        '<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">'
        "<d:response><d:href>/c/a.ics</d:href><d:status>HTTP/1.1 500 Oops</d:status></d:response>"
        "<d:response><d:href>/c/b.ics</d:href><d:status>HTTP/1.1 404 Gone</d:status></d:response>"
        "<d:response><d:href>/c/x.ics</d:href><d:status>HTTP/1.1 404 Gone</d:status></d:response></d:multistatus>"
    )
    with raw(radicale, [answer(207, said)]) as (server, client):
        found = list(client.fetch(f"{server.url}/c/", ["/c/a.ics", "/c/b.ics", "/c/c.ics"]))

    assert found == [Resource("/c/b.ics", is_gone=True)]


def test_an_entry_that_is_too_large_costs_only_itself(radicale) -> None:
    """The whole batch is larger than an answer may be, then one of its entries is."""
    huge = b"HTTP/1.1 207 X\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 17_000_000
    said = (
        '<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:response><d:href>/c/b.ics</d:href>'
        "<d:propstat><d:prop><c:calendar-data>BEGIN:VCALENDAR</c:calendar-data></d:prop>"
        "<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>"
    )
    with raw(radicale, [huge], [huge], [answer(207, said)]) as (server, client):
        found = list(client.fetch(f"{server.url}/c/", ["/c/a.ics", "/c/b.ics"]))

    assert found == [Resource("/c/a.ics"), Resource("/c/b.ics", data=b"BEGIN:VCALENDAR")]


# --- Slow, busy, broken ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, "Retry-After: 120\r\n", 120.0),
        (503, "", None),
        (503, "Retry-After: soon\r\n", None),
        (429, "Retry-After: 99999999\r\n", 6 * 3600.0),
        (503, "Retry-After: Mon, 01 Jan 2001 00:00:00 GMT\r\n", 0.0),
        (500, "Retry-After: \xb2\r\n", None),
    ],
)
def test_a_busy_server_says_when_to_come_back(radicale, status: int, headers: str, seconds: float | None) -> None:
    said = answer(status, headers=headers) if headers.isascii() else answer(status)
    with raw(radicale, [said]) as (server, client), pytest.raises(Busy) as busy:
        client.find_account(server.url)

    assert busy.value.retry_after == seconds


@pytest.mark.parametrize("script", [["reset"], [b"HTTP/1.1 207 OK\r\nContent-Le", "reset"], [b"\0" * 100]])
def test_a_server_that_breaks_off(radicale, script) -> None:
    """Half an answer may look like a whole one that says nothing."""
    with raw(radicale, script) as (server, client), pytest.raises((Unreachable, NotCalendars)):
        client.find_account(server.url)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 207 OK\r\n", b"HTTP/1.1 207 OK\r\nContent-Length: 9999\r\n\r\n"])
def test_a_server_that_trickles_is_given_up(radicale, head: bytes) -> None:
    """A byte now and then keeps every socket time-out away; the limit of the whole call holds."""
    trickle = [step for _ in range(200) for step in (b"X", 0.1)]
    with raw(radicale, [head, *trickle], seconds=1) as (server, client), elapsed() as seconds:
        with pytest.raises(Unreachable):
            client.find_account(server.url)
        assert seconds() < 3


def test_a_port_where_nobody_listens(radicale) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with opened(radicale, "ben") as client, pytest.raises(Unreachable):
        client.find_account(f"https://localhost:{port}/")


def test_nothing_of_the_password_is_in_an_error(radicale) -> None:
    with RawServer([answer(200)]) as server, opened(radicale, "ben") as client:
        try:
            client.find_account(server.url.replace("http:", "https:"))
        except Unreachable as error:
            whole = f"{error!r} {error} {error.__context__!r} {error.__cause__!r} {error.server_text}"

    assert CALENDAR_PASSWORD not in whole
    assert repr(LogIn("ben", CALENDAR_PASSWORD)) == "LogIn()"


def test_what_a_server_repeats_of_the_password_goes_no_further(radicale) -> None:
    log_in = LogIn("ben", CALENDAR_PASSWORD)
    basic = log_in.header().removeprefix("Basic ")
    said = (
        '<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:response>'
        f"<d:href>/{quote(CALENDAR_PASSWORD)}/</d:href><d:propstat><d:prop><d:displayname>{CALENDAR_PASSWORD} {basic}"
        "</d:displayname><d:resourcetype><c:calendar/></d:resourcetype></d:prop>"
        "<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>"
    )
    with raw(radicale, [answer(207, said.encode())]) as (server, client):
        account = client.find_account(server.url)
        assert account == Account((Collection(f"{server.url}/[secret]/", "[secret] [secret]"),), ())
    with raw(radicale, [answer(302, headers=f"Location: /{quote(CALENDAR_PASSWORD)}/\r\n")]) as (server, client):
        with pytest.raises(NotCalendars):
            client.find_account(server.url)
        assert len(server.received) == 2
    assert LogIn("ben", "short").secrets() == (LogIn("ben", "short").header().removeprefix("Basic ").encode(),)


def test_times_are_asked_for_in_utc(radicale) -> None:
    with raw(radicale, [answer(207, "<d:multistatus xmlns:d='DAV:'/>")]) as (server, client):
        client.coming(f"{server.url}/a/", next_day(0, 8), next_day(0, 8) + timedelta(days=1))

        assert f'start="{next_day(0):%Y%m%d}T080000Z"'.encode() in server.received[0]
