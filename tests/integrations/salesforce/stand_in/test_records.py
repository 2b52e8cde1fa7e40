"""Records other than activities: people, deals, deletion, conversion, merge, and lists of changes."""

from datetime import timedelta

import pytest

from integrations.salesforce.stand_in import Org, make_orgs
from tests.integrations.salesforce.stand_in.caller import ADA, BEN, SYNC, Caller, error


def test_people_have_a_full_name(ada: Caller) -> None:
    contact = ada.create("Contact", FirstName="Grace", LastName="Hopper", Email="Grace@Navy.example")
    lead = ada.create("Lead", LastName="Cher", Company="Solo")
    ada.call("PATCH", f"sobjects/Contact/{contact}", json={"FirstName": None})

    assert ada.rows("SELECT Name, Email FROM Contact WHERE Email = 'grace@navy.EXAMPLE'") == [
        {"Name": "Hopper", "Email": "Grace@Navy.example"}
    ]
    assert ada.rows(f"SELECT Name, Status, IsConverted FROM Lead WHERE Id = '{lead}'") == [
        {"Name": "Cher", "Status": "Open - Not Contacted", "IsConverted": False}
    ]


@pytest.mark.parametrize(
    ("object_name", "values", "missing"),
    [
        ("Contact", {"FirstName": "X"}, ["LastName"]),
        ("Lead", {}, ["LastName", "Company"]),
        ("Account", {"Name": " "}, ["Name"]),
        ("Opportunity", {"Name": "X"}, ["StageName", "CloseDate"]),
        ("OpportunityContactRole", {}, ["OpportunityId", "ContactId"]),
    ],
)
def test_required_fields(ada: Caller, object_name: str, values: dict, missing: list[str]) -> None:
    assert ada.refused(object_name, **values) == (
        400,
        error("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", *missing),
    )


@pytest.mark.parametrize("address", ["nobody", "a@b", "a b@c.example", "a@b@c.example", "<a@b.example>"])
def test_addresses_look_like_addresses(ada: Caller, address: str) -> None:
    assert ada.refused("Contact", LastName="X", Email=address) == (
        400,
        error("INVALID_EMAIL_ADDRESS", f"Email: invalid email address: {address}", "Email"),
    )


def test_the_stage_closes_a_deal(ada: Caller) -> None:
    deal = ada.create("Opportunity", Name="X", StageName="Prospecting", CloseDate="2026-12-31", Amount=5)
    soql = f"SELECT IsClosed, IsWon, Probability, Amount FROM Opportunity WHERE Id = '{deal}'"

    assert ada.rows(soql) == [{"IsClosed": False, "IsWon": False, "Probability": 10.0, "Amount": 5.0}]
    ada.call("PATCH", f"sobjects/Opportunity/{deal}", json={"StageName": "Closed Won"})
    assert ada.rows(soql) == [{"IsClosed": True, "IsWon": True, "Probability": 100.0, "Amount": 5.0}]


def test_references_of_the_wrong_object(ada: Caller) -> None:
    contact = ada.stand_in.org.rows("Contact")[0]["Id"]

    assert ada.refused("Contact", LastName="X", AccountId=contact) == (
        400,
        error("FIELD_INTEGRITY_EXCEPTION", f"Account ID: id value of incorrect type: {contact}", "AccountId"),
    )


def test_deleting(ada: Caller) -> None:
    task = ada.create("Task")
    first, second = (ada.call("DELETE", f"sobjects/Task/{task}") for _ in range(2))

    assert (first.status_code, first.content) == (204, b"")
    assert (second.status_code, second.json()) == (
        404,
        [{"message": "entity is deleted", "errorCode": "ENTITY_IS_DELETED", "fields": []}],
    )
    for answer in (ada.get(f"sobjects/Task/{task}"), ada.call("PATCH", f"sobjects/Task/{task}", json={})):
        assert answer.json()[0]["errorCode"] == "ENTITY_IS_DELETED"
    ada.stand_in.org.restore(task)
    assert ada.get(f"sobjects/Task/{task}").status_code == 200


