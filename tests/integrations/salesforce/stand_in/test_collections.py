"""composite/sobjects: up to 200 records in one call."""

import pytest

from tests.integrations.salesforce.stand_in.caller import Caller

LONG = {"type": "Task", "Subject": "x" * 256}
TOO_LONG = {
    "success": False,
    "errors": [
        {
            "statusCode": "STRING_TOO_LONG",
            "message": f"Subject: data value too large: {'x' * 256} (max length=255)",
            "fields": ["Subject"],
        }
    ],
}
UNDONE = {
    "success": False,
    "errors": [
        {
            "statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            "message": "Record rolled back because not all records were valid"
            " and the request was using AllOrNone header",
            "fields": [],
        }
    ],
}


def saved(record_id: str) -> dict:
    return {"id": record_id, "success": True, "errors": []}


def test_each_record_has_its_result_in_order(ada: Caller) -> None:
    answer = ada.create_many(
        {"type": "Task", "Subject": "a"}, LONG, {"type": "Event"}, {"type": "Task", "Subject": "b"}
    )

    first, last = (row["Id"] for row in ada.stand_in.org.rows("Task"))
    assert answer.status_code == 200
    assert [each["success"] for each in answer.json()] == [True, False, False, True]
    assert [answer.json()[place] for place in (0, 1, 3)] == [saved(first), TOO_LONG, saved(last)]
    assert list(answer.json()[0]) == ["id", "success", "errors"]


def test_all_or_none(ada: Caller) -> None:
    answer = ada.create_many({"type": "Task"}, LONG, {"type": "Task"}, all_or_none=True)
    assert answer.json() == [UNDONE, TOO_LONG, UNDONE]
    assert ada.rows("SELECT Id FROM Task", deleted=True) == []

    answer = ada.create_many({"type": "Task", "CallObject": "k"}, {"type": "Task"}, all_or_none=True)
    assert [each["success"] for each in answer.json()] == [True, True]
    assert len(ada.rows("SELECT Id FROM Task WHERE CallObject = 'K'")) == 1


def test_200_records_and_ten_runs_of_a_type(ada: Caller) -> None:
    assert len(ada.create_many(*[{"type": "Task"}] * 200).json()) == 200
    too_many = ada.create_many(*[{"type": "Task"}] * 201)
    event = {"type": "Event", "StartDateTime": "2026-01-01T10:00:00Z", "DurationInMinutes": 5}
    assert len(ada.create_many(*[{"type": "Task"}, event] * 5).json()) == 10
    mixed = ada.create_many(*[{"type": "Task"}, event] * 5, {"type": "Task"})

    assert (too_many.status_code, too_many.json()[0]["errorCode"]) == (400, "EXCEEDED_ID_LIMIT")
    assert (mixed.status_code, mixed.json()[0]["errorCode"]) == (400, "LIMIT_EXCEEDED")
    assert len(ada.stand_in.org.rows("Task")) == 205


@pytest.mark.parametrize(
    "record",
    [{"Subject": "x", "attributes": {"type": "Task"}}, {"Subject": "x"}, {}, "x", {"attributes": "Task"}],
)
def test_attributes_come_first(ada: Caller, record: object) -> None:
    answer = ada.post("composite/sobjects", {"records": [{"attributes": {"type": "Task"}}, record]})

    assert answer.status_code == 400
    assert ada.stand_in.org.rows("Task") == []


def test_an_unknown_field_refuses_its_row_or_the_call(ada: Caller) -> None:
    records = [{"type": "Task"}, {"type": "Task", "Region__c": "x"}]
    in_row = ada.create_many(*records)
    before = len(ada.stand_in.org.rows("Task"))
    ada.stand_in.org.unknown_field_refuses_call = True
    in_call = ada.create_many(*records)

    assert [row["success"] for row in in_row.json()] == [True, False]
    assert in_row.json()[1]["errors"] == [
        {"statusCode": "INVALID_FIELD", "message": "No such column 'Region__c' on sobject of type Task", "fields": []}
    ]
    assert (in_call.status_code, in_call.json()[0]["errorCode"]) == (400, "INVALID_FIELD")
    assert len(ada.stand_in.org.rows("Task")) == before == 1


