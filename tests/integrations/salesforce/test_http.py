"""The one way to Salesforce, over real sockets."""

import gzip
import inspect
import logging
import time
import tomllib
import traceback
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
import urllib3

from integrations.salesforce import http
from integrations.salesforce.errors import (
    HostNotAllowed,
    LimitReached,
    OurMistake,
    OutcomeUnknown,
    RecordGone,
    Revoked,
    SalesforceError,
    SessionExpired,
    StaleDescribe,
    Transient,
    UnexpectedAnswer,
)
from integrations.salesforce.hosts import HostRule
from integrations.salesforce.http import (
    SalesforceSession,
    Usage,
    open_session,
    parse_date,
    parse_usage,
    send,
    transport_error,
)
from integrations.salesforce.transport import CallLimits
from tests.integrations.salesforce.hostile_urls import HOSTILE_URLS
from tests.integrations.salesforce.raw_server import RawServer, answer, elapsed, free_port
from tests.stand_in_fixtures import TestedStandIn

CANARIES = ("canary-token-1", "canary-body-2", "canary-path-3", "canary-query-4", "canary-answer-5")
OK = answer(200, '{"a":1}')


def session_for(*hosts: str, **options: object) -> SalesforceSession:
    return open_session(HostRule(frozenset(hosts)), **options)


def ask(
    server: RawServer, *, write: bool = False, limits: CallLimits | None = None, **options: object
) -> http.Answer:
    with session_for(server.host, limits=limits or CallLimits()) as session:
        return send(session, "POST" if write else "GET", f"{server.url}/x", write=write, **options)


def error_of(server: RawServer, *, write: bool = False, **options: object) -> SalesforceError:
    with pytest.raises(SalesforceError) as caught:
        ask(server, write=write, **options)
    return caught.value


# --- what is sent


def test_what_a_call_carries() -> None:
    with RawServer([OK]) as server:
        ask(server, token="t0ken", params={"q": "a b+c'd"})

    assert server.received == [
        (
            "GET /x?q=a+b%2Bc%27d HTTP/1.1\r\n"
            f"Host: {server.host}\r\n"
            "User-Agent: Touchline/0.1.0\r\n"
            "Accept-Encoding: gzip\r\n"
            "Accept: application/json\r\n"
            "Connection: keep-alive\r\n"
            "Sforce-Call-Options: client=Touchline\r\n"
            "Authorization: Bearer t0ken\r\n"
            "\r\n"
        ).encode()
    ]


def test_our_version_is_the_projects() -> None:
    project = tomllib.loads((Path(__file__).resolve().parents[3] / "pyproject.toml").read_text(encoding="utf-8"))

    assert project["project"]["version"] == http.VERSION


def test_a_body_is_json_or_a_form() -> None:
    with RawServer([OK]) as server:
        ask(server, write=True, json={"a": "ä"})
        ask(server, write=True, data={"a": "ä b"})

    first, second = server.received
    assert first.endswith(b'\r\n\r\n{"a": "\\u00e4"}')
    assert b"Content-Type: application/json\r\n" in first
    assert second.endswith(b"\r\n\r\na=%C3%A4+b")
    assert b"Content-Type: application/x-www-form-urlencoded\r\n" in second


def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with RawServer([OK]) as server, RawServer([OK]) as proxy:
        netrc = tmp_path / "netrc"
        netrc.write_text("default login eve password secret\n")
        monkeypatch.setenv("NETRC", str(netrc))
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        ask(server, token="t0ken")

    assert proxy.connections == 0
    assert b"Authorization: Bearer t0ken\r\n" in server.received[0]


def test_cookies_are_not_kept() -> None:
    with (
        RawServer([answer(200, "{}", "Set-Cookie: BrowserId=x; Path=/\r\n")]) as server,
        session_for(server.host) as session,
    ):
        send(session, "GET", f"{server.url}/x")
        send(session, "GET", f"{server.url}/x")
        assert list(session.cookies) == []

    assert [b"Cookie" in request for request in server.received] == [False, False]


def test_a_connection_is_used_again() -> None:
    with RawServer([OK]) as server, session_for(server.host) as session:
        for _ in range(5):
            send(session, "GET", f"{server.url}/x")

    assert (server.connections, len(server.received)) == (1, 5)


# --- what comes back


