"""Calls through simple-salesforce: its gaps are filled and none of its exceptions comes out."""

import inspect
import json
import logging
import traceback
from collections.abc import Callable
from urllib.parse import unquote_plus

import pytest
import simple_salesforce.exceptions

from integrations.salesforce.calls import Calls, _library_errors, unknown_columns
from integrations.salesforce.client import SalesforceClient
from integrations.salesforce.errors import (
    HostNotAllowed,
    OurMistake,
    OutcomeUnknown,
    RecordGone,
    SalesforceError,
    StaleDescribe,
    Transient,
    UnexpectedAnswer,
)
from integrations.salesforce.hosts import HostRule
from integrations.salesforce.http import open_session
from integrations.salesforce.soql import build_query
from tests.integrations.salesforce.hostile_urls import HOSTILE_URLS
from tests.integrations.salesforce.raw_server import RawServer, answer
from tests.integrations.salesforce.recorded import needs_recordings, read_recording

EMPTY_PAGE = '{"totalSize":0,"done":true,"records":[]}'


def call(server: RawServer, use: Callable[[Calls], object]) -> object:
    with open_session(HostRule(frozenset({server.host}))) as session:
        return use(Calls(server.url, "t0ken", session, "62.0"))


def error_of(server: RawServer, use: Callable[[Calls], object]) -> SalesforceError:
    with pytest.raises(SalesforceError) as caught:
        call(server, use)
    return caught.value


def composite(*answers: tuple[int, object]) -> bytes:
    parts = [
        {"body": body, "httpHeaders": {}, "httpStatusCode": status, "referenceId": f"q{number}"}
        for number, (status, body) in enumerate(answers)
    ]
    return answer(200, json.dumps({"compositeResponse": parts}))


def page(*ids: str, more: str | None = None) -> dict[str, object]:
    body = {"totalSize": 9, "done": more is None, "records": [{"Id": each} for each in ids]}
    return body | ({"nextRecordsUrl": more} if more else {})


# --- what is sent


def test_a_query_is_sent_as_one_get() -> None:
    with RawServer([answer(200, EMPTY_PAGE)]) as server:
        call(server, lambda calls: calls.query("SELECT Id FROM Contact WHERE Email = 'a+b@x.example'"))

    head = server.received[0].decode()
    line, *headers = head.split("\r\n")
    assert unquote_plus(line) == (
        "GET /services/data/v62.0/query?q=SELECT Id FROM Contact WHERE Email = 'a+b@x.example' HTTP/1.1"
    )
    assert "a%2Bb%40x.example" in line
    assert "Authorization: Bearer t0ken" in headers
    assert not [header for header in headers if header.startswith("X-PrettyPrint")]


def test_many_queries_travel_in_the_body() -> None:
    with RawServer([composite((200, page("a")), (200, page("b")))]) as server:
        rows = call(server, lambda calls: calls.query_many(["SELECT Id FROM A", "SELECT Id FROM B"]))

    assert rows == [[{"Id": "a"}], [{"Id": "b"}]]
    head, body = server.received[0].split(b"\r\n\r\n", 1)
    assert head.startswith(b"POST /services/data/v62.0/composite HTTP/1.1\r\n")
    assert json.loads(body) == {
        "allOrNone": False,
        "compositeRequest": [
            {
                "method": "GET",
                "url": f"/services/data/v62.0/query?q=SELECT%20Id%20FROM%20{name}",
                "referenceId": f"q{number}",
            }
            for number, name in enumerate("AB")
        ],
    }


def test_five_queries_cost_one_call() -> None:
    scripts = [[composite(*[(200, page("x"))] * 5)], [composite((200, page("y")))]]
    with RawServer(*scripts) as server:
        rows = call(server, lambda calls: calls.query_many([f"SELECT Id FROM A{n}" for n in range(6)]))

    assert rows == [[{"Id": "x"}]] * 5 + [[{"Id": "y"}]]
    assert len(server.received) == 2