def test_records_that_never_were(ada: Caller) -> None:
    for path in ("sobjects/Task/00TA1000000zzzz", "sobjects/Task/nonsense", "sobjects/Task/003A10000000001IAA"):
        for method in ("GET", "PATCH", "DELETE"):
            answer = ada.call(method, path, json={} if method == "PATCH" else None)
            assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")


def test_a_record_with_some_fields(ada: Caller) -> None:
    contact = ada.stand_in.org.rows("Contact")[0]["Id"]

    assert ada.get(f"sobjects/Contact/{contact}?fields=name, Fax").json() == {
        "attributes": {"type": "Contact", "url": f"/services/data/v62.0/sobjects/Contact/{contact}"},
        "Id": contact,
        "Name": "Nora West",
        "Fax": None,
    }
    assert ada.get(f"sobjects/Contact/{contact}?fields=Foo").json()[0]["errorCode"] == "INVALID_FIELD"


def test_stamps_follow_the_servers_clock(ada: Caller, ben: Caller) -> None:
    org = ada.stand_in.org
    org.set_clock_offset(-86_400)
    task = ada.create("Task")
    created = org.row(task)["CreatedDate"]
    org.set_clock_offset(0)
    ben.call("PATCH", f"sobjects/Task/{task}", json={"Subject": "x"})
    row = org.row(task)

    assert row["CreatedDate"] == created < row["LastModifiedDate"] == row["SystemModstamp"]
    assert (row["CreatedById"], row["LastModifiedById"]) == (ada.user_id, ben.user_id)


# -- deeds of people


def test_converting_a_lead(ada: Caller) -> None:
    org = ada.stand_in.org
    lead = org.rows("Lead")[0]["Id"]
    task = ada.create("Task", WhoId=lead)
    made = org.convert_lead(lead, opportunity_name="New deal")

    assert ada.rows(
        "SELECT IsConverted, ConvertedContactId, ConvertedAccountId, ConvertedOpportunityId, Status"
        f" FROM Lead WHERE Id = '{lead}'"
    ) == [
        {
            "IsConverted": True,
            "ConvertedContactId": made["contact"],
            "ConvertedAccountId": made["account"],
            "ConvertedOpportunityId": made["opportunity"],
            "Status": "Closed - Converted",
        }
    ]
    assert ada.rows(f"SELECT Name, Email, Account.Name FROM Contact WHERE Id = '{made['contact']}'") == [
        {"Name": "Lena Lindqvist", "Email": "lena@polarfoods.example", "Account": {"Name": "Polar Foods"}}
    ]
    assert ada.rows("SELECT WhoId, WhatId, AccountId FROM Task") == [
        {"WhoId": made["contact"], "WhatId": made["opportunity"], "AccountId": made["account"]}
    ]
    assert ada.rows(
        f"SELECT ContactId FROM OpportunityContactRole WHERE OpportunityId = '{made['opportunity']}'"
    ) == [{"ContactId": made["contact"]}]
    assert task
    edited = ada.call("PATCH", f"sobjects/Lead/{lead}", json={"Title": "x"})
    assert edited.json()[0]["errorCode"] == "CANNOT_UPDATE_CONVERTED_LEAD"


def test_converting_into_a_known_account(ada: Caller) -> None:
    org = ada.stand_in.org
    account, lead = org.rows("Account")[0]["Id"], org.rows("Lead")[0]["Id"]
    made = org.convert_lead(lead, account_id=account)

    assert (made["account"], made["opportunity"]) == (account, None)
    assert org.row(made["contact"])["AccountId"] == account


def test_merging_people(ada: Caller) -> None:
    org = ada.stand_in.org
    winner, loser = (row["Id"] for row in org.rows("Contact")[:2])
    ada.create("Task", WhoId=loser)
    org.merge(winner, loser)

    assert ada.rows(f"SELECT IsDeleted, MasterRecordId FROM Contact WHERE Id = '{loser}'", deleted=True) == [
        {"IsDeleted": True, "MasterRecordId": winner}
    ]
    assert ada.rows("SELECT WhoId FROM Task") == [{"WhoId": winner}]