def test_an_answer_is_read_whole() -> None:
    headers = (
        "x-sfdc-request-id: r1\r\nDate: Mon, 23 Nov 2026 10:00:00 GMT\r\nSforce-Limit-Info: api-usage=7/15000\r\n"
    )
    with RawServer([answer(201, '{"id":"a"}', headers)]) as server:
        got = ask(server)

    assert (got.status, got.body, got.request_id) == (201, {"id": "a"}, "r1")
    assert got.date == datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    assert got.headers["sforce-limit-info"] == "api-usage=7/15000"


def test_packed_and_chunked_answers() -> None:
    packed = gzip.compress(b'{"a":1}')
    chunked = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n'
    with RawServer([answer(200, packed, "Content-Encoding: gzip\r\n")], [chunked]) as server:
        assert ask(server).body == {"a": 1}
        assert ask(server).body == {"a": 1}


@pytest.mark.parametrize("status", [200, 204])
def test_an_empty_body_is_none(status: int) -> None:
    with RawServer([answer(status)]) as server:
        assert ask(server, write=True).body is None


def test_usage_is_reported_for_answers_and_errors_alike() -> None:
    usages: list[Usage] = []
    info = "Sforce-Limit-Info: api-usage=18/5000; per-app-api-usage=17/250(appName=x)\r\n"
    other = "Sforce-Limit-Info: per-app-api-usage=17/250(appName=x); api-usage=19/5000\r\n"
    with (
        RawServer([answer(200, "{}", info)], [answer(500, "", other)], [OK]) as server,
        session_for(server.host, on_usage=usages.append) as session,
    ):
        send(session, "GET", f"{server.url}/x")
        with pytest.raises(Transient):
            send(session, "GET", f"{server.url}/x")
        send(session, "GET", f"{server.url}/x")

    assert usages == [Usage(18, 5000), Usage(19, 5000)]


def test_a_fault_in_counting_does_not_hide_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    def fail(usage: Usage) -> None:
        raise RuntimeError("the database is away")

    with (
        RawServer([answer(200, "{}", "Sforce-Limit-Info: api-usage=1/2\r\n")]) as server,
        session_for(server.host, on_usage=fail) as session,
    ):
        assert send(session, "POST", f"{server.url}/x", write=True).body == {}

    assert [record.message for record in caplog.records] == ["counting API usage failed"]


@pytest.mark.parametrize("header", ["", "api-usage", "api-usage=x/5", "xapi-usage=1/2", "per-app-api-usage=1/2"])
def test_usage_that_says_nothing(header: str) -> None:
    assert parse_usage(header) is None


@pytest.mark.parametrize("header", [None, "", "yesterday", "Mon, 99 Nov 2026 10:00:00 GMT"])
def test_a_date_that_says_nothing(header: str | None) -> None:
    assert parse_date(header) is None


def test_the_session_knows_the_servers_clock() -> None:
    with (
        RawServer([answer(500, "", "Date: Mon, 23 Nov 2026 10:00:00 GMT\r\n")]) as server,
        session_for(server.host) as session,
    ):
        assert session.server_date is None
        with pytest.raises(Transient):
            send(session, "GET", f"{server.url}/x")
        assert session.server_date == datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


# --- what goes wrong

ANSWERS = {
    (401, '[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]'): SessionExpired,
    (400, '[{"message":"No such column","errorCode":"INVALID_FIELD","fields":["A"]}]'): StaleDescribe,
    (404, '[{"message":"entity is deleted","statusCode":"ENTITY_IS_DELETED"}]'): RecordGone,
    (403, '[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]'): LimitReached,
    (405, '{"message":"no","errorCode":"METHOD_NOT_ALLOWED"}'): OurMistake,
    (300, '["/services/data/v62.0/sobjects/Contact/a"]'): UnexpectedAnswer,
    (304, ""): UnexpectedAnswer,
    (302, ""): UnexpectedAnswer,
    (400, '{"error":"invalid_grant","error_description":"expired access/refresh token"}'): Revoked,
    (401, "<response><faultcode>LOGIN_OAUTH_INVALID_TOKEN(db=1)</faultcode></response>"): SessionExpired,
    (403, "Bad_OAuth_Token"): SessionExpired,
    (404, "<html>nothing here</html>"): UnexpectedAnswer,
    (418, ""): UnexpectedAnswer,
}


@pytest.mark.parametrize(("status", "body"), ANSWERS)
def test_a_failed_answer_is_an_error_of_ours_with_its_request_id(status: int, body: str) -> None:
    with RawServer([answer(status, body, "x-sfdc-request-id: r-9\r\n")]) as server:
        errors = [error_of(server), error_of(server, write=True)]

    assert [type(error) for error in errors] == [ANSWERS[status, body]] * 2
    assert [(error.http_status, error.request_id) for error in errors] == [(status, "r-9")] * 2


