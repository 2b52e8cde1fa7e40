"""Writing 200 records in a call, or 1,000 in a composite: one result for each, and nothing taken for granted."""

import json
from collections.abc import Callable

import pytest

from integrations.salesforce.client import SalesforceClient
from integrations.salesforce.errors import (
    ApiDisabled,
    Duplicates,
    LimitReached,
    NoAccess,
    OurMistake,
    OutcomeUnknown,
    RecordGone,
    Rejected,
    SalesforceError,
    SessionExpired,
    StaleDescribe,
    Transient,
)
from integrations.salesforce.hosts import HostRule
from integrations.salesforce.http import open_session
from integrations.salesforce.stand_in import Fault
from integrations.salesforce.writes import RowResult
from tests.integrations.salesforce.raw_server import RawServer, answer
from tests.stand_in_fixtures import TestedStandIn

ADA = "ada@touchline.example"
COLLECTIONS = "/composite/sobjects"


def task(subject: str, **values: object) -> dict[str, object]:
    return {"attributes": {"type": "Task"}, "Subject": subject, **values}


def subjects(stand_in: TestedStandIn) -> list[str]:
    return [row["Subject"] for row in stand_in.org.rows("Task")]


def error_kinds(results: list[RowResult]) -> list[str | None]:
    return [str(result.error) if result.error else None for result in results]


def test_200_records_cost_one_call_and_come_back_in_order(
    stand_in: TestedStandIn, sync_client: SalesforceClient
) -> None:
    before = stand_in.org.usage.used

    results = sync_client.create_many([task(f"Sent: {number}") for number in range(200)])

    assert stand_in.org.usage.used - before == 1
    assert [result.error for result in results] == [None] * 200
    assert [stand_in.org.row(result.id)["Subject"] for result in results] == [f"Sent: {n}" for n in range(200)]


