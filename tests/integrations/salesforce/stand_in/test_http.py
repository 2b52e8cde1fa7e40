"""Hosts, versions, headers, compression, and the limits of the transport."""

import gzip
import json
import re
import socket

import pytest
import requests

from tests.integrations.salesforce.stand_in.caller import VERSION, Caller, error
from tests.stand_in_fixtures import TestedStandIn

NOT_FOUND = error("NOT_FOUND", "The requested resource does not exist")


def test_the_hosts_do_not_do_each_others_work(ada: Caller) -> None:
    stand_in = ada.stand_in
    header = {"Authorization": ada.session.headers["Authorization"]}

    data_at_login = requests.get(stand_in.login_url + VERSION + "/limits", headers=header, timeout=10)
    login_at_instance = [ada.get("/services/oauth2/authorize"), ada.post("/services/oauth2/token", {})]

    assert (data_at_login.status_code, data_at_login.json()) == (404, NOT_FOUND)
    assert [(each.status_code, each.json()) for each in login_at_instance] == [(404, NOT_FOUND)] * 2


def test_a_token_is_good_at_its_own_org_only(ada: Caller) -> None:
    globex = ada.stand_in.instance_url_of(ada.stand_in.orgs[2])
    answer = ada.session.get(globex + VERSION + "/limits", timeout=10)

    assert (answer.status_code, answer.json()) == (
        401,
        error("INVALID_SESSION_ID", "Session expired or invalid"),
    )


def test_the_certificate_is_of_its_own_authority(stand_in: TestedStandIn) -> None:
    with requests.Session() as session:
        session.trust_env = False
        with pytest.raises(requests.exceptions.SSLError):
            session.get(stand_in.instance_url + "/services/data", timeout=10)
        answer = session.get(stand_in.instance_url + "/services/data", verify=stand_in.ca_bundle, timeout=10)
        assert answer.status_code == 200


def test_settings_lead_to_the_stand_in(stand_in: TestedStandIn) -> None:
    assert stand_in.settings() == {
        "SALESFORCE_CLIENT_ID": stand_in.client_id,
        "SALESFORCE_CLIENT_SECRET": stand_in.client_secret,
        "SALESFORCE_LOGIN_URL": stand_in.login_url,
        "SALESFORCE_SANDBOX_LOGIN_URL": stand_in.sandbox_login_url,
        "SALESFORCE_EXTRA_HOSTS": ",".join(
            url.split("//")[1]
            for url in (
                stand_in.login_url,
                stand_in.sandbox_login_url,
                *(stand_in.instance_url_of(org) for org in stand_in.orgs),
            )
        ),
        "SALESFORCE_CA_BUNDLE": stand_in.ca_bundle,
    }


def test_versions_are_open_to_all_and_not_counted(stand_in: TestedStandIn) -> None:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(stand_in.instance_url + "/services/data/", verify=stand_in.ca_bundle, timeout=10)

    versions = answer.json()
    assert [each["version"] for each in versions] == [f"{number}.0" for number in range(31, 69)]
    assert versions[0] == {"label": "Summer '14", "url": "/services/data/v31.0", "version": "31.0"}
    assert [each["label"] for each in versions[-3:]] == ["Spring '26", "Summer '26", "Winter '27"]
    assert "Sforce-Limit-Info" not in answer.headers
    assert stand_in.org.usage.used == 0


@pytest.mark.parametrize(
    ("version", "status", "code"),
    [("v30.0", 410, "GONE"), ("v69.0", 404, "UNSUPPORTED_API_VERSION"), ("v62", 404, "UNSUPPORTED_API_VERSION")],
)
def test_other_versions_are_gone_or_unknown(ada: Caller, version: str, status: int, code: str) -> None:
    answer = ada.get(f"/services/data/{version}/limits")

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, code)


