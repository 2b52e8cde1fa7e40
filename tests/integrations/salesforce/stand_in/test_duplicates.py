"""Duplicate rules and the assignment of leads, as a caller meets them."""

import pytest

from tests.integrations.salesforce.stand_in.caller import BEN, Caller

LEAD = {"FirstName": "Grace", "LastName": "Hopper", "Company": "Navy", "Email": "grace@hopper.example"}
ALLOW = {"Sforce-Duplicate-Rule-Header": "allowSave=true; includeRecordDetails=false"}


@pytest.fixture
def there(ada: Caller) -> str:
    return ada.create("Lead", **LEAD)


def rejection(there: str, *, allow_save: bool) -> list[dict]:
    record = {"attributes": {"type": "Lead"}, "Id": there}
    match = {"additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0, "record": record}
    result = {
        "entityType": "Lead",
        "errors": [],
        "matchEngine": "FuzzyMatchEngine",
        "matchRecords": [match],
        "rule": "Standard_Lead_Match_Rule_v1_1",
        "size": 1,
        "success": True,
    }
    found = {
        "allowSave": allow_save,
        "duplicateRule": "Standard_Lead_Duplicate_Rule",
        "duplicateRuleEntityType": "Lead",
        "errorMessage": "Use one of these records?",
        "matchResults": [result],
    }
    return [{"duplicateResut": found, "message": "Use one of these records?", "errorCode": "DUPLICATES_DETECTED"}]


def test_an_alert_is_acknowledged_by_a_header(ada: Caller, there: str) -> None:
    ada.stand_in.org.add_duplicate_rule("Lead", ["Email"])

    assert ada.refused("Lead", **LEAD | {"Email": "GRACE@hopper.example"}) == (400, rejection(there, allow_save=True))
    assert ada.post("sobjects/Lead", LEAD, headers=ALLOW).status_code == 201
    assert ada.create("Lead", **LEAD | {"Email": "other@hopper.example"})
    ada.stand_in.org.remove_duplicate_rules()
    assert ada.create("Lead", **LEAD)


def test_a_rule_that_blocks_is_not(ada: Caller, there: str) -> None:
    ada.stand_in.org.add_duplicate_rule("Lead", ["Email"], blocks=True)

    answer = ada.post("sobjects/Lead", LEAD, headers=ALLOW)
    assert (answer.status_code, answer.json()) == (400, rejection(there, allow_save=False))


def test_versions_before_52_know_no_header(ada: Caller, there: str) -> None:
    ada.stand_in.org.add_duplicate_rule("Lead", ["Email"])

    for version, status in (("51.0", 400), ("52.0", 201)):
        answer = ada.call("POST", f"/services/data/v{version}/sobjects/Lead", json=LEAD, headers=ALLOW)
        assert answer.status_code == status


def test_a_row_of_a_collection_names_nobody(ada: Caller, there: str) -> None:
    ada.stand_in.org.add_duplicate_rule("Lead", ["Email"])

    [row] = ada.create_many({"type": "Lead", **LEAD}).json()
    error = {"statusCode": "DUPLICATES_DETECTED", "message": "Use one of these records?", "fields": []}
    assert row == {"success": False, "errors": [error]}


def test_a_record_without_the_field_is_nobodys_duplicate(ada: Caller) -> None:
    ada.stand_in.org.add_duplicate_rule("Lead", ["Email"])
    nameless = {key: value for key, value in LEAD.items() if key != "Email"}

    assert ada.create("Lead", **nameless) != ada.create("Lead", **nameless)


def test_leads_are_assigned_unless_the_header_says_no(ada: Caller) -> None:
    org = ada.stand_in.org
    org.assign_leads(BEN)

    assigned = ada.create("Lead", **LEAD)
    kept = ada.post("sobjects/Lead", LEAD, headers={"Sforce-Auto-Assign": "FALSE"}).json()["id"]

    assert [org.row(each)["OwnerId"] for each in (assigned, kept)] == [org.user(BEN)["Id"], ada.user_id]
    org.assign_leads(None)
    assert org.row(ada.create("Lead", **LEAD))["OwnerId"] == ada.user_id