@pytest.mark.parametrize("status", [420, 500, 502, 503, 504])
@pytest.mark.parametrize(
    "body", ["", "<html>busy</html>", "[]", '[{"errorCode":"SERVER_UNAVAILABLE","message":"x"}]']
)
def test_a_broken_server_leaves_a_write_unknown(status: int, body: str) -> None:
    with RawServer([answer(status, body)]) as server:
        assert type(error_of(server)) is Transient
        assert type(error_of(server, write=True)) is OutcomeUnknown


def test_the_cause_is_told_and_not_its_consequence() -> None:
    body = '[{"errorCode":"PROCESSING_HALTED","message":"a"},{"errorCode":"INVALID_FIELD","message":"b"}]'
    with RawServer([answer(400, body)]) as server:
        assert str(error_of(server)) == "StaleDescribe(INVALID_FIELD)"


@pytest.mark.parametrize("body", ["<html>fine</html>", "5", "null", '"x"', "{", '{"a":', "[" * 50_000, b"\xff\xfe{"])
def test_a_good_status_with_an_unreadable_body(body: str | bytes) -> None:
    with RawServer([answer(200, body)]) as server:
        assert str(error_of(server)) == "UnexpectedAnswer(unreadable_answer)"
        assert str(error_of(server, write=True)) == "OutcomeUnknown(unreadable_answer)"


BROKEN_AFTER_SENDING = {
    "closed": [b""],
    "reset": ["reset"],
    "half a status": [b"HTTP/1.1 20"],
    "no HTTP": [b"hello\r\n\r\n"],
    "half a body": [b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a"'],
    "half a chunk": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"],
    "bad packing": [answer(200, b"not gzip", "Content-Encoding: gzip\r\n")],
    "endless head": [b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n"],
}


@pytest.mark.parametrize("name", BROKEN_AFTER_SENDING)
def test_what_breaks_after_sending_leaves_a_write_unknown(name: str) -> None:
    script = [*BROKEN_AFTER_SENDING[name], "close"]
    with RawServer(script) as server:
        assert type(error_of(server)) is Transient
        assert type(error_of(server, write=True)) is OutcomeUnknown
        assert len(server.received) == 2


def test_a_refused_connection_is_transient_even_for_a_write() -> None:
    port = free_port()
    with session_for(f"127.0.0.1:{port}") as session:
        for scheme in ("http", "https"):
            with pytest.raises(SalesforceError) as caught:
                send(session, "POST", f"{scheme}://127.0.0.1:{port}/x", write=True)
            assert type(caught.value) is Transient


def test_a_name_that_does_not_resolve_is_transient_even_for_a_write() -> None:
    with session_for("no-such-host.invalid:443") as session, pytest.raises(SalesforceError) as caught:
        send(session, "POST", "https://no-such-host.invalid:443/x", write=True)

    assert type(caught.value) is Transient


def test_a_host_that_cannot_prove_itself_gets_no_request(stand_in: TestedStandIn) -> None:
    """A certificate of another authority, one for another name, and no TLS at all: nothing of ours arrives."""
    pem = str(stand_in.server_pem)
    with RawServer([OK], pem=pem) as strange, RawServer([OK]) as plain:
        for server, ca_bundle in [(strange, None), (plain, stand_in.ca_bundle)]:
            with session_for(server.host, ca_bundle=ca_bundle) as session, pytest.raises(Transient) as caught:
                send(session, "POST", f"https://{server.host}/x", token=CANARIES[0], write=True)
            assert type(caught.value) is Transient
        assert strange.received == []
        assert [b"canary" in data for data in plain.received] in ([], [False])


def test_a_broken_connection_on_tls_after_sending_is_unknown(stand_in: TestedStandIn) -> None:
    with RawServer(["reset"], pem=str(stand_in.server_pem)) as server:
        with session_for(server.host, ca_bundle=stand_in.ca_bundle) as session, pytest.raises(OutcomeUnknown):
            send(session, "POST", f"{server.url}/x", write=True)
        assert len(server.received) == 1


def test_a_kept_connection_that_the_server_closed_is_replaced() -> None:
    with RawServer([OK, "close"]) as server, session_for(server.host) as session:
        send(session, "GET", f"{server.url}/x")
        time.sleep(0.05)
        assert send(session, "POST", f"{server.url}/x", write=True).body == {"a": 1}

    assert server.connections == 2


def test_the_limits_of_a_call() -> None:
    with session_for() as session:
        limits = session.limits

    assert (limits.connect_seconds, limits.read_seconds, limits.write_seconds) == (10, 30, 120)
    assert limits.body_bytes == 50_000_000


SHORT = CallLimits(connect_seconds=1, read_seconds=0.2, write_seconds=0.5, body_bytes=1_000_000)


@pytest.mark.parametrize(("write", "expected", "least"), [(False, Transient, 0.2), (True, OutcomeUnknown, 0.5)])
def test_silence_ends_in_a_time_out_by_kind_of_call(write: bool, expected: type, least: float) -> None:
    with RawServer([5.0]) as server, elapsed() as seconds:
        assert type(error_of(server, write=write, limits=SHORT)) is expected
        assert least <= seconds() < least + 1


def test_an_answer_that_trickles_ends_too() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    with RawServer([head, *([b"x", 0.05] * 200)]) as server, elapsed() as seconds:
        assert type(error_of(server, write=True, limits=SHORT)) is OutcomeUnknown
        assert seconds() < 3


def test_the_last_pause_is_no_longer_than_what_is_left() -> None:
    limits = CallLimits(connect_seconds=0.1, write_seconds=2)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    with RawServer([head, *([1.8, b"x"] * 3)]) as server, elapsed() as seconds:
        assert type(error_of(server, write=True, limits=limits)) is OutcomeUnknown
        assert 2 < seconds() < 3.2  # not 3.6, where the next byte would come


def test_an_answer_that_unpacks_without_end_is_cut() -> None:
    bomb = gzip.compress(b"[" + b" " * 30_000_000)
    with RawServer([answer(200, bomb, "Content-Encoding: gzip\r\n")]) as server:
        assert type(error_of(server, limits=SHORT)) is Transient


# --- where nothing may go


def test_hostile_addresses_reach_nobody() -> None:
    """Addresses of the corpus, pointed at a trap where they have room for it: not one byte arrives."""
    with RawServer([OK]) as trap, RawServer([OK]) as good:
        aimed = [url.replace("evil.example", trap.host) for url in HOSTILE_URLS]
        aimed += [f"https://{trap.host}", f"http://{trap.host}", f"http://good@{trap.host}", f"//{trap.host}"]
        aimed += [f"http://{good.host}@{trap.host}", f"http://{good.host}\\@{trap.host}", f"http://{good.host}.evil"]
        with session_for(good.host) as session:
            refused = 0
            for url in dict.fromkeys(aimed):
                with pytest.raises(HostNotAllowed):
                    send(session, "POST", url, token=CANARIES[0], data={"client_secret": CANARIES[1]}, write=True)
                refused += 1
        assert refused >= 150
        assert (trap.connections, trap.bytes_received, good.connections) == (0, 0, 0)


def test_whoever_uses_the_session_meets_the_rule() -> None:
    with RawServer([OK]) as trap, session_for() as session:
        prepared = requests.Request("GET", f"http://{trap.host}/").prepare()
        for call in (
            lambda: session.get(f"http://{trap.host}/"),
            lambda: session.request("GET", f"http://{trap.host}/"),
            lambda: session.send(prepared),
        ):
            with pytest.raises(HostNotAllowed):
                call()
        assert trap.connections == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 300, 201])
