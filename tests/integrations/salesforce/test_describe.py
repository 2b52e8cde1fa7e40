"""What an object looks like for one user, from recorded answers and from the stand-in."""

import csv
import json
from collections.abc import Callable

import pytest

from integrations.salesforce.client import SalesforceClient
from integrations.salesforce.describe import Describe, Field
from integrations.salesforce.errors import RecordGone, UnexpectedAnswer
from tests.integrations.salesforce.recorded import RECORDED, needs_recordings, read_recording
from tests.stand_in_fixtures import TestedStandIn

ADA = "ada@touchline.example"
OBJECTS = ("Account", "Contact", "Event", "Lead", "Opportunity", "OpportunityContactRole")


@needs_recordings
@pytest.mark.parametrize("name", OBJECTS)
def test_recorded_describes_are_read_and_survive_the_cache(name: str) -> None:
    answer = read_recording(f"describe/{name}.json")
    answer = answer.get("body", answer)

    describe = Describe.from_answer(answer)

    assert describe.name == name
    assert len(describe.fields) == len(answer["fields"])
    cached = json.dumps(describe.to_json())
    assert Describe.from_json(json.loads(cached)) == describe
    assert len(cached) < len(json.dumps(answer)) / 5


@needs_recordings
@pytest.mark.parametrize("name", OBJECTS)
def test_the_flags_are_those_of_the_recordings_summary(name: str) -> None:
    answer = read_recording(f"describe/{name}.json")
    describe = Describe.from_answer(answer.get("body", answer))
    with (RECORDED / "describe" / "fields_summary.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["object"] == name]

    assert rows
    for row in rows:
        field = describe.fields[row["field"]]
        assert (field.type, str(field.length)) == (row["type"], row["length"])


@needs_recordings
def test_what_a_lead_needs() -> None:
    answer = read_recording("describe/Lead.json")

    required = Describe.from_answer(answer.get("body", answer)).required

    assert {"LastName", "Company"} <= set(required)


def test_a_describe_from_the_stand_in(sync_client: SalesforceClient) -> None:
    task = sync_client.describe("Task")

    assert (task.name, task.createable, task.updateable, task.deletable, task.queryable) == (
        "Task",
        True,
        True,
        True,
        True,
    )
    assert task.fields["CallObject"] == Field(
        name="CallObject",
        type="string",
        length=255,
        createable=True,
        updateable=True,
        filterable=True,
        nillable=True,
        defaulted_on_create=False,
        restricted=False,
        picklist=(),
        picklist_default=None,
    )
    assert task.fields["Status"].picklist_default == "Not Started"
    assert "Completed" in task.fields["Status"].picklist
    assert not task.fields["Description"].filterable
    assert task.required == ()


def test_a_field_that_the_admin_requires(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    stand_in.org.add_field("Task", "Region__c", required=True)

    assert sync_client.describe("Task").required == ("Region__c",)


def test_a_hidden_field_is_absent(
    stand_in: TestedStandIn, sync_client: SalesforceClient, connect_as: Callable[[str], SalesforceClient]
) -> None:
    stand_in.org.hide_field("Task", "Description", ADA)

    assert "Description" not in connect_as(ADA).describe("Task").fields
    assert "Description" in sync_client.describe("Task").fields


def test_inactive_values_are_not_offered(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    values = [
        {"value": "A", "active": True, "defaultValue": False},
        {"value": "B", "active": False, "defaultValue": True},
    ]
    field = field_answer(picklistValues=values)

    describe = Describe.from_answer(object_answer(fields=[field]))

    assert (describe.fields["X"].picklist, describe.fields["X"].picklist_default) == (("A",), None)


def test_an_object_without_rights_is_gone(
    stand_in: TestedStandIn, connect_as: Callable[[str], SalesforceClient]
) -> None:
    stand_in.org.deny(ADA, "Opportunity", "crud")

    with pytest.raises(RecordGone):
        connect_as(ADA).describe("Opportunity")


@pytest.mark.parametrize("name", ["", "Task/describe", "../User", "Task?x=1", "Täsk", "Task%2f", "Task\n"])
def test_only_names_are_asked_for(sync_client: SalesforceClient, name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        sync_client.describe(name)


def field_answer(**changes: object) -> dict[str, object]:
    return {
        "name": "X",
        "type": "picklist",
        "length": 40,
        "createable": True,
        "updateable": True,
        "filterable": True,
        "nillable": True,
        "defaultedOnCreate": False,
        "restrictedPicklist": True,
        "picklistValues": [],
    } | changes


def object_answer(**changes: object) -> dict[str, object]:
    flags = dict.fromkeys(("createable", "updateable", "deletable", "queryable"), True)
    return {"name": "T", "fields": [field_answer()], **flags} | changes


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "x",
        {},
        object_answer(fields=None),
        object_answer(fields=[{}]),
        object_answer(fields=["x"]),
        object_answer(fields=[field_answer(picklistValues=["x"])]),
        {name: value for name, value in object_answer().items() if name != "queryable"},
    ],
)
def test_what_is_no_describe_is_refused(body: object) -> None:
    with pytest.raises(UnexpectedAnswer):
        Describe.from_answer(body)