def test_each_record_has_its_own_result(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    results = sync_client.create_many(
        [task("good"), task("bad", Nope="x"), {"Subject": "late type", "attributes": {"type": "Task"}}]
    )

    assert error_kinds(results) == [None, "StaleDescribe(INVALID_FIELD)", None]
    assert [result.id is None for result in results] == [False, True, False]
    assert subjects(stand_in) == ["good", "late type"]
    error = results[1].error
    assert isinstance(error, StaleDescribe)
    assert "Nope" in error.salesforce_text
    assert error.request_id == sync_client.calls.session.request_id is not None


def test_the_type_of_a_record_stands_first() -> None:
    body = b'[{"id":"00T000000000001EAA","success":true,"errors":[]}]'
    with RawServer([answer(200, body)]) as server, open_session(HostRule(frozenset({server.host}))) as session:
        client = SalesforceClient(server.url, "t0ken", session)
        client.create_many([{"Subject": "x", "attributes": {"type": "Task"}}])
        client.update_many([{"Id": "00T000000000001", "Subject": "x", "attributes": {"type": "Task"}}])

    created, updated = [request.split(b"\r\n\r\n", 1) for request in server.received]
    assert created[0].startswith(b"POST /services/data/v62.0/composite/sobjects HTTP/1.1\r\n")
    assert json.loads(created[1])["allOrNone"] is False
    assert created[1].endswith(b'"records": [{"attributes": {"type": "Task"}, "Subject": "x"}]}')
    assert updated[0].startswith(b"PATCH /services/data/v62.0/composite/sobjects HTTP/1.1\r\n")
    assert updated[1].endswith(
        b'"records": [{"attributes": {"type": "Task"}, "id": "00T000000000001EAA", "Subject": "x"}]}'
    )
    assert b"X-PrettyPrint" not in created[0]
    assert b"User-Agent: Touchline/" in created[0]


def test_records_are_changed_and_removed_each_with_its_result(
    stand_in: TestedStandIn, sync_client: SalesforceClient
) -> None:
    first, second = (result.id for result in sync_client.create_many([task("one"), task("two")]))

    changed = sync_client.update_many(
        [
            {"attributes": {"type": "Task"}, "Id": first, "Subject": "uno"},
            {"attributes": {"type": "Task"}, "Id": "00T000000000009EAA", "Subject": "nobody"},
            {"attributes": {"type": "Task"}, "Id": second[:15], "Subject": "due"},
        ]
    )
    assert [result.id for result in changed] == [first, None, second]
    assert isinstance(changed[1].error, RecordGone)
    assert subjects(stand_in) == ["uno", "due"]

    removed = sync_client.delete_many([first, first, second])
    assert [result.id for result in removed] == [first, None, second]
    assert isinstance(removed[1].error, RecordGone)
    assert subjects(stand_in) == []


def test_nothing_to_write_costs_no_call(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    before = stand_in.org.usage.used

    assert (sync_client.create_many([]), sync_client.update_many([]), sync_client.delete_many([])) == ([], [], [])
    assert stand_in.org.usage.used == before


def test_more_than_a_call_takes_is_refused_before_it_is_sent(
    stand_in: TestedStandIn, sync_client: SalesforceClient
) -> None:
    mixed = [{"attributes": {"type": ("Task", "Event")[number % 2]}} for number in range(11)]
    before = stand_in.org.usage.used

    with pytest.raises(ValueError, match="too many records"):
        sync_client.create_many([task("x")] * 1001)
    with pytest.raises(ValueError, match="too many records"):
        sync_client.delete_many(["00T000000000001"] * 201)
    with pytest.raises(ValueError, match="runs of types"):
        sync_client.create_many(mixed)
    assert stand_in.org.usage.used == before


def test_ten_runs_of_types_go(sync_client: SalesforceClient) -> None:
    event = {
        "attributes": {"type": "Event"},
        "Subject": "Meeting",
        "StartDateTime": "2026-11-20T14:00:00Z",
        "DurationInMinutes": 30,
    }
    results = sync_client.create_many([task("x"), event] * 5)

    assert [result.id[:3] for result in results] == ["00T", "00U"] * 5


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("UNABLE_TO_LOCK_ROW", Transient),
        ("UNKNOWN_EXCEPTION", OutcomeUnknown),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", Rejected),
        ("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", NoAccess),
        ("STRING_TOO_LONG", OurMistake),
    ],
)
def test_a_rows_error_has_its_class(
    stand_in: TestedStandIn, sync_client: SalesforceClient, code: str, expected: type
) -> None:
    stand_in.faults.add(Fault("row_error", path=COLLECTIONS, code=code, rows=2))

    results = sync_client.create_many([task("a"), task("b"), task("c")])

    assert [type(result.error) for result in results] == [expected, expected, type(None)]
    assert subjects(stand_in) == ["c"]


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("drop", 0),
        ("process_then_drop", 2),
        ("html", 0),
        ("process_then_html", 2),
        ("garbage", 0),
        ("process_then_garbage", 2),
        ("empty", 0),
    ],
)
def test_without_an_answer_the_outcome_of_all_is_unknown(
    stand_in: TestedStandIn, sync_client: SalesforceClient, kind: str, written: int
) -> None:
    stand_in.faults.add(Fault(kind, path=COLLECTIONS))

    with pytest.raises(SalesforceError) as caught:
        sync_client.create_many([task("a"), task("b")])
    assert type(caught.value) is OutcomeUnknown
    assert len(subjects(stand_in)) == written


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("REQUEST_LIMIT_EXCEEDED", LimitReached),
        ("INVALID_SESSION_ID", SessionExpired),
        ("API_DISABLED_FOR_ORG", ApiDisabled),
        ("JSON_PARSER_ERROR", OurMistake),
        ("SERVER_UNAVAILABLE", OutcomeUnknown),
    ],
)
def test_a_refused_call_is_one_error(
    stand_in: TestedStandIn, sync_client: SalesforceClient, code: str, expected: type
) -> None:
    stand_in.faults.add(Fault("api_error", path=COLLECTIONS, code=code))

    with pytest.raises(SalesforceError) as caught:
        sync_client.create_many([task("a")])
    assert type(caught.value) is expected
    assert caught.value.code == code
    assert caught.value.request_id is not None
    assert subjects(stand_in) == []


def test_what_the_orgs_rules_say(stand_in: TestedStandIn, connect_as: Callable[[str], SalesforceClient]) -> None:
    stand_in.org.deny(ADA, "Task", "c")

    (result,) = connect_as(ADA).create_many([task("a")])
    assert isinstance(result.error, (NoAccess, StaleDescribe))
    assert subjects(stand_in) == []


# --- answers that do not fit the request


@pytest.fixture
def create_with() -> Callable[[str], list[RowResult]]:
    """What create_many makes of this body for two records."""

    def create(body: str) -> list[RowResult]:
        with (
            RawServer([answer(200, body)]) as server,
            open_session(HostRule(frozenset({server.host}))) as session,
        ):
            return SalesforceClient(server.url, "t0ken", session).create_many([task("a"), task("b")])

    return create


GOOD_ROW = '{"id":"00T000000000001EAA","success":true,"errors":[]}'
FAILED_ROW = '{"success":false,"errors":[{"statusCode":"DUPLICATES_DETECTED","message":"x","fields":[]}]}'


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{}", f"[{GOOD_ROW}]", f"[{GOOD_ROW},{GOOD_ROW},{GOOD_ROW}]", '{"results":[]}', "null", "[", "7"],
)
def test_a_list_of_another_length_leaves_all_unknown(create_with: Callable, body: str) -> None:
    with pytest.raises(SalesforceError) as caught:
        create_with(body)

    assert type(caught.value) is OutcomeUnknown


