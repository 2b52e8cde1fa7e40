"""Queries over the wire: parents, comparisons, order, pages, refusals, and that indexes change nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.salesforce.stand_in import Org
from integrations.salesforce.stand_in.query import Search
from tests.integrations.salesforce.stand_in.caller import BEN, Caller


def names(rows: list[dict]) -> list[str]:
    return [row["Name"] for row in rows]


def test_rows_carry_their_attributes_first_and_parents_inside(ada: Caller) -> None:
    answer = ada.query(
        "SELECT Id, Opportunity.Name, Opportunity.Account.Name, Contact.Email, IsPrimary"
        " FROM OpportunityContactRole WHERE Opportunity.Name LIKE 'Northwind: p%'"
        " ORDER BY Contact.LastName DESC LIMIT 1"
    )

    [row] = answer["records"]
    base = "/services/data/v62.0/sobjects"
    assert (answer["totalSize"], answer["done"]) == (1, True)
    assert row == {
        "attributes": {"type": "OpportunityContactRole", "url": f"{base}/OpportunityContactRole/{row['Id']}"},
        "Id": row["Id"],
        "Opportunity": {
            "attributes": {"type": "Opportunity", "url": row["Opportunity"]["attributes"]["url"]},
            "Name": "Northwind: pilot",
            "Account": {
                "attributes": {"type": "Account", "url": row["Opportunity"]["Account"]["attributes"]["url"]},
                "Name": "Northwind Traders",
            },
        },
        "Contact": {
            "attributes": {"type": "Contact", "url": row["Contact"]["attributes"]["url"]},
            "Email": "nora.west@northwindtraders.example",
        },
        "IsPrimary": True,
    }


def test_a_missing_parent_is_null(ada: Caller) -> None:
    ada.create("Task", Subject="alone")

    assert ada.rows("SELECT Subject, Who.Name, What.Type, Owner.Email FROM Task") == [
        {"Subject": "alone", "Who": None, "What": None, "Owner": {"Email": ada.email}}
    ]


def test_people_behind_a_task_have_a_name_and_a_type(ada: Caller) -> None:
    lead = ada.stand_in.org.rows("Lead")[0]["Id"]
    ada.create("Task", WhoId=lead)

    assert ada.rows("SELECT Who.Name, Who.Type FROM Task WHERE Who.Type = 'lead'") == [
        {"Who": {"Name": "Lena Lindqvist", "Type": "Lead"}}
    ]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("Name = 'NORTHWIND: PILOT'", ["Northwind: pilot"]),
        ("Name LIKE 'initech%' AND IsClosed = false", ["Initech: reporting suite", "Initech: support plan"]),
        ("Name LIKE '_orthwind: pilot'", ["Northwind: pilot"]),
        ("Name LIKE 'Northwind\\_ pilot'", []),
        ("Amount >= 22500 AND Amount < 48000", ["Initech: reporting suite"]),
        ("StageName IN ('closed won', 'Closed Lost')", ["Initech: training", "Northwind: pilot"]),
        ("NOT (Amount > 4000 OR IsWon = true)", ["Initech: training"]),
        ("NextStep != null", []),
        ("NextStep = null AND Amount <= 3000.0", ["Initech: training"]),
        ("Account.Name = 'Stark Solar'", ["Stark: rooftop sensors"]),
        ("CloseDate < 2020-01-01", []),
        ("Amount NOT IN (48000, 6000, 22500, 9900, 120000, 15000)", ["Initech: training"]),
        ("Amount > null", []),
        ("CreatedDate >= 2020-01-01T00:00:00Z AND Name = 'Northwind: pilot'", ["Northwind: pilot"]),
        ("CreatedDate >= 2999-01-01T00:00:00Z", []),
        ("SystemModstamp > 2020-01-01T00:00:00+05:00 AND Name LIKE '%pilot'", ["Northwind: pilot"]),
    ],
)
def test_conditions(ada: Caller, condition: str, found: list[str]) -> None:
    assert names(ada.rows(f"SELECT Name FROM Opportunity WHERE {condition} ORDER BY Name")) == found


def test_count(ada: Caller) -> None:
    assert ada.query("SELECT COUNT() FROM Contact WHERE Email LIKE '%@initech.example'") == {
        "totalSize": 3,
        "done": True,
        "records": [],
    }


def test_order_limit_offset(ada: Caller) -> None:
    org = ada.stand_in.org
    org.add("Contact", LastName="aaa")
    soql = "SELECT Name, Email FROM Contact ORDER BY {} LIMIT 2 OFFSET {}"

    assert names(ada.rows(soql.format("Email", 0))) == ["aaa", "Alice Marsh"]
    assert names(ada.rows(soql.format("Email NULLS LAST", 11))) == ["Zoë Müller", "aaa"]
    assert names(ada.rows(soql.format("Email DESC NULLS LAST", 0))) == ["Zoë Müller", "Virginia Potter"]
    assert names(ada.rows(soql.format("Account.Name, LastName DESC", 1))) == ["Renée O'Connor", "Zoë Müller"]


def test_ids_are_long_or_short(ada: Caller) -> None:
    contact = ada.stand_in.org.rows("Contact")[0]["Id"]

    for wanted in (contact, contact[:15]):
        assert ada.rows(f"SELECT Id FROM Contact WHERE Id = '{wanted}'") == [{"Id": contact}]
        assert ada.rows(f"SELECT Id FROM Contact WHERE Id IN ('{wanted}')") == [{"Id": contact}]
    assert ada.rows("SELECT Id FROM Task WHERE WhoId IN ('')") == []


REFUSALS = [
    ("SELECT Foo FROM Lead", "INVALID_FIELD", 8, "No such column 'Foo' on entity 'Lead'."),
    ("SELECT Id FROM Lead WHERE Foo = 1", "INVALID_FIELD", 27, "No such column 'Foo' on entity 'Lead'."),
    ("SELECT Id, Foo.Name FROM Lead", "INVALID_FIELD", 12, "Didn't understand relationship 'Foo' in field path."),
    ("SELECT count() FROM XYZZY", "INVALID_TYPE", 21, "sObject type 'XYZZY' is not supported."),
    (
        "SELECT Id FROM Task WHERE Description = 'x'",
        "INVALID_FIELD",
        27,
        "field 'Description' can not be filtered in a query call",
    ),
    (
        "SELECT Id FROM Task ORDER BY Description",
        "INVALID_FIELD",
        30,
        "field 'Description' can not be sorted in a query call",
    ),
    (
        "SELECT Id FROM Task WHERE CreatedDate > '2026-01-01T00:00:00Z'",
        "INVALID_FIELD",
        27,
        "value of filter criterion for field 'CreatedDate' must be of type dateTime and should not be enclosed in",
    ),
    (
        "SELECT Id FROM Task WHERE Subject = 5",
        "INVALID_FIELD",
        27,
        "value of filter criterion for field 'Subject' must be of type string and should be enclosed in quotes",
    ),
    (
        "SELECT Id FROM Task WHERE IsClosed = 'true'",
        "INVALID_FIELD",
        27,
        "value of filter criterion for field 'IsClosed' must be of type boolean and should not be enclosed in quotes",
    ),
    ("SELECT Id FROM Task WHERE WhoId = 'nora'", "INVALID_QUERY_FILTER_OPERATOR", 35, "invalid ID field: nora"),
    (
        "SELECT Id FROM Task WHERE WhoId LIKE '003%'",
        "INVALID_QUERY_FILTER_OPERATOR",
        27,
        "invalid operator on WhoId field: LIKE",
    ),
]


@pytest.mark.parametrize(("soql", "code", "column", "message"), REFUSALS)
def test_refusals_point_at_the_place(ada: Caller, soql: str, code: str, column: int, message: str) -> None:
    answer = ada.get("query", params={"q": soql})

    [only] = answer.json()
    lines = only["message"].split("\n")
    assert (answer.status_code, only["errorCode"]) == (400, code)
    assert lines[2:4] == [" " * (column - 1) + "^", f"ERROR at Row:1:Column:{column}"]
    assert lines[4].startswith(message)


def test_no_query_at_all(ada: Caller) -> None:
    assert ada.get("query").json()[0]["errorCode"] == "MALFORMED_QUERY"


def test_deleted_and_archived_rows_are_for_query_all(ada: Caller) -> None:
    org = ada.stand_in.org
    kept, deleted, archived = (ada.create("Task", Subject=name) for name in "abc")
    org.remove(deleted)
    org.archive(archived)
    soql = "SELECT Subject, IsDeleted, IsArchived FROM Task ORDER BY Subject"

    assert ada.rows(soql) == [{"Subject": "a", "IsDeleted": False, "IsArchived": False}]
    assert ada.rows(soql, deleted=True) == [
        {"Subject": "a", "IsDeleted": False, "IsArchived": False},
        {"Subject": "b", "IsDeleted": True, "IsArchived": False},
        {"Subject": "c", "IsDeleted": False, "IsArchived": True},
    ]
    assert kept


def test_pages(ada: Caller, ben: Caller) -> None:
    for number in range(450):
        ada.stand_in.org.add("Lead", LastName=f"{number:03}", Company="Pages")
    soql = "SELECT Name FROM Lead WHERE Company = 'Pages' ORDER BY Name"
    first = ada.get("query", params={"q": soql}, headers={"Sforce-Query-Options": "batchSize=200"}).json()
    second = ada.get(first["nextRecordsUrl"]).json()
    third = ada.get(second["nextRecordsUrl"]).json()

    assert [(each["totalSize"], each["done"], len(each["records"])) for each in (first, second, third)] == [
        (450, False, 200),
        (450, False, 200),
        (450, True, 50),
    ]
    assert "nextRecordsUrl" not in third
    every = [row["Name"] for each in (first, second, third) for row in each["records"]]
    assert every == [f"{number:03}" for number in range(450)]
    stolen = ben.get(first["nextRecordsUrl"])
    assert (stolen.status_code, stolen.json()[0]["errorCode"]) == (404, "INVALID_QUERY_LOCATOR")


def test_a_page_is_200_to_2000_rows_and_locators_live_two_days(ada: Caller) -> None:
    org = ada.stand_in.org
    org.set_session_seconds(10**6)
    ada.tokens = ada.stand_in.connect(ada.email)
    ada.session.headers["Authorization"] = "Bearer " + ada.tokens["access_token"]
    for number in range(2001):
        org.add("Lead", LastName=str(number), Company="Many")
    soql = "SELECT Name FROM Lead WHERE Company = 'Many'"
    small = ada.get("query", params={"q": soql}, headers={"Sforce-Query-Options": "batchSize=1"}).json()
    usual = ada.query(soql)

    assert [len(small["records"]), len(usual["records"])] == [200, 2000]
    assert len(ada.get(usual["nextRecordsUrl"]).json()["records"]) == 1
    org.set_clock_offset(timedelta(days=2, seconds=1).total_seconds())
    assert ada.get(usual["nextRecordsUrl"]).status_code == 404


def test_own_permissions(ada: Caller, sync: Caller) -> None:
    soql = "SELECT PermissionsApiEnabled, PermissionsViewAllData, PermissionsEditTask FROM UserPermissionAccess"
    ada.stand_in.org.permit(ada.email, "EditTask", False)

    assert ada.rows(soql) == [
        {"PermissionsApiEnabled": True, "PermissionsViewAllData": False, "PermissionsEditTask": False}
    ]
    assert sync.rows(soql) == [
        {"PermissionsApiEnabled": True, "PermissionsViewAllData": True, "PermissionsEditTask": True}
    ]
    unknown = ada.get("query", params={"q": "SELECT PermissionsFly FROM UserPermissionAccess"})
    assert unknown.json()[0]["errorCode"] == "INVALID_FIELD"


def test_record_access(ada: Caller) -> None:
    org = ada.stand_in.org
    seen, unseen = (row["Id"] for row in org.rows("Contact")[:2])
    org.hide_from(ada.email, [unseen])
    soql = f"SELECT RecordId, HasReadAccess, HasEditAccess FROM UserRecordAccess WHERE UserId = '{ada.user_id}'"

    assert ada.rows(f"{soql} AND RecordId IN ('{seen}', '{unseen}')") == [
        {"RecordId": seen, "HasReadAccess": True, "HasEditAccess": True},
        {"RecordId": unseen, "HasReadAccess": False, "HasEditAccess": False},
    ]
    assert ada.get("query", params={"q": soql}).json()[0]["errorCode"] == "MALFORMED_QUERY"


def test_users_and_organization(ada: Caller) -> None:
    assert ada.rows(f"SELECT Id, Name FROM User WHERE Email IN ('{BEN.upper()}') AND UserType = 'Standard'") == [
        {"Id": ada.stand_in.org.user(BEN)["Id"], "Name": "Ben Franklin"}
    ]
    assert ada.rows(
        "SELECT Id, Name, OrganizationType, IsSandbox, InstanceName, TimeZoneSidKey FROM Organization"
    ) == [
        {
            "Id": ada.stand_in.org.id,
            "Name": "Acme",
            "OrganizationType": "Enterprise Edition",
            "IsSandbox": False,
            "InstanceName": "UMA1",
            "TimeZoneSidKey": "Europe/London",
        }
    ]


# -- indexes

ADDRESSES = ["a@x.example", "B@x.example", "c@x.example"]
DEED = st.tuples(
    st.sampled_from(["add", "change", "remove", "restore"]), st.integers(0, 5), st.sampled_from(ADDRESSES)
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(deeds=st.lists(DEED, max_size=15), steps=st.lists(st.integers(-2, 3), min_size=15, max_size=15))
def test_indexes_find_what_a_full_scan_finds(deeds: list[tuple], steps: list[int]) -> None:
    """After any history, with a clock that jumps, each indexed search equals the same search without index."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    org = Org("Index", clock=lambda: now)
    user = org.add_user("u@x.example", "U", "Ser", is_admin=True)
    contacts: list[str] = []
    for (deed, position, address), step in zip(deeds, steps, strict=False):
        now += timedelta(minutes=step)
        target = contacts[position % len(contacts)] if contacts else None
        if deed == "add" or target is None:
            contacts.append(org.add("Contact", LastName="L", Email=address))
        elif org.row(target).get("IsDeleted"):
            org.restore(target)
        elif deed == "remove":
            org.remove(target)
        else:
            org.change(target, Email=address)

    moment = "2026-01-01T00:05:00Z"
    for condition in (
        "Email = 'b@X.example'",
        "Email IN ('a@x.example','c@x.example')",
        f"CreatedDate > {moment}",
        f"SystemModstamp >= {moment}",
    ):
        text = f"SELECT Id FROM Contact WHERE {condition}"
        with_index = {row["Id"] for row in Search(org, user, text, deleted=True).run().rows}
        without = Search(org, user, f"SELECT Id FROM Contact WHERE NOT (NOT {condition})", deleted=True)
        assert with_index == {row["Id"] for row in without.run().rows}