def test_updates(ada: Caller) -> None:
    task, other = ada.create("Task", Subject="a"), ada.create("Task", Subject="b")
    ada.stand_in.org.remove(other)

    def update(*records: dict, all_or_none: bool = False) -> list:
        listed = [{"attributes": {"type": "Task"}, **each} for each in records]
        return ada.call("PATCH", "composite/sobjects", json={"allOrNone": all_or_none, "records": listed}).json()

    rows = update(
        {"Id": task[:15], "Subject": "c"},
        {"Subject": "x"},
        {"Id": other},
        {"Id": "00TA1000000zzzz"},
        {"id": ada.user_id},
    )
    assert rows[0] == saved(task)
    assert [row["errors"][0]["statusCode"] for row in rows[1:]] == [
        "MISSING_ARGUMENT",
        "ENTITY_IS_DELETED",
        "INVALID_CROSS_REFERENCE_KEY",
        "MALFORMED_ID",
    ]
    assert update({"Id": task, "Subject": "d"}, {"Id": other}, all_or_none=True)[0] == UNDONE
    assert ada.rows("SELECT Subject FROM Task") == [{"Subject": "c"}]


def test_deletes(ada: Caller) -> None:
    tasks = [ada.create("Task") for _ in range(3)]
    rows = ada.call("DELETE", f"composite/sobjects?ids={tasks[0]},{tasks[1][:15]},00TA1000000zzzz,x").json()

    assert rows[:2] == [saved(tasks[0]), saved(tasks[1])]
    assert [row["errors"][0]["statusCode"] for row in rows[2:]] == ["INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID"]
    undone = ada.call("DELETE", f"composite/sobjects?ids={tasks[2]},{tasks[0]}&allOrNone=true").json()
    assert [row["errors"][0]["statusCode"] for row in undone] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "ENTITY_IS_DELETED",
    ]
    assert ada.rows("SELECT Id FROM Task") == [{"Id": tasks[2]}]


def test_reading_several(ada: Caller) -> None:
    org = ada.stand_in.org
    nora, niels, nadia = (row["Id"] for row in org.rows("Contact")[:3])
    org.remove(niels)
    org.hide_from(ada.email, [nadia])
    by_get = ada.get(f"composite/sobjects/Contact?ids={nora},{niels},{nadia}&fields=Name")
    by_post = ada.post("composite/sobjects/Contact", {"ids": [nora, niels, nadia], "fields": ["Name"]})

    expected = [
        {
            "attributes": {"type": "Contact", "url": f"/services/data/v62.0/sobjects/Contact/{nora}"},
            "Name": "Nora West",
        },
        None,
        None,
    ]
    assert [by_get.json(), by_post.json()] == [expected, expected]


def test_upserts_by_email(ada: Caller) -> None:
    records = [
        {"attributes": {"type": "Contact"}, "LastName": "West", "Title": "CPO", "Email": address}
        for address in ("Nora.West@NorthwindTraders.example", "new@northwind.example")
    ]
    rows = ada.call("PATCH", "composite/sobjects/Contact/Email", json={"records": records}).json()

    assert [row["created"] for row in rows] == [False, True]
    assert ada.rows("SELECT Title FROM Contact WHERE Name = 'Nora West'") == [{"Title": "CPO"}]


def test_one_record_by_email(ada: Caller) -> None:
    path = "sobjects/Contact/Email/nora.west%40northwindtraders.example"
    updated = ada.call("PATCH", path, json={"Title": "CPO"})
    created = ada.call("PATCH", "sobjects/Contact/Email/x%40y.example", json={"LastName": "X"})
    ada.stand_in.org.add("Contact", LastName="Twin", Email="x@y.example")
    several = ada.call("PATCH", "sobjects/Contact/Email/x%40y.example", json={"LastName": "X"})
    by_name = ada.get("sobjects/Contact/LastName/West")

    assert (updated.status_code, updated.json()["created"]) == (200, False)
    assert ada.get(path).json()["Title"] == "CPO"
    assert (created.status_code, created.json()["created"]) == (201, True)
    assert several.status_code == 300
    assert several.json() == [
        f"/services/data/v62.0/sobjects/Contact/{row['Id']}" for row in ada.stand_in.org.rows("Contact")[-2:]
    ]
    assert by_name.json()[0]["message"].endswith("does not exist or is not accessible: LastName")


def test_objects_out_of_sight(ada: Caller) -> None:
    answer = ada.create_many({"type": "Nothing__c"}, {"type": "Task"})

    assert answer.json()[0]["errors"][0]["statusCode"] == "INVALID_TYPE"
    assert answer.json()[1]["success"] is True
