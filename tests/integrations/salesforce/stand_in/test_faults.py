"""Faults on order, as a client meets them on the wire."""

import time

import pytest
import requests

from integrations.salesforce.stand_in import Fault
from integrations.salesforce.stand_in.errors import CATALOG, LIMIT_CONCURRENT
from integrations.salesforce.stand_in.faults import KINDS
from integrations.salesforce.stand_in.ready_faults import READY
from tests.integrations.salesforce.stand_in.caller import BEN, Caller, error
from tests.stand_in_fixtures import TestedStandIn

BROKEN = requests.exceptions.ConnectionError


def tasks(caller: Caller) -> int:
    return len(caller.stand_in.org.rows("Task"))


def wait_for_tasks(caller: Caller, number: int) -> None:
    until = time.monotonic() + 5
    while tasks(caller) != number:
        assert time.monotonic() < until
        time.sleep(0.005)


def refresh(stand_in: TestedStandIn, token: str) -> requests.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    form |= {"client_id": stand_in.client_id, "client_secret": stand_in.client_secret}
    return requests.post(stand_in.login_url + "/services/oauth2/token", form, timeout=5)


@pytest.mark.parametrize(("kind", "saved"), [("drop", 0), ("process_then_drop", 1), ("delay_then_drop", 1)])
def test_a_broken_connection(ada: Caller, kind: str, saved: int) -> None:
    ada.stand_in.faults.add(Fault(kind))

    with pytest.raises(BROKEN):
        ada.create_many({"type": "Task"})
    assert tasks(ada) == saved
    assert ada.create("Task")
    assert tasks(ada) == saved + 1


def test_calls_that_hold_a_text(ada: Caller) -> None:
    ada.stand_in.faults.add(Fault("api_error", code="JSON_PARSER_ERROR", holding="bad", times=None))

    answers = [ada.create_many({"type": "Task", "Subject": subject}) for subject in ("good", "a bad one", "good")]

    assert [each.status_code for each in answers] == [200, 400, 200]
    assert tasks(ada) == 2


def test_late_work_after_its_seconds(ada: Caller) -> None:
    ada.stand_in.faults.add(Fault("drop_then_process", seconds=0.05))
    with pytest.raises(BROKEN):
        ada.create("Task")
    before = tasks(ada)
    wait_for_tasks(ada, 1)

    assert before == 0


def test_late_work_when_it_is_released(ada: Caller) -> None:
    ada.stand_in.faults.add(Fault("drop_then_process"))
    with pytest.raises(BROKEN):
        ada.create("Task")
    time.sleep(0.02)
    assert tasks(ada) == 0

    ada.stand_in.faults.release()
    wait_for_tasks(ada, 1)


def test_late_work_ends_with_its_orgs(ada: Caller) -> None:
    ada.stand_in.faults.add(Fault("drop_then_process"))
    with pytest.raises(BROKEN):
        ada.create("Task")
    old = ada.stand_in.org
    ada.stand_in.reset(old)
    ada.stand_in.late_work[-1].join(timeout=5)

    assert not ada.stand_in.late_work[-1].is_alive()
    assert old.rows("Task") == []


def test_a_slow_answer(ada: Caller) -> None:
    ada.stand_in.faults.add(Fault("delay", seconds=0.15))
    with pytest.raises(requests.exceptions.ReadTimeout):
        ada.session.post(
            ada.tokens["instance_url"] + "/services/data/v62.0/sobjects/Task", json={}, timeout=(5, 0.05)
        )
    wait_for_tasks(ada, 1)


@pytest.mark.parametrize(("kind", "saved"), [("html", 0), ("process_then_html", 1)])
@pytest.mark.parametrize("status", [500, 502, 503])
def test_pages_instead_of_answers(ada: Caller, kind: str, saved: int, status: int) -> None:
    ada.stand_in.faults.add(Fault(kind, status=status))
    answer = ada.create_many({"type": "Task"})

    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html; charset=UTF-8")
    assert answer.text.startswith(f"<html><head><title>{status}</title>")
    assert tasks(ada) == saved