@pytest.mark.parametrize("path", ["sobjects/Task/describe", "query?q=SELECT+Id+FROM+Nothing", "nonsense"])
def test_every_counted_answer_tells_the_usage(ada: Caller, path: str) -> None:
    headers = [ada.get(path).headers for _ in range(2)]

    assert [each["Sforce-Limit-Info"] for each in headers] == ["api-usage=1/100000", "api-usage=2/100000"]
    assert headers[0]["x-sfdc-request-id"] != headers[1]["x-sfdc-request-id"]
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", headers[0]["Date"])
    assert "no-store" in headers[0]["Cache-Control"]


def test_calls_are_counted_by_kind_and_user(ada: Caller, sync: Caller) -> None:
    ada.get("limits")
    ada.query("SELECT Id FROM Task")
    ada.query("SELECT Id FROM Task", deleted=True)
    sync.create_many({"type": "Task"}, {"type": "Task"})
    sync.get("sobjects/Task/describe/")
    sync.get("sobjects/Task/00T000000000001")

    usage = ada.stand_in.org.usage
    assert usage.calls == {
        "limits": 1,
        "query": 1,
        "queryall": 1,
        "composite/sobjects": 1,
        "sobjects/describe": 1,
        "sobjects/row": 1,
    }
    assert usage.calls_by_user == {ada.user_id: 3, sync.user_id: 3}


def test_the_allowance_is_hard_and_of_24_hours(ada: Caller) -> None:
    org = ada.stand_in.org
    org.set_session_seconds(10**9)
    ada.stand_in.oauth.grants[0].access_tokens = dict.fromkeys(ada.stand_in.oauth.grants[0].access_tokens, 1e12)
    org.set_api_limit(3)
    answers = [ada.get("sobjects") for _ in range(5)]

    assert [each.status_code for each in answers] == [200, 200, 200, 403, 403]
    assert answers[3].json() == error("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    assert answers[4].headers["Sforce-Limit-Info"] == "api-usage=3/3"
    org.set_clock_offset(25 * 3600)
    assert ada.get("sobjects").headers["Sforce-Limit-Info"] == "api-usage=1/3"


def test_limits_need_view_setup(ada: Caller) -> None:
    assert ada.get("limits").json()["DailyApiRequests"] == {"Max": 100_000, "Remaining": 99_999}
    ada.stand_in.org.permit(ada.email, "ViewSetup", False)
    assert ada.get("limits").status_code == 403


@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "nonsense"])
def test_malformed_authorization(ada: Caller, header: str) -> None:
    ada.session.headers["Authorization"] = header
    answer = ada.get("limits")

    assert (answer.status_code, answer.json()) == (401, error("INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE"))


def test_no_or_wrong_token(ada: Caller) -> None:
    refusal = error("INVALID_SESSION_ID", "Session expired or invalid")
    ada.session.headers["Authorization"] = "Bearer 00D!wrong"
    wrong = ada.get("limits")
    del ada.session.headers["Authorization"]
    none = ada.get("limits")

    assert [(each.status_code, each.json()) for each in (wrong, none)] == [(401, refusal)] * 2
    assert "Sforce-Limit-Info" not in wrong.headers


