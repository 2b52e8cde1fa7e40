"""The control address, by which tests in other processes and the buttons of the pages steer the stand-in."""

import pytest
import requests

from tests.integrations.salesforce.stand_in.caller import ADA, Caller
from tests.stand_in_fixtures import TestedStandIn


def control(
    stand_in: TestedStandIn, method: str, name: str, body: object = None, **options: object
) -> requests.Response:
    url = f"{stand_in.login_url}/stand-in/{name}"
    return requests.request(method, url, json=body, timeout=5, allow_redirects=False, **options)


def run(stand_in: TestedStandIn, name: str, org: object = 0, **args: object) -> object:
    answer = control(stand_in, "POST", "scenario", {"name": name, "args": args, "org": org})
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


def test_faults_by_json(ada: Caller) -> None:
    stand_in = ada.stand_in
    added = control(stand_in, "POST", "faults", {"kind": "html", "status": 502, "path": "limits$", "times": 2})
    ready = control(stand_in, "POST", "faults", {"ready": "validation", "rows": 3})
    listed = control(stand_in, "GET", "faults").json()

    assert [(each.status_code, each.json()) for each in (added, ready)] == [
        (201, {"number": 1}),
        (201, {"number": 2}),
    ]
    assert [(each["kind"], each["times"], each["rows"]) for each in listed] == [("html", 2, 1), ("row_error", 1, 3)]
    assert ada.get("limits").status_code == 502
    assert control(stand_in, "DELETE", "faults").json() == []
    assert ada.get("limits").status_code == 200


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("faults", {"kind": "explode"}),
        ("faults", {"nonsense": 1}),
        ("faults", {"ready": "nonsense"}),
        ("scenario", {"name": "create"}),
        ("scenario", {"name": "_store"}),
        ("scenario", {"name": "set_switches"}),
        ("scenario", {"name": "deactivate_user", "args": {"email": "nobody@x.example"}}),
        ("scenario", {"name": "deactivate_org", "org": 9}),
        ("scenario", {}),
        ("scenario", []),
    ],
)
def test_nonsense_is_refused(stand_in: TestedStandIn, name: str, body: object) -> None:
    assert control(stand_in, "POST", name, body).status_code == 400


def test_scenarios(ada: Caller) -> None:
    stand_in = ada.stand_in
    contact = run(stand_in, "add", object_name="Contact", LastName="X", Email="x@y.example")
    run(stand_in, "change", record_id=contact, Title="T")
    made = run(stand_in, "convert_lead", lead_id=stand_in.org.rows("Lead")[0]["Id"])
    run(stand_in, "set_api_limit", maximum=10, used=3)
    run(stand_in, "deactivate_org", org=stand_in.orgs[2].id)

    assert stand_in.org.row(contact)["Title"] == "T"
    assert made.keys() == {"contact", "account", "opportunity"}
    assert (stand_in.org.usage.maximum, stand_in.org.usage.used) == (10, 3)
    assert [org.is_active for org in stand_in.orgs] == [True, True, False]
    refused = control(stand_in, "POST", "scenario", {"name": "add", "args": {"object_name": "Contact"}})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "REQUIRED_FIELD_MISSING")


def test_deeds_of_the_whole_stand_in(ada: Caller) -> None:
    stand_in = ada.stand_in
    run(stand_in, "set_rotation", rotates=False)
    assert stand_in.oauth.rotates is False
    run(stand_in, "expire_access_tokens")
    assert ada.get("limits").status_code == 401
    run(stand_in, "revoke_user", email=ADA)
    assert stand_in.oauth.live_grants() == []
    assert run(stand_in, "move_instance") == stand_in.instance_url


def test_state_and_records(ada: Caller) -> None:
    stand_in = ada.stand_in
    task = ada.create("Task", Subject="x")
    stand_in.org.remove(task)
    state = control(stand_in, "GET", "state").json()

    assert state["grants"] == [
        {
            "number": 1,
            "email": ADA,
            "org": stand_in.org.id,
            "is_live": True,
            "ended_by": "",
            "refreshes": 0,
            "reuses": 0,
            "most_presented": 0,
        }
    ]
    assert state["oauth"] == {"token": 1, "exchange": 1}
    assert (state["orgs"][0]["calls"], state["orgs"][0]["rows"]["Task"]) == ({"sobjects": 1}, 1)
    assert control(stand_in, "GET", "records/Task").json() == []
    assert control(stand_in, "GET", "records/Task?deleted").json() == [stand_in.org.row(task)]
    assert ada.tokens["access_token"] not in str(state)
    assert control(stand_in, "GET", "settings").json() == stand_in.settings()
    assert control(stand_in, "GET", "nonsense").status_code == 404


def test_reset(ada: Caller) -> None:
    ada.create("Task")
    control(ada.stand_in, "POST", "reset", {})

    assert ada.stand_in.org.rows("Task") == []
    assert ada.get("limits").status_code == 401


def test_other_sites_cannot_steer(stand_in: TestedStandIn) -> None:
    for origin, status in (("https://evil.example", 403), (stand_in.login_url, 303)):
        answer = requests.post(
            stand_in.login_url + "/stand-in/press",
            {"ready": "garbage"},
            headers={"Origin": origin},
            timeout=5,
            allow_redirects=False,
        )
        assert answer.status_code == status
    assert len(stand_in.faults.waiting) == 1


@pytest.mark.parametrize("back", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_buttons_lead_back_to_own_pages(stand_in: TestedStandIn, back: str) -> None:
    answer = requests.post(
        stand_in.login_url + "/stand-in/press", {"ready": "garbage", "back": back}, timeout=5, allow_redirects=False
    )

    assert answer.headers["Location"] == "/"