@pytest.mark.parametrize(
    "row",
    [
        "null",
        "5",
        "[]",
        "{}",
        '{"success":true}',
        '{"success":true,"id":null,"errors":[]}',
        '{"success":"true","id":"00T000000000001EAA","errors":[]}',
        '{"success":false,"errors":[]}',
        '{"success":false}',
        '{"success":false,"errors":"x"}',
        '{"id":"00T000000000001EAA","errors":[]}',
    ],
)
def test_a_malformed_row_is_unknown_and_its_neighbour_is_not(create_with: Callable, row: str) -> None:
    results = create_with(f"[{row},{GOOD_ROW}]")

    assert str(results[0].error) == "OutcomeUnknown(result_malformed)"
    assert results[0].id is None
    assert results[1] == RowResult("00T000000000001EAA", None)


def test_of_several_errors_the_cause_is_told(create_with: Callable) -> None:
    row = (
        '{"success":false,"errors":[{"statusCode":"ALL_OR_NONE_OPERATION_ROLLED_BACK","message":"x"},'
        '{"statusCode":"REQUIRED_FIELD_MISSING","message":"y","fields":["A__c"]}]}'
    )
    first, second = create_with(f"[{row},{FAILED_ROW}]")

    assert (str(first.error), first.error.fields) == ("Rejected(REQUIRED_FIELD_MISSING)", ("A__c",))
    assert str(second.error) == "Rejected(DUPLICATES_DETECTED)"


# --- more than 200: a composite of collections

PARTS = "/services/data/v62.0/composite"


def test_1000_records_cost_one_call_and_come_back_in_order(
    stand_in: TestedStandIn, sync_client: SalesforceClient
) -> None:
    before = stand_in.org.usage.used
    records = [task(f"Sent: {number}") for number in range(1000)]
    records[450]["Nope"] = "x"

    results = sync_client.create_many(records)
    changed = sync_client.update_many(
        [{"attributes": {"type": "Task"}, "Id": result.id, "Subject": "new"} for result in results if result.id]
    )

    assert stand_in.org.usage.used - before == 2
    assert [number for number, kind in enumerate(error_kinds(results)) if kind] == [450]
    assert isinstance(results[450].error, StaleDescribe)
    assert [result.id for result in changed] == [result.id for result in results if result.id]
    assert subjects(stand_in) == ["new"] * 999


def test_a_part_that_is_refused_as_a_whole_is_the_error_of_its_records(
    stand_in: TestedStandIn, sync_client: SalesforceClient
) -> None:
    stand_in.org.unknown_field_refuses_call = True
    records = [task(f"{number}") for number in range(401)]
    records[250]["Nope"] = "x"

    results = sync_client.create_many(records)

    assert error_kinds(results) == [None] * 200 + ["StaleDescribe(INVALID_FIELD)"] * 200 + [None]


def test_text_that_a_composite_would_replace_is_not_sent_in_one(sync_client: SalesforceClient) -> None:
    records = [task("x") for _ in range(200)]

    with pytest.raises(ValueError, match="reference"):
        sync_client.create_many([*records, task("Fill in @{name}")])
    assert error_kinds(sync_client.create_many([*records[1:], task("Fill in @{name}")])) == [None] * 200


def part_answer(name: str, body: str, status: object = 200) -> str:
    return f'{{"referenceId":"{name}","httpStatusCode":{json.dumps(status)},"httpHeaders":{{}},"body":{body}}}'


def composite_answer(*parts: str) -> str:
    return f'{{"compositeResponse":[{",".join(parts)}]}}'


def create_401(body: str) -> tuple[list[RowResult], RawServer]:
    """What create_many makes of this answer for 200, 200 and one record."""
    with RawServer([answer(200, body)]) as server, open_session(HostRule(frozenset({server.host}))) as session:
        return SalesforceClient(server.url, "t0ken", session).create_many([task("a")] * 401), server


MANY = f"[{','.join([GOOD_ROW] * 200)}]"
ONE = f"[{GOOD_ROW}]"