def test_merging_accounts(ada: Caller) -> None:
    org = ada.stand_in.org
    winner, loser = (row["Id"] for row in org.rows("Account")[:2])
    ada.create("Task", WhatId=loser)
    org.merge(winner, loser)

    assert ada.rows("SELECT WhatId, AccountId FROM Task") == [{"WhatId": winner, "AccountId": winner}]
    assert len(ada.rows(f"SELECT Id FROM Contact WHERE AccountId = '{winner}'")) == 6


def test_changes_are_found_by_their_stamp(ada: Caller) -> None:
    org = ada.stand_in.org
    nora, niels = org.rows("Contact")[:2]
    org.set_clock_offset(3600)
    before = org.now() - timedelta(seconds=1)
    org.change(nora["Id"], Title="CPO")
    org.merge(nora["Id"], niels["Id"])
    soql = "SELECT Id, IsDeleted, MasterRecordId FROM Contact WHERE SystemModstamp >= {} ORDER BY SystemModstamp, Id"

    assert ada.rows(soql.format(before.strftime("%Y-%m-%dT%H:%M:%SZ")), deleted=True) == [
        {"Id": nora["Id"], "IsDeleted": False, "MasterRecordId": None},
        {"Id": niels["Id"], "IsDeleted": True, "MasterRecordId": nora["Id"]},
    ]


def test_lists_of_what_was_updated_and_deleted(ada: Caller) -> None:
    org = ada.stand_in.org
    nora, niels = (row["Id"] for row in org.rows("Contact")[:2])
    org.set_clock_offset(3600)
    start, end = (org.now() + timedelta(minutes=minutes) for minutes in (-1, 1))
    params = {"start": start.isoformat(), "end": end.isoformat()}
    org.change(nora, Title="CPO")
    org.remove(niels)
    updated, deleted = (ada.get(f"sobjects/Contact/{kind}/", params=params).json() for kind in ("updated", "deleted"))

    assert (updated.keys(), updated["ids"]) == ({"ids", "latestDateCovered"}, [nora])
    assert deleted["deletedRecords"] == [{"id": niels, "deletedDate": org.row(niels)["SystemModstamp"]}]
    late = ada.get("sobjects/Contact/updated", params=params | {"start": "2020-01-01T00:00:00Z"})
    assert late.json()[0]["errorCode"] == "INVALID_REPLICATION_DATE"


# -- the demo's data


def test_the_demo_has_what_a_newcomer_needs() -> None:
    acme, sandbox, globex = make_orgs()

    def deals(org: Org, contact: str) -> list[str]:
        roles = [row for row in org.rows("OpportunityContactRole") if row["ContactId"] == contact]
        return sorted(
            org.row(row["OpportunityId"])["Name"] for row in roles if not org.row(row["OpportunityId"])["IsClosed"]
        )

    people = {row["Name"]: row for row in acme.rows("Contact")}
    assert deals(acme, people["Nora West"]["Id"]) == ["Northwind: fleet renewal"]
    assert deals(acme, people["Peter Gibson"]["Id"]) == ["Initech: reporting suite", "Initech: support plan"]
    assert deals(acme, people["Nadia Ruiz"]["Id"]) == []
    twins = {row["Email"] for row in acme.rows("Contact")} & {row["Email"] for row in acme.rows("Lead")}
    assert twins == {"alice.marsh@umbrellahealth.example"}
    assert (len(acme.rows("Contact")), len(acme.rows("Lead")), len(acme.rows("Account"))) == (12, 5, 5)
    assert [acme.user(email)["Name"] for email in (SYNC, ADA, BEN)] == ["Sync User", "Ada Lovelace", "Ben Franklin"]
    assert [org.is_sandbox for org in (acme, sandbox, globex)] == [False, True, False]
    assert len({org.id for org in (acme, sandbox, globex)}) == 3
