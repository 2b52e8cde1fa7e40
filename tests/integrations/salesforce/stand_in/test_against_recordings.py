"""The stand-in beside what Salesforce really answered: the same requests, the same shapes, flags and texts."""

import csv
import json
import re
from urllib.parse import urlsplit

import pytest
import requests

from integrations.salesforce.stand_in import Fault
from integrations.salesforce.stand_in.errors import CATALOG
from integrations.salesforce.stand_in.schema import OBJECTS
from tests.integrations.salesforce.recorded import RECORDED, needs_recordings, read_recording
from tests.integrations.salesforce.stand_in.caller import SYNC, VERSION, Caller

pytestmark = needs_recordings

DESCRIBED = ("Account", "Contact", "Event", "Lead", "Opportunity", "OpportunityContactRole")
FLAGS = {
    "createable": "C",
    "updateable": "U",
    "filterable": "F",
    "groupable": "G",
    "sortable": "S",
    "nillable": "N",
    "defaultedOnCreate": "D",
    "permissionable": "P",
    "restrictedPicklist": "R",
    "idLookup": "L",
}
OURS = "Industry"  # a picklist that we shortened


def shape(value: object) -> object:
    """The form of a JSON value: keys and kinds, one entry for a list."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def replay(caller: Caller, request: dict) -> requests.Response:
    """Send a recorded request, in our version."""
    path = re.sub(r"^/services/data/v(xx|\d+)\.0", VERSION, request["path"])
    body = request["body"] and json.loads(
        re.sub(r"/services/data/v(xx|\d+)\.0", VERSION, json.dumps(request["body"]))
    )
    return caller.call(request["method"], path, json=body)


# -- describe


@pytest.mark.parametrize("object_name", ["Task", *DESCRIBED])
def test_flags_of_every_field_are_salesforces(object_name: str) -> None:
    rows = csv.DictReader((RECORDED / "describe/fields_summary.csv").read_text().splitlines())
    recorded = {row["field"]: row for row in rows if row["object"] == object_name}
    for name, field in OBJECTS[object_name].fields.items():
        row = recorded[name]
        flags = "".join(letter for key, letter in FLAGS.items() if row.get(key, "0") == "1")
        assert (name, field.type, sorted(set(field.flags) - {"X"})) == (name, row["type"], sorted(flags))
        assert (name, field.length) == (name, int(row["length"]))
        if row["referenceTo"]:
            assert set(field.references) <= set(row["referenceTo"].split("|")), name
        elif name != OURS:
            listed = [value for value in row["picklist(*=default)"].split("|") if value]
            assert (name, [mark_default(field, value) for value in field.picklist]) == (name, listed)


def mark_default(field, value: str) -> str:
    return value + "*" * (value == field.picklist_default)


@pytest.mark.parametrize("object_name", DESCRIBED)
def test_describe_has_salesforces_form_and_labels(sync: Caller, object_name: str) -> None:
    recorded = read_recording(f"describe/{object_name}.json")
    shown = sync.get(f"sobjects/{object_name}/describe").json()
    theirs = {field["name"]: field for field in recorded["fields"]}

    assert shown.keys() <= recorded.keys()
    assert shown["keyPrefix"] == recorded["keyPrefix"]
    for field in shown["fields"]:
        other = theirs[field["name"]]
        assert field.keys() <= other.keys()
        same = ("label", "relationshipName", "soapType", "polymorphicForeignKey", "nameField", "caseSensitive")
        assert {key: field[key] for key in same} == {key: other[key] for key in same}, field["name"]
        if field["picklistValues"]:
            assert shape(field["picklistValues"]) == shape(other["picklistValues"])


def test_the_organization(sync: Caller) -> None:
    recorded = read_recording("http/Organization.json")
    shown = sync.get(f"sobjects/Organization/{sync.stand_in.org.id}").json()

    assert shown.keys() <= recorded.keys()
    for key, value in shown.items():
        if value is not None and recorded[key] is not None:
            assert (key, shape(value)) == (key, shape(recorded[key]))


# -- the same requests


@pytest.mark.parametrize("name", ["collections-misc", "collections-upsert-by-email"])
def test_recorded_calls_are_answered_alike(sync: Caller, name: str) -> None:
    org = sync.stand_in.org
    org.attributes_come_first = False
    for row in [*org.rows("Contact"), *org.rows("Account"), *org.rows("Opportunity")]:
        org.remove(row["Id"])
    ids: dict[str, str] = {}
    for exchange in read_recording(f"http/{name}.json"):
        request = json.loads(rename(json.dumps(exchange["request"]), ids))
        answer, recorded = replay(sync, request), exchange["response"]
        assert answer.status_code == recorded["status"]
        learn(recorded["body"], answer.json(), ids)
        if "recordCount" not in request["path"]:
            assert shape(answer.json()) == shape(recorded["body"])
        if isinstance(recorded["body"], list):
            outcome = [(row["success"], row.get("created")) for row in recorded["body"]]
            assert [(row["success"], row.get("created")) for row in answer.json()] == outcome
        elif "totalSize" in recorded["body"]:
            assert answer.json()["totalSize"] == recorded["body"]["totalSize"]


def learn(recorded: object, ours: object, ids: dict[str, str]) -> None:
    """Remember which of our ids stands for which recorded one."""
    if isinstance(recorded, list):
        for their_row, our_row in zip(recorded, ours, strict=True):
            learn(their_row, our_row, ids)
    elif isinstance(recorded, dict) and "id" in recorded:
        ids[recorded["id"]] = ours["id"]


def rename(text: str, ids: dict[str, str]) -> str:
    for theirs, ours in ids.items():
        text = text.replace(theirs, ours)
    return text


@pytest.mark.parametrize("name", ["composite-invalid-type", "composite-not-found"])
def test_errors_inside_composite_calls(sync: Caller, name: str) -> None:
    for exchange in read_recording(f"errors/{name}.json"):
        ours, recorded = replay(sync, exchange["request"]).json(), exchange["response"]["body"]
        for our_part, their_part in zip(ours["compositeResponse"], recorded["compositeResponse"], strict=True):
            assert shape(our_part) == shape(their_part)
            assert our_part["httpStatusCode"] == their_part["httpStatusCode"]
            if their_part["httpStatusCode"] >= 400:
                assert our_part["body"] == their_part["body"]


def test_answers_304_inside_composite_calls(sync: Caller) -> None:
    for exchange in read_recording("http/composite-304.json"):
        since = {"If-Modified-Since": sync.get("sobjects").headers["Last-Modified"]}
        for part in exchange["request"]["body"]["compositeRequest"]:
            part["httpHeaders"] = since
        assert shape(replay(sync, exchange["request"]).json()) == shape(exchange["response"]["body"])


# -- bodies


def test_pages_of_a_query(sync: Caller) -> None:
    for number in range(201):
        sync.stand_in.org.add("Lead", LastName=str(number), Company="Pages")
    soql = {"q": "SELECT LastName FROM Lead WHERE Company = 'Pages'"}
    first = sync.get("query", params=soql, headers={"Sforce-Query-Options": "batchSize=200"}).json()
    for name, ours in (("query-page1", first), ("query-page2", sync.get(first["nextRecordsUrl"]).json())):
        recorded = read_recording(f"http/{name}.json")
        assert (ours.keys(), shape(ours["records"][0]["attributes"])) == (
            recorded.keys(),
            shape(recorded["records"][0]["attributes"]),
        )
    assert sync.query("SELECT Id FROM Task") == read_recording("http/query-empty.json")


def test_lists_of_changes(sync: Caller) -> None:
    org = sync.stand_in.org
    org.change(org.rows("Contact")[0]["Id"], Title="x")
    org.remove(org.rows("Contact")[1]["Id"])
    day = sync.stand_in.org.now_text()[:10]
    params = {"start": f"{day}T00:00:00Z", "end": "2999-01-01T00:00:00Z"}
    for kind in ("updated", "deleted"):
        ours = sync.get(f"sobjects/Contact/{kind}", params=params).json()
        assert shape(ours) == shape(read_recording(f"http/get-{kind}.json"))


def test_plain_errors(sync: Caller) -> None:
    assert sync.get("sobjects/Foo").json() == read_recording("errors/not-found.json")
    other = Caller(sync.stand_in, SYNC)
    other.session.headers["Authorization"] = "Bearer nonsense"
    assert other.get("limits").json() == read_recording("errors/invalid-session-id.json")
    other.session.close()
    unknown = read_recording("errors/invalid-field.json")
    assert sync.refused("Task", foo=1)[1] == json.loads(json.dumps(unknown).replace("Bar", "Task"))
    missing = sync.get("sobjects/Task/23foo").json()
    assert missing == read_recording("errors/not-found-external-id.json")
    for _ in range(2):
        sync.create("Contact", LastName="Twin", Email="twin@x.example")
    several = sync.call("PATCH", "sobjects/Contact/Email/twin@x.example", json={"LastName": "x"})
    assert (several.status_code, shape(several.json())) == (
        300,
        shape(read_recording("errors/multiple-choices-300.json")),
    )


@pytest.mark.parametrize("all_or_none", [False, True])
def test_rows_of_a_collection(sync: Caller, all_or_none: bool) -> None:
    sync.stand_in.faults.add(Fault("row_error", code="DUPLICATES_DETECTED"))
    people = [{"type": "Contact", "LastName": name} for name in "ab"]
    ours = sync.create_many(*people, all_or_none=all_or_none).json()
    recorded = read_recording("errors/collections-duplicates.json")[f"allOrNone={str(all_or_none).lower()}"]

    assert shape(ours) == shape(recorded)
    assert [{**row, "id": "x"} for row in ours] == [{**row, "id": "x"} for row in recorded]


def test_every_catalogued_code_is_known() -> None:
    for row in read_recording("errors/catalog.json"):
        assert row["errorCode"] in CATALOG
    statuses: dict[str, set[int]] = {}
    for row in read_recording("errors/catalog.json"):
        statuses.setdefault(row["errorCode"], set()).add(row["httpStatus"])
    wrong = {code: CATALOG[code][0] for code, known in statuses.items() if not known & {0, CATALOG[code][0]}}
    assert wrong == {}


def test_xml_for_an_unknown_token(sync: Caller) -> None:
    recorded = read_recording("errors/oauth-invalid-token-xml.json")
    sync.stand_in.faults.add(Fault("xml"))
    answer = sync.get("limits")

    assert (answer.status_code, answer.text) == (recorded["status"], recorded["body"])
    assert {key: answer.headers[key].upper() for key in recorded["headers"]} == {
        key: value.upper() for key, value in recorded["headers"].items()
    }


# -- tokens


def test_token_answers(sync: Caller) -> None:
    stand_in = sync.stand_in
    form = {"client_id": stand_in.client_id, "client_secret": stand_in.client_secret}
    form |= {"grant_type": "refresh_token", "refresh_token": sync.tokens["refresh_token"]}
    url = stand_in.login_url + "/services/oauth2/token"
    refreshed, spent = (requests.post(url, form, timeout=5) for _ in range(2))

    for ours, name in ((sync.tokens, "token-success"), (refreshed.json(), "refresh-success")):
        recorded = read_recording(f"oauth/{name}.json")
        assert recorded.keys() <= ours.keys()
        assert {key: shape(ours[key]) for key in recorded} == shape(recorded)
    recorded_id = urlsplit(read_recording("oauth/token-success.json")["id"]).path
    assert [len(part) for part in recorded_id.split("/")] == [0, 2, 15, 15]
    assert [len(part) for part in urlsplit(sync.tokens["id"]).path.split("/")] == [0, 2, 18, 18]
    assert (spent.status_code, spent.json()) == (400, read_recording("oauth/refresh-error-expired.json"))


def test_every_catalogued_oauth_error_can_be_ordered(sync: Caller) -> None:
    paths = {"token": "/services/oauth2/token", "revoke": "/services/oauth2/revoke"}
    for row in read_recording("oauth/error-catalog.json"):
        if row["where"] in paths:
            sync.stand_in.faults.add(Fault("oauth_error", code=row["error"], message=row["error_description"]))
            answer = requests.post(sync.stand_in.login_url + paths[row["where"]], {}, timeout=5)
            assert answer.json() == {key: row[key] for key in ("error", "error_description")}