def test_pages_are_followed_to_the_end() -> None:
    scripts = [
        [answer(200, json.dumps(page("a", more="/services/data/v62.0/query/0r8xx5R2yRjYJoUASW-1000")))],
        [answer(200, json.dumps(page("b", more="/services/data/v62.0/query/0r8xx5R2yRjYJoUASW-2000")))],
        [answer(200, json.dumps(page("c")))],
    ]
    with RawServer(*scripts) as server:
        rows = call(server, lambda calls: calls.query("SELECT Id FROM A"))

    assert rows == [{"Id": "a"}, {"Id": "b"}, {"Id": "c"}]
    assert [request.split(b" ")[1] for request in server.received[1:]] == [
        b"/services/data/v62.0/query/0r8xx5R2yRjYJoUASW-1000",
        b"/services/data/v62.0/query/0r8xx5R2yRjYJoUASW-2000",
    ]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/services/data/v62.0/query/01g-2000",
        "//evil.example/services/data/v62.0/query/01g-2000",
        "@evil.example/services/data/v62.0/query/01g-2000",
        "/services/data/v62.0/sobjects/User/005",
        "/services/data/v62.0/query/../sobjects",
        "/services/data/v62.0/query/01g-2000?q=x",
        "/services/data/v61.0/query/01g-2000",
        "/services/data/v62x0/query/01g-2000",
        "",
        None,
        5,
    ],
)
def test_a_next_page_leads_nowhere_else(url: object) -> None:
    body = page("a") | {"done": False, "nextRecordsUrl": url}
    with RawServer([answer(200, json.dumps(body))]) as server:
        error = error_of(server, lambda calls: calls.query("SELECT Id FROM A"))

        assert str(error) == "UnexpectedAnswer(next_page_malformed)"
        assert len(server.received) == 1


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_no_client_for_a_hostile_instance(url: str) -> None:
    with open_session(HostRule()) as session, pytest.raises(HostNotAllowed):
        SalesforceClient(url, "t0ken", session)


# --- what goes wrong


def test_a_failed_query_among_several_is_an_error() -> None:
    refusal = [{"errorCode": "INVALID_FIELD", "message": "No such column 'X' on entity 'B'", "fields": []}]
    script = composite((200, page("a")), (400, refusal)).replace(b"\r\n\r\n", b"\r\nx-sfdc-request-id: r1\r\n\r\n")
    with RawServer([script]) as server:
        error = error_of(server, lambda calls: calls.query_many(["SELECT Id FROM A", "SELECT X FROM B"]))

    assert (type(error), error.code, error.http_status) == (StaleDescribe, "INVALID_FIELD", 400)
    assert error.request_id == "r1"


def test_of_several_failed_queries_the_cause_is_told() -> None:
    halted = [{"errorCode": "PROCESSING_HALTED", "message": "x"}]
    missing = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
    with RawServer([composite((400, halted), (404, missing))]) as server:
        assert type(error_of(server, lambda calls: calls.query_many(["SELECT Id FROM A"] * 2))) is RecordGone


@pytest.mark.parametrize("status", [500, 503, 420])
@pytest.mark.parametrize("body", [None, "busy", [], {}])
def test_a_broken_sub_answer_is_transient(status: int, body: object) -> None:
    with RawServer([composite((status, body))]) as server:
        assert type(error_of(server, lambda calls: calls.query_many(["SELECT Id FROM A"]))) is Transient


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[]",
        '{"compositeResponse":null}',
        '{"compositeResponse":[]}',
        '{"compositeResponse":[null]}',
        '{"compositeResponse":[{}]}',
        '{"compositeResponse":[{"httpStatusCode":200}]}',
        '{"compositeResponse":[{"httpStatusCode":200,"body":[]}]}',
        '{"compositeResponse":[{"httpStatusCode":200,"body":{"done":true}}]}',
        '{"compositeResponse":[{"httpStatusCode":200,"body":{"done":false,"records":[]}}]}',
        '{"compositeResponse":[{},{}]}',
        "",
        "{",
    ],
)
def test_a_malformed_composite_is_refused(body: str) -> None:
    with RawServer([answer(200, body)]) as server:
        error = error_of(server, lambda calls: calls.query_many(["SELECT Id FROM A"]))

    assert type(error) is UnexpectedAnswer