@pytest.mark.parametrize(("kind", "saved"), [("garbage", 0), ("process_then_garbage", 1)])
def test_garbage(ada: Caller, kind: str, saved: int) -> None:
    ada.stand_in.faults.add(Fault(kind))
    answer = ada.create_many({"type": "Task"})

    assert answer.status_code == 200
    with pytest.raises(ValueError):
        answer.json()
    assert tasks(ada) == saved


def test_an_empty_answer_xml_and_a_bare_error(ada: Caller) -> None:
    for fault in (Fault("empty", status=420), Fault("xml"), Fault("bare_error", code="NOT_FOUND")):
        ada.stand_in.faults.add(fault)
    empty, xml, bare = (ada.get("limits") for _ in range(3))

    assert (empty.status_code, empty.content) == (420, b"")
    assert (xml.status_code, xml.headers["Sfdc-OAuth-Error"]) == (401, "1703")
    assert xml.text.startswith("<response><faultcode>LOGIN_OAUTH_INVALID_TOKEN")
    assert bare.json() == error("NOT_FOUND", "The requested resource does not exist")[0]


@pytest.mark.parametrize("code", sorted(CATALOG))
def test_every_known_error_can_be_ordered(ada: Caller, code: str) -> None:
    ada.stand_in.faults.add(Fault("api_error", code=code))
    answer = ada.create_many({"type": "Task"})

    assert answer.status_code == CATALOG[code][0]
    assert answer.json()[0]["errorCode"] == code
    assert ("Sforce-Limit-Info" in answer.headers) == (code != "INVALID_SESSION_ID")
    assert tasks(ada) == 0


def test_an_error_with_its_own_words(ada: Caller) -> None:
    ada.stand_in.faults.add(
        Fault("api_error", code="REQUEST_LIMIT_EXCEEDED", message=LIMIT_CONCURRENT, fields=("X",), status=420)
    )
    answer = ada.get("limits")

    assert (answer.status_code, answer.json()) == (
        420,
        error("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.", "X"),
    )


def test_errors_of_some_rows(ada: Caller) -> None:
    what = ada.stand_in.org.rows("Account")[0]["Id"]
    ada.stand_in.faults.add(Fault("row_error", code="UNABLE_TO_LOCK_ROW", rows=2))
    answer = ada.create_many(*[{"type": "Task", "WhatId": what}] * 3)

    lock = {
        "statusCode": "UNABLE_TO_LOCK_ROW",
        "message": f"unable to obtain exclusive access to this record or 1 records: {what}",
        "fields": [],
    }
    assert [row["success"] for row in answer.json()] == [False, False, True]
    assert [row["errors"] for row in answer.json()] == [[lock], [lock], []]
    assert tasks(ada) == 1


def test_errors_of_single_records(ada: Caller) -> None:
    task = ada.create("Task")
    for _ in range(3):
        ada.stand_in.faults.add(Fault("row_error", code="ENTITY_IS_LOCKED"))

    answers = [ada.post("sobjects/Task", {}), ada.call("PATCH", f"sobjects/Task/{task}", json={})]
    answers.append(ada.call("DELETE", f"sobjects/Task/{task}"))
    assert [each.json()[0]["errorCode"] for each in answers] == ["ENTITY_IS_LOCKED"] * 3
    assert tasks(ada) == 1


def test_a_redirect(ada: Caller) -> None:
    ada.stand_in.faults.add(Fault("redirect", location="https://evil.example/x"))
    answer = ada.get("limits")

    assert (answer.status_code, answer.headers["Location"]) == (302, "https://evil.example/x")


# -- which calls


def test_the_third_call_and_two_times(ada: Caller) -> None:
    ada.stand_in.faults.add(Fault("html", skip=2, times=2))

    assert [ada.get("limits").status_code for _ in range(6)] == [200, 200, 503, 503, 200, 200]