def test_a_composite_names_its_parts() -> None:
    _, server = create_401(composite_answer(*(part_answer(f"part{n}", b) for n, b in enumerate((MANY, MANY, ONE)))))

    head, body = server.received[0].split(b"\r\n\r\n", 1)
    assert head.startswith(f"POST {PARTS} HTTP/1.1\r\n".encode())
    sent = json.loads(body)
    assert sent["allOrNone"] is False
    assert [
        (part["method"], part["url"], part["referenceId"], part["body"]["allOrNone"], len(part["body"]["records"]))
        for part in sent["compositeRequest"]
    ] == [("POST", f"{PARTS}/sobjects", f"part{number}", False, count) for number, count in enumerate((200, 200, 1))]


def test_each_part_is_known_by_its_name_and_unknown_where_it_does_not_fit() -> None:
    refused = '[{"errorCode":"JSON_PARSER_ERROR","message":"x"}]'
    results, _ = create_401(
        composite_answer(part_answer("part2", refused, 400), part_answer("part1", ONE), part_answer("part0", MANY))
    )

    assert error_kinds(results) == (
        [None] * 200 + ["OutcomeUnknown(results_incomplete)"] * 200 + ["OurMistake(JSON_PARSER_ERROR)"]
    )


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (part_answer("part2", ONE, "200"), "OutcomeUnknown(composite_malformed)"),
        (part_answer("part2", ONE, 302), "OutcomeUnknown(composite_malformed)"),
        (part_answer("part2", "null", 503), "OutcomeUnknown(HTTP_503)"),
        (part_answer("part2", "null"), "OutcomeUnknown(results_incomplete)"),
        (part_answer("part7", ONE), "OutcomeUnknown(result_malformed)"),
        ("null", "OutcomeUnknown(result_malformed)"),
    ],
)
def test_a_part_without_an_answer_leaves_its_records_unknown(part: str, expected: str) -> None:
    results, _ = create_401(composite_answer(part_answer("part0", MANY), part_answer("part1", MANY), part))

    assert error_kinds(results) == [None] * 400 + [expected]


@pytest.mark.parametrize(
    "body", ["{}", "[]", composite_answer(part_answer("part0", MANY)), '{"compositeResponse":7}']
)
def test_a_composite_without_an_answer_for_each_part_leaves_all_unknown(body: str) -> None:
    with pytest.raises(OutcomeUnknown) as caught:
        create_401(body)

    assert caught.value.code == "results_incomplete"


# --- One person -------------------------------------------------------------------------------------------

GRACE = {"FirstName": "Grace", "LastName": "Hopper", "Company": "Navy", "Email": "grace@hopper.example"}


def test_one_person_is_created_in_one_call(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    before = stand_in.org.usage.used

    lead = stand_in.org.row(sync_client.create_person("Lead", GRACE))

    assert stand_in.org.usage.used - before == 1
    assert {name: lead[name] for name in GRACE} == GRACE


def test_a_duplicate_rule_names_whom_it_found(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    there = [stand_in.org.add("Lead", **GRACE), stand_in.org.add("Contact", LastName="Hopper")]
    stand_in.org.add_duplicate_rule("Lead", ["LastName"], among=["Contact", "Lead"])

    with pytest.raises(Rejected) as raised:
        sync_client.create_person("Lead", GRACE)

    assert (raised.value.code, raised.value.salesforce_text) == ("DUPLICATES_DETECTED", "Use one of these records?")
    assert raised.value.duplicates == Duplicates(tuple(reversed(there)), may_save=True)
    assert stand_in.org.row(sync_client.create_person("Lead", GRACE, allow_duplicates=True))


def test_a_rule_that_blocks_lets_nobody_through(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    there = stand_in.org.add("Lead", **GRACE)
    stand_in.org.add_duplicate_rule("Lead", ["Email"], blocks=True)

    with pytest.raises(Rejected) as raised:
        sync_client.create_person("Lead", GRACE, allow_duplicates=True)

    assert raised.value.duplicates == Duplicates((there,), may_save=False)


def test_leads_are_assigned_only_when_asked_for(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    stand_in.org.assign_leads(ADA)

    kept = sync_client.create_person("Lead", GRACE)
    given = sync_client.create_person("Lead", GRACE, assignment_rules=True)

    ada, sync = (stand_in.org.user(email)["Id"] for email in (ADA, "sync@touchline.example"))
    assert [stand_in.org.row(each)["OwnerId"] for each in (kept, given)] == [sync, ada]


@pytest.mark.parametrize("body", ["{}", "[]", '{"id":7,"success":true}', '{"id":"00Q000000000001AAA"}'])
def test_an_answer_that_names_no_person_leaves_the_outcome_unknown(body: str) -> None:
    with RawServer([answer(201, body)]) as server, open_session(HostRule(frozenset({server.host}))) as session:
        client = SalesforceClient(server.url, "t0ken", session)
        with pytest.raises(OutcomeUnknown):
            client.create_person("Lead", GRACE)