@needs_recordings
def test_the_recorded_composite_with_a_failure_inside() -> None:
    body = read_recording("errors/composite-invalid-type.json")[0]["response"]["body"]
    with RawServer([answer(200, json.dumps(body))]) as server:
        error = error_of(server, lambda calls: calls.query_many(["SELECT Id FROM A"] * 2))

    assert str(error) == "NoAccess(INVALID_TYPE)"


@pytest.mark.parametrize("status", [*range(300, 309), *range(400, 432), 451, 499, *range(500, 512), 599])
def test_every_status_comes_out_of_simple_salesforce_as_an_error_of_ours(status: int) -> None:
    """That library has an exception class for each of these; our session is faster."""
    canary = "canary-body"
    with RawServer([answer(status, f"<html>{canary}</html>", "x-sfdc-request-id: r1\r\n")]) as server:
        read = error_of(server, lambda calls: calls.call("GET", "limits"))
        written = error_of(
            server, lambda calls: calls.call("POST", "composite/sobjects", json={"a": canary}, write=True)
        )

    server_fault = status == 420 or status >= 500
    assert type(read) is (Transient if server_fault else UnexpectedAnswer)
    assert type(written) is (OutcomeUnknown if server_fault else UnexpectedAnswer)
    assert (read.code, read.http_status, read.request_id) == (f"HTTP_{status}", status, "r1")
    assert canary not in "".join(traceback.format_exception(written)) + repr(written)


def test_no_exception_of_simple_salesforce_is_left_out() -> None:
    raised = [
        each
        for _, each in inspect.getmembers(simple_salesforce.exceptions, inspect.isclass)
        if issubclass(each, Exception)
    ]

    assert len(raised) >= 10
    assert [each for each in raised if not issubclass(each, _library_errors())] == []


@pytest.mark.parametrize(
    "body", ["{", '{"canary":', "[canary]", "[" * 50_000, "{}canary", "<html>canary</html>", "7", ""]
)
def test_what_the_library_cannot_read_becomes_ours(body: str, caplog: pytest.LogCaptureFixture) -> None:
    with RawServer([answer(200, body)]) as server:
        read = error_of(server, lambda calls: calls.call("GET", "limits"))
        written = error_of(server, lambda calls: calls.call("POST", "composite/sobjects", json={}, write=True))

    assert (str(read), str(written)) == (
        "UnexpectedAnswer(unreadable_answer)",
        "OutcomeUnknown(unreadable_answer)",
    )
    for error in (read, written):
        assert (error.__cause__, error.__context__) == (None, None)
        logging.getLogger("test").error("failed", exc_info=error)
    assert "canary" not in caplog.text


def test_a_token_that_would_break_the_header_is_our_mistake() -> None:
    with RawServer([answer(200, "{}")]) as server, open_session(HostRule(frozenset({server.host}))) as session:
        with pytest.raises(OurMistake):
            Calls(server.url, "canary\r\nX-Injected: yes", session, "62.0").call("GET", "limits")
        assert server.received == []


# --- columns that a user may not see


@pytest.mark.parametrize(
    ("message", "hidden"),
    [
        ("No such column 'Company' on entity 'Lead'. If you are attempting to use a custom field, be …", ["Company"]),
        (
            "\nSELECT Id, company FROM Lead\n ERROR at Row:1:Column:12\nNo such column 'company' on entity",
            ["Company"],
        ),
        ("Didn't understand relationship 'Account' in field path. If you …", ["Account.Name"]),
        ("No such column 'Name' on entity 'Account'", ["Account.Name"]),
        ("No such column 'Email' on entity 'Contact'", []),
        ("something else", []),
        ("", []),
    ],
)
def test_the_column_that_salesforce_names(message: str, hidden: list[str]) -> None:
    error = StaleDescribe("INVALID_FIELD", salesforce_text=message)

    assert unknown_columns(error, ["AccountId", "Account.Name", "Company"]) == hidden


def test_a_query_too_long_for_an_address_goes_in_a_composite(sync_client: SalesforceClient) -> None:
    addresses = [f"somebody.with.a.rather.long.name.{number}@customer.example" for number in range(300)]
    query = build_query("Contact", ("Id",), "WHERE Email IN {addresses}", addresses=addresses)

    assert len(query) > 16_384
    assert sync_client.calls.query_many([query]) == [[]]