@pytest.mark.parametrize(
    "where", ["//{trap}/", "http://{trap}/x", "http://[", "\\\\{trap}\\", "http://{trap}@{trap}/"]
)
def test_no_answer_leads_elsewhere(status: int, where: str) -> None:
    with RawServer([OK]) as trap:
        location = f"Location: {where.format(trap=trap.host)}\r\nRefresh: 0; url=http://{trap.host}/\r\n"
        with RawServer([answer(status, "{}", location)]) as server:
            if status == 201:
                assert ask(server, token=CANARIES[0]).body == {}
            else:
                assert type(error_of(server, token=CANARIES[0])) is UnexpectedAnswer
            assert type(error_of(server, write=True)) is UnexpectedAnswer if status != 201 else True
        assert (trap.connections, trap.bytes_received) == (0, 0)


def test_a_redirect_inside_the_session_itself_is_not_followed() -> None:
    with RawServer([OK]) as trap:
        location = f"Location: http://{trap.host}/\r\n"
        with RawServer([answer(302, "{}", location)]) as server, session_for(server.host, trap.host) as session:
            prepared = session.prepare_request(requests.Request("GET", f"http://{server.host}/"))
            assert session.send(prepared).status_code == 302
            with pytest.raises(UnexpectedAnswer):
                session.get(f"http://{server.host}/", allow_redirects=True)
        assert trap.connections == 0