def test_for_ever_until_cleared(ada: Caller) -> None:
    fault = ada.stand_in.faults.add(Fault("html", times=None))
    assert [ada.get("limits").status_code for _ in range(3)] == [503] * 3
    ada.stand_in.faults.clear(fault.number)

    assert ada.get("limits").status_code == 200
    assert len(ada.stand_in.faults.taken) == 3


def test_faults_choose_their_calls(ada: Caller, ben: Caller) -> None:
    for values in ({"method": "POST"}, {"path": "describe$"}, {"object": "lead"}, {"user": BEN}):
        ada.stand_in.faults.add(Fault("html", times=None, **values))
    query = {"referenceId": "a", "method": "GET", "url": "/services/data/v62.0/query?q=SELECT Id FROM Lead"}

    assert ada.get("limits").status_code == 200
    assert ada.create_many({"type": "Task"}).status_code == 503
    assert ada.get("sobjects/Task/describe").status_code == 503
    assert ada.get("sobjects/Lead").status_code == 503
    assert ada.get("query?q=SELECT Id FROM Lead").status_code == 503
    assert ada.get("query?q=SELECT Id FROM Contact").status_code == 200
    assert ben.get("limits").status_code == 503
    ada.stand_in.faults.clear(1)
    assert ada.create_many({"type": "Task"}).status_code == 200
    assert ada.create_many({"type": "Lead"}).status_code == 503
    assert ada.post("composite", {"compositeRequest": [query]}).status_code == 503


def test_the_first_fitting_fault_is_met(ada: Caller) -> None:
    ada.stand_in.faults.add(Fault("html", status=502))
    ada.stand_in.faults.add(Fault("html", status=500))

    assert [ada.get("limits").status_code for _ in range(3)] == [502, 500, 200]


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind 'explode'"):
        Fault("explode")


# -- at the token endpoint


def test_a_lost_refresh_answer_costs_the_grant(ada: Caller) -> None:
    stand_in, token = ada.stand_in, ada.tokens["refresh_token"]
    stand_in.faults.add(READY["lost_refresh_answer"].make())
    with pytest.raises(BROKEN):
        refresh(stand_in, token)

    again = refresh(stand_in, token)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    grant = stand_in.oauth.grants[0]
    assert (grant.is_live, grant.refreshes, grant.reuses, list(grant.presented.values())) == (False, 1, 1, [2])


def test_a_refresh_that_never_arrived_can_be_repeated(ada: Caller) -> None:
    stand_in, token = ada.stand_in, ada.tokens["refresh_token"]
    stand_in.faults.add(Fault("drop", path="/token$", object="refresh_token"))
    with pytest.raises(BROKEN):
        refresh(stand_in, token)

    assert refresh(stand_in, token).status_code == 200


def test_errors_of_the_token_endpoint(ada: Caller) -> None:
    ada.stand_in.faults.add(
        Fault("oauth_error", path="/token$", code="unknown_error", message="retry your request", status=500)
    )
    answer = refresh(ada.stand_in, ada.tokens["refresh_token"])

    assert answer.status_code == 500
    assert answer.json() == {"error": "unknown_error", "error_description": "retry your request"}


@pytest.mark.parametrize("name", sorted(READY))
def test_ready_faults_are_met_by_what_they_name(ada: Caller, name: str) -> None:
    """Each ready fault can be made, and waits for a kind of call that Touchline makes."""
    fault = ada.stand_in.faults.add(READY[name].make(seconds=0, times=1))
    try:
        ada.create_many({"type": "Task"})
        ada.get("limits")
        refresh(ada.stand_in, ada.tokens["refresh_token"])
        requests.get(ada.stand_in.login_url + "/services/oauth2/authorize", timeout=5)
    except BROKEN:
        pass

    assert fault in ada.stand_in.faults.taken
    assert fault.kind in KINDS
    assert fault.title == READY[name].title
