"""Matching: people and opportunities, read from the stand-in."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from integrations.salesforce.client import SalesforceClient
from integrations.salesforce.errors import NoAccess, SessionExpired, StaleDescribe, Transient, UnexpectedAnswer
from integrations.salesforce.people import ContactOpportunity, Person
from integrations.salesforce.stand_in import Fault
from tests.stand_in_fixtures import TestedStandIn

ADA = "ada@touchline.example"
NORA = "nora.west@northwindtraders.example"
LENA = "lena@polarfoods.example"
ALICE = "alice.marsh@umbrellahealth.example"


def row(stand_in: TestedStandIn, object_name: str, **values: str) -> dict:
    """The one record of the org with these values, as the org holds it."""
    rows = stand_in.org.rows(object_name, deleted=True)
    found = [each for each in rows if all(each.get(name) == value for name, value in values.items())]
    assert len(found) == 1
    return found[0]


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")


def test_a_contact_and_a_lead_are_found_by_address(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    nora, lena = row(stand_in, "Contact", Email=NORA), row(stand_in, "Lead", Email=LENA)
    account = row(stand_in, "Account", Name="Northwind Traders")

    found = sync_client.find_people([LENA, f" {NORA.upper()} ", "nobody@nowhere.example"])

    assert found == [
        Person(
            kind="Contact",
            id=nora["Id"],
            email=NORA,
            name="Nora West",
            account_id=account["Id"],
            account_name="Northwind Traders",
            owner_id=nora["OwnerId"],
            is_converted=False,
            converted_contact_id=None,
            converted_account_id=None,
            converted_opportunity_id=None,
            created_at=moment(nora["CreatedDate"]),
            modified_at=moment(nora["SystemModstamp"]),
        ),
        Person(
            kind="Lead",
            id=lena["Id"],
            email=LENA,
            name="Lena Lindqvist",
            account_id=None,
            account_name="Polar Foods",
            owner_id=lena["OwnerId"],
            is_converted=False,
            converted_contact_id=None,
            converted_account_id=None,
            converted_opportunity_id=None,
            created_at=moment(lena["CreatedDate"]),
            modified_at=moment(lena["SystemModstamp"]),
        ),
    ]
    assert found[0].created_at.tzinfo == UTC


def test_somebody_can_be_both(sync_client: SalesforceClient) -> None:
    found = sync_client.find_people([ALICE, ALICE])

    assert [(person.kind, person.email) for person in found] == [("Contact", ALICE), ("Lead", ALICE)]


def test_a_converted_lead_leads_to_what_it_became(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    lena = row(stand_in, "Lead", Email=LENA)
    stand_in.org.convert_lead(lena["Id"])
    lena = row(stand_in, "Lead", Email=LENA)

    lead = next(person for person in sync_client.find_people([LENA]) if person.kind == "Lead")

    assert (lead.is_converted, lead.converted_contact_id, lead.converted_account_id) == (
        True,
        lena["ConvertedContactId"],
        lena["ConvertedAccountId"],
    )
    assert lead.converted_opportunity_id == lena.get("ConvertedOpportunityId")
    assert lead.converted_contact_id is not None


def test_deleted_people_are_not_found(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    stand_in.org.remove(row(stand_in, "Contact", Email=NORA)["Id"])

    assert sync_client.find_people([NORA]) == []


def test_addresses_that_cannot_be_in_salesforce_cost_nothing(
    stand_in: TestedStandIn, sync_client: SalesforceClient
) -> None:
    hopeless = ["", "no-at-sign", "x" * 80 + "@x.example", "a\x00b@x.example", "\ud800@x.example"]
    before = stand_in.org.usage.used

    assert sync_client.find_people([]) == []
    assert sync_client.find_people(hopeless) == []
    assert stand_in.org.usage.used == before
    assert [person.kind for person in sync_client.find_people([*hopeless, NORA])] == ["Contact"]


def test_hostile_addresses_find_nobody_else(sync_client: SalesforceClient) -> None:
    hostile = ["' OR Email != '@", "@') OR (Id != '", "%@%", "_@_", "\\@", "@\\' OR Id != null --", "@'", '@"', "@\n"]

    assert sync_client.find_people([*hostile, NORA]) == sync_client.find_people([NORA])


@pytest.mark.parametrize(("count", "calls"), [(1, 1), (200, 1), (400, 1), (401, 2), (1_000, 3)])
def test_400_addresses_cost_one_call(
    stand_in: TestedStandIn, sync_client: SalesforceClient, count: int, calls: int
) -> None:
    before = stand_in.org.usage.used
    addresses = [*(f"somebody.with.a.long.name.{number}@customer.example" for number in range(count - 1)), NORA]

    assert [person.email for person in sync_client.find_people(addresses)] == [NORA]
    assert stand_in.org.usage.used - before == calls


def test_pages_are_followed(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    stand_in.org.page_size = 200
    for number in range(450):
        stand_in.org.add("Contact", LastName=f"Twin {number:03}", Email="twins@customer.example")

    found = sync_client.find_people(["twins@customer.example"])

    assert [person.name for person in found] == [f"Twin {number:03}" for number in range(450)]


@pytest.mark.parametrize(
    ("object_name", "field", "address", "attribute", "value"),
    [
        ("Contact", "AccountId", NORA, "account_id", None),
        ("Contact", "AccountId", NORA, "account_name", ""),
        ("Lead", "Company", LENA, "account_name", ""),
    ],
)
def test_a_hidden_extra_is_left_out(
    stand_in: TestedStandIn,
    connect_as: Callable[[str], SalesforceClient],
    object_name: str,
    field: str,
    address: str,
    attribute: str,
    value: str | None,
) -> None:
    stand_in.org.hide_field(object_name, field, ADA)

    found = connect_as(ADA).find_people([address, ALICE])

    person = next(each for each in found if each.email == address)
    assert getattr(person, attribute) == value
    assert len(found) == 3


def test_a_hidden_address_is_told_and_no_empty_answer(
    stand_in: TestedStandIn, connect_as: Callable[[str], SalesforceClient]
) -> None:
    stand_in.org.hide_field("Lead", "Email", ADA)

    with pytest.raises(StaleDescribe):
        connect_as(ADA).find_people([NORA])


def test_a_hidden_object_is_told_and_no_empty_answer(
    stand_in: TestedStandIn, connect_as: Callable[[str], SalesforceClient]
) -> None:
    stand_in.org.deny(ADA, "Lead", "crud")

    with pytest.raises(NoAccess):
        connect_as(ADA).find_people([NORA])


def test_an_ended_session_is_told(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    stand_in.oauth.expire_access_tokens()

    with pytest.raises(SessionExpired) as caught:
        sync_client.find_people([NORA])
    assert caught.value.request_id is not None


@pytest.mark.parametrize("kind", ["drop", "process_then_drop", "html", "empty"])
def test_reading_can_always_be_tried_again(stand_in: TestedStandIn, sync_client: SalesforceClient, kind: str) -> None:
    stand_in.faults.add(Fault(kind, path="/composite"))

    with pytest.raises(Transient) as caught:
        sync_client.find_people([NORA])
    assert type(caught.value) is Transient
    assert len(sync_client.find_people([NORA])) == 1


def test_an_unreadable_answer_is_no_empty_answer(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    stand_in.faults.add(Fault("garbage", path="/composite"))

    with pytest.raises(UnexpectedAnswer):
        sync_client.find_people([NORA])


# --- changes


def test_changes_deletions_and_merges_are_read_in_order(
    stand_in: TestedStandIn, sync_client: SalesforceClient
) -> None:
    org = stand_in.org
    since = sync_client.server_date or datetime.now(UTC) - timedelta(minutes=5)
    winner = org.add("Contact", LastName="Winner", Email="winner@customer.example")
    loser = org.add("Contact", LastName="Loser", Email="loser@customer.example")
    removed = org.add("Contact", LastName="Removed", Email="removed@customer.example")
    org.merge(winner, loser)
    org.remove(removed)

    changed = {person.id: person for person in sync_client.changes_since("Contact", since - timedelta(hours=1))}

    assert (changed[winner].is_deleted, changed[winner].master_record_id) == (False, None)
    assert (changed[loser].is_deleted, changed[loser].master_record_id) == (True, winner)
    assert (changed[removed].is_deleted, changed[removed].master_record_id) == (True, None)
    times = [person.modified_at for person in changed.values()]
    assert times == sorted(times)


def test_lead_changes_carry_the_conversion(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    lena = row(stand_in, "Lead", Email=LENA)["Id"]
    stand_in.org.convert_lead(lena)

    changes = sync_client.changes_since("Lead", datetime.now(UTC) - timedelta(hours=1))

    assert [person.is_converted for person in changes if person.id == lena] == [True]
    assert {person.kind for person in changes} == {"Lead"}


def test_changes_of_the_future_are_none(sync_client: SalesforceClient) -> None:
    assert sync_client.changes_since("Contact", datetime.now(UTC) + timedelta(days=1)) == []


def test_changes_stop_at_their_limit(sync_client: SalesforceClient) -> None:
    assert len(sync_client.changes_since("Contact", datetime.now(UTC) - timedelta(days=1), limit=3)) == 3


def test_changes_of_something_else_are_refused(sync_client: SalesforceClient) -> None:
    with pytest.raises(ValueError, match="Contact or Lead"):
        sync_client.changes_since("User", datetime.now(UTC))


# --- opportunities


def test_open_opportunities_of_a_contact(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    nora = row(stand_in, "Contact", Email=NORA)
    deal = row(stand_in, "Opportunity", Name="Northwind: fleet renewal")

    assert sync_client.find_open_opportunities([nora["Id"]]) == [
        ContactOpportunity(
            contact_id=nora["Id"],
            opportunity_id=deal["Id"],
            name="Northwind: fleet renewal",
            is_closed=False,
            close_date=date.fromisoformat(deal["CloseDate"]),
            owner_id=deal["OwnerId"],
            account_id=deal["AccountId"],
            is_primary=True,
            amount=48_000,
            last_modified=moment(deal["LastModifiedDate"]),
        )
    ]


def test_closed_opportunities_on_demand(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    niels = row(stand_in, "Contact", Email="niels.holm@northwindtraders.example")["Id"]

    assert sync_client.find_open_opportunities([niels]) == []
    closed = sync_client.find_open_opportunities([niels], include_closed=True)
    assert [(each.name, each.is_closed, each.is_primary) for each in closed] == [("Northwind: pilot", True, False)]


def test_opportunities_of_an_account(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    initech = row(stand_in, "Account", Name="Initech")["Id"]

    found = sync_client.find_account_opportunities([initech])
    assert sorted(each.name for each in found) == ["Initech: reporting suite", "Initech: support plan"]
    assert {(each.contact_id, each.is_primary, each.account_id) for each in found} == {(None, False, initech)}
    everything = sync_client.find_account_opportunities([initech], include_closed=True)
    assert sorted(each.name for each in everything if each.is_closed) == ["Initech: training"]


def test_no_ids_cost_no_call(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    before = stand_in.org.usage.used

    assert sync_client.find_open_opportunities([]) == []
    assert sync_client.find_account_opportunities([]) == []
    assert stand_in.org.usage.used == before


def test_1000_contacts_cost_one_call(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    ids = [row(stand_in, "Contact", Email=NORA)["Id"]]
    ids += [stand_in.org.add("Contact", LastName=f"Person {number}") for number in range(999)]
    before = stand_in.org.usage.used

    assert [each.name for each in sync_client.find_open_opportunities(ids)] == ["Northwind: fleet renewal"]
    assert stand_in.org.usage.used - before == 1


def test_a_hidden_amount_is_left_out(stand_in: TestedStandIn, connect_as: Callable[[str], SalesforceClient]) -> None:
    stand_in.org.hide_field("Opportunity", "Amount", ADA)
    nora = row(stand_in, "Contact", Email=NORA)

    client = connect_as(ADA)
    assert [each.amount for each in client.find_open_opportunities([nora["Id"]])] == [None]
    assert [each.amount for each in client.find_account_opportunities([nora["AccountId"]])] == [None]


def test_people_are_read_by_id_as_far_as_they_may_be_seen(
    stand_in: TestedStandIn, connect_as: Callable[[str], SalesforceClient]
) -> None:
    client = connect_as(ADA)
    nora, lena = row(stand_in, "Contact", Email=NORA), row(stand_in, "Lead", Email=LENA)
    hidden, gone = stand_in.org.add("Contact", LastName="Hidden"), stand_in.org.add("Contact", LastName="Gone")
    stand_in.org.hide_from(ADA, [hidden])
    stand_in.org.remove(gone)
    before = stand_in.org.usage.used

    found = client.read_people([lena["Id"], nora["Id"][:15], hidden, gone, stand_in.org.rows("Account")[0]["Id"]])

    assert stand_in.org.usage.used - before == 1
    assert [(each.kind, each.id, each.name, each.account_name) for each in found] == [
        ("Contact", nora["Id"], "Nora West", "Northwind Traders"),
        ("Lead", lena["Id"], lena["Name"], lena["Company"]),
    ]
    assert client.read_people([]) == []