def test_gzip_both_ways(ada: Caller) -> None:
    body = gzip.compress(json.dumps({"Subject": "packed"}).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    created = ada.call("POST", "sobjects/Task", data=body, headers=headers)
    packed = ada.get("sobjects/Task/describe", headers={"Accept-Encoding": "gzip"})
    plain = ada.get("sobjects/Task/describe", headers={"Accept-Encoding": "identity"})

    assert created.status_code == 201
    assert (packed.headers["Content-Encoding"], plain.headers.get("Content-Encoding")) == ("gzip", None)
    assert packed.json() == plain.json()
    assert int(packed.headers["Content-Length"]) * 5 < int(plain.headers["Content-Length"])


def test_long_addresses(ada: Caller) -> None:
    path = "query?q="
    room = 16_384 - len(VERSION) - 1 - len(path)

    assert ada.get(path + "x" * room).status_code == 400
    assert ada.get(path + "x" * (room + 1)).status_code == 414


def test_bodies_are_json(ada: Caller) -> None:
    form = ada.call("POST", "sobjects/Task", data={"Subject": "x"})
    broken = ada.call("POST", "sobjects/Task", data="{", headers={"Content-Type": "application/json"})
    a_list = ada.post("sobjects/Task", ["x"])
    endless = ada.call("POST", "sobjects/Task", data='{"X":NaN}', headers={"Content-Type": "application/json"})

    assert (form.status_code, form.json()[0]["errorCode"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert [(each.status_code, each.json()[0]["errorCode"]) for each in (broken, a_list, endless)] == [
        (400, "JSON_PARSER_ERROR")
    ] * 3


def test_methods(ada: Caller) -> None:
    answer = ada.call("DELETE", "query")

    assert answer.status_code == 405
    assert answer.json() == error("METHOD_NOT_ALLOWED", "HTTP Method 'DELETE' not allowed. Allowed are HEAD,GET")


def test_describe_answers_304_to_who_knows_it(ada: Caller) -> None:
    first = ada.get("sobjects/Task/describe")
    second = ada.get("sobjects/Task/describe", headers={"If-None-Match": first.headers["ETag"]})
    ada.stand_in.org.add_field("Task", "Region__c")
    third = ada.get("sobjects/Task/describe", headers={"If-None-Match": first.headers["ETag"]})

    assert (second.status_code, second.content) == (304, b"")
    assert third.status_code == 200


def test_a_connection_serves_many_calls(ada: Caller) -> None:
    server = ada.stand_in.instances[0].server
    ada.get("limits")
    before = set(server.connections)
    for _ in range(5):
        ada.get("limits")

    assert set(server.connections) == before


def test_names_and_slashes_are_taken_as_salesforce_takes_them(ada: Caller) -> None:
    task = ada.post("SObjects/task/", {"subject": "x", "STATUS": "Completed"}).json()["id"]
    answers = [
        ada.get(f"sobjects/TASK/{task[:15]}/").json()["Subject"],
        ada.get("QueryAll/", params={"q": f"select SUBJECT from TASK where ID = '{task[:15]}'"}).json()["records"][0][
            "Subject"
        ],
    ]

    assert answers == ["x", "x"]


def test_nonsense_on_the_wire_hurts_nobody(ada: Caller) -> None:
    listener = ada.stand_in.listeners[0]
    for junk in (
        b"",
        b"\x16\x03\x01junk\r\n\r\n",
        b"GET / HTTP/9\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx",
    ):
        with socket.create_connection(("127.0.0.1", listener.port), timeout=5) as connection:
            connection.sendall(junk)

    assert ada.get("limits").status_code == 200


def test_a_failure_of_the_stand_in_is_not_silent(ada: Caller, capsys: pytest.CaptureFixture[str]) -> None:
    ada.stand_in.org.add_validation_rule("Task", "", lambda record: record["Nonsense"])
    answer = ada.post("sobjects/Task", {})

    assert (answer.status_code, answer.text) == (500, "<h1>The stand-in failed</h1>")
    assert "KeyError: 'Nonsense'" in capsys.readouterr().err
    assert ada.get("limits").status_code == 200


def test_a_moved_org_is_told_by_the_next_refresh(ada: Caller) -> None:
    stand_in, old = ada.stand_in, ada.stand_in.instance_url
    new = stand_in.move_instance()
    answer = ada.get("limits")
    form = {"grant_type": "refresh_token", "refresh_token": ada.tokens["refresh_token"]}
    form |= {"client_id": stand_in.client_id, "client_secret": stand_in.client_secret}
    ada.tokens = requests.post(stand_in.login_url + "/services/oauth2/token", form, timeout=10).json()
    ada.session.headers["Authorization"] = "Bearer " + ada.tokens["access_token"]

    assert new != old
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    assert ada.tokens["instance_url"] == new
    assert ada.get("limits").status_code == 200


@pytest.mark.parametrize("status", [302, 401])
def test_a_moved_org_may_answer_otherwise(ada: Caller, status: int) -> None:
    new = ada.stand_in.move_instance(old_host_answers=status)
    answer = ada.get("limits")

    assert answer.status_code == status
    assert answer.headers.get("Location") == (new + VERSION + "/limits" if status == 302 else None)