class NotListed(HostRule):
    """The rule for a name of Salesforce's own: its address is nobody's choice. Such a name is not to be had here."""

    def is_extra(self, base_url: str) -> bool:
        return False


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_that_leads_into_a_private_network_gets_no_byte(scheme: str) -> None:
    with RawServer([OK]) as trap, open_session(NotListed(frozenset({trap.host}))) as session:
        for write in (True, False):
            with pytest.raises(SalesforceError) as caught:
                send(session, "POST", f"{scheme}://{trap.host}/x", token=CANARIES[0], write=write)
            assert (type(caught.value), caught.value.code) == (Transient, "private_address")
            assert "private network" in caught.value.user_message
        assert trap.bytes_received == 0


def test_a_listed_host_may_have_a_private_address() -> None:
    with RawServer([OK]) as server:
        assert ask(server).body == {"a": 1}
        assert HostRule(frozenset({server.host})).is_extra(server.url)
    assert not HostRule(frozenset({"acme.my.salesforce.com:443"})).is_extra("https://acme.my.salesforce.com:8443")
    assert not HostRule().is_extra("https://acme.my.salesforce.com")


# --- nothing of a request or an answer shows


@pytest.mark.parametrize("case", ["answer", "html", "reset", "unreadable", "silence", "refused", "host", "header"])
def test_nothing_of_a_call_shows_in_its_error(case: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token, body, path, query, said = CANARIES
    scripts = {
        "answer": [answer(400, f'[{{"errorCode":"STRING_TOO_LONG","message":"{said}","fields":["{said}"]}}]')],
        "html": [answer(503, f"<html>{said}</html>")],
        "reset": [b"", "reset"],
        "unreadable": [answer(200, f"{{{said}")],
        "silence": [1.0],
    }
    with RawServer(scripts.get(case, [OK])) as server:
        url = f"{server.url}/{path}"
        if case == "refused":
            url = f"http://127.0.0.1:{free_port()}/{path}"
        if case == "host":
            url = f"http://{said}.example/{path}"
        if case == "header":
            token += "\nX-Injected: yes"
        hosts = [server.host, url.split("/")[2]] if case == "refused" else [server.host]
        with session_for(*hosts, limits=SHORT) as session, pytest.raises(SalesforceError) as caught:
            send(session, "POST", url, token=token, json={"a": body}, params={"q": query}, write=True)
    error = caught.value
    logging.getLogger("test").error("a call failed: %s %r", error, error, exc_info=error)
    shown = [str(error), repr(error), "".join(traceback.format_exception(error)), str(error.args), caplog.text]

    assert (error.__cause__, error.__context__) == (None, None)
    assert [text for text in shown for canary in CANARIES if canary in text] == []


# --- every exception of the libraries below has its class


def test_the_address_of_a_call_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """With every logger at DEBUG: an address holds the query, and that the people it asks for."""
    assert logging.getLogger("urllib3.connectionpool").level == logging.INFO
    caplog.set_level(logging.DEBUG)
    with RawServer([OK], [answer(500)]) as server:
        ask(server, params={"q": CANARIES[3]})
        error_of(server, params={"q": CANARIES[3]})

    assert CANARIES[3] not in caplog.text


def exceptions_of(module: object) -> list[type[Exception]]:
    return [
        each
        for _, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, Exception) and each.__module__.startswith(module.__name__.split(".")[0])
    ]


def test_the_session_catches_whatever_requests_and_urllib3_raise() -> None:
    """The handler in `SalesforceSession.request` names these four; no exception of the libraries is outside."""
    caught = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError)
    walked = exceptions_of(requests.exceptions) + exceptions_of(urllib3.exceptions)
    warnings = [each for each in walked if issubclass(each, Warning)]

    assert len(walked) > 40
    assert [each for each in walked if not issubclass(each, caught) and each not in warnings] == []


@pytest.mark.parametrize("kind", exceptions_of(requests.exceptions), ids=lambda kind: kind.__name__)
def test_each_exception_of_requests_has_its_class(kind: type[Exception]) -> None:
    malformed = issubclass(kind, (ValueError, requests.exceptions.InvalidJSONError))
    error = kind.__new__(kind)

    assert type(transport_error(error, sent=False, write=True)) is (OurMistake if malformed else Transient)
    assert type(transport_error(error, sent=False, write=False)) is (OurMistake if malformed else Transient)
    assert type(transport_error(error, sent=True, write=False)) is Transient
    assert type(transport_error(error, sent=True, write=True)) is OutcomeUnknown
    assert transport_error(error, sent=True, write=True).code == kind.__name__
