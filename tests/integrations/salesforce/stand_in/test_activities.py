"""The rules of Tasks and Events."""

import pytest

from integrations.salesforce.stand_in import Org
from tests.integrations.salesforce.stand_in.caller import BEN, Caller, error


def named(org: Org, object_name: str, name: str) -> str:
    return next(row["Id"] for row in org.rows(object_name) if row["Name"] == name)


@pytest.fixture
def ids(ada: Caller) -> dict[str, str]:
    org = ada.stand_in.org
    return {
        "nora": named(org, "Contact", "Nora West"),
        "lena": named(org, "Lead", "Lena Lindqvist"),
        "northwind": named(org, "Account", "Northwind Traders"),
        "initech": named(org, "Account", "Initech"),
        "deal": named(org, "Opportunity", "Initech: reporting suite"),
    }


def fields_of(caller: Caller, object_name: str, record_id: str, *names: str) -> dict:
    row = caller.get(f"sobjects/{object_name}/{record_id}?fields={','.join(names)}").json()
    return {name: row[name] for name in names}


# -- tasks


def test_an_empty_task_is_open_and_mine(ada: Caller) -> None:
    task = ada.create("Task")

    assert fields_of(
        ada, "Task", task, "OwnerId", "Status", "Priority", "IsClosed", "IsHighPriority", "TaskSubtype",
        "CompletedDateTime", "WhoId", "IsReminderSet", "IsDeleted", "IsArchived",
    ) == {
        "OwnerId": ada.user_id,
        "Status": "Not Started",
        "Priority": "Normal",
        "IsClosed": False,
        "IsHighPriority": False,
        "TaskSubtype": "Task",
        "CompletedDateTime": None,
        "WhoId": None,
        "IsReminderSet": False,
        "IsDeleted": False,
        "IsArchived": False,
    }  # fmt: skip


def test_a_logged_email(ada: Caller, ids: dict[str, str]) -> None:
    task = ada.create(
        "Task",
        Subject="  Sent (New): Offer \U0001f600  ",
        Status="Completed",
        Priority="High",
        TaskSubtype="Email",
        ActivityDate="2026-11-23",
        WhoId=ids["nora"][:15],
        WhatId=ids["deal"],
        Description="Hello,\n\nRef: touchline-abc\n",
        CallObject="touchline:abc",
    )
    row = ada.get(f"sobjects/Task/{task}").json()

    now = row["CreatedDate"]
    assert {key: value for key, value in row.items() if value is not None} == {
        "attributes": {"type": "Task", "url": f"/services/data/v62.0/sobjects/Task/{task}"},
        "Id": task,
        "WhoId": ids["nora"],
        "WhatId": ids["deal"],
        "Subject": "Sent (New): Offer \U0001f600",
        "ActivityDate": "2026-11-23",
        "Status": "Completed",
        "Priority": "High",
        "IsHighPriority": True,
        "OwnerId": ada.user_id,
        "Description": "Hello,\n\nRef: touchline-abc",
        "AccountId": ids["initech"],
        "IsClosed": True,
        "IsArchived": False,
        "CallObject": "touchline:abc",
        "IsReminderSet": False,
        "TaskSubtype": "Email",
        "CompletedDateTime": now,
        "IsDeleted": False,
        "CreatedDate": now,
        "CreatedById": ada.user_id,
        "LastModifiedDate": now,
        "LastModifiedById": ada.user_id,
        "SystemModstamp": now,
    }
    assert list(row)[:2] == ["attributes", "Id"]


def test_closing_and_opening_a_task(ada: Caller) -> None:
    task = ada.create("Task")
    closed = ada.call("PATCH", f"sobjects/Task/{task}", json={"Status": "Completed"})
    after_closing = fields_of(ada, "Task", task, "IsClosed")
    stamp = fields_of(ada, "Task", task, "CompletedDateTime")["CompletedDateTime"]
    ada.call("PATCH", f"sobjects/Task/{task}", json={"Status": "Deferred"})

    assert (closed.status_code, closed.content) == (204, b"")
    assert after_closing == {"IsClosed": True}
    assert stamp is not None
    assert fields_of(ada, "Task", task, "IsClosed", "CompletedDateTime") == {
        "IsClosed": False,
        "CompletedDateTime": None,
    }


def test_the_account_follows_what_then_who(ada: Caller, ids: dict[str, str]) -> None:
    def account(**values: str) -> str | None:
        return fields_of(ada, "Task", ada.create("Task", **values), "AccountId")["AccountId"]

    assert account(WhoId=ids["nora"]) == ids["northwind"]
    assert account(WhoId=ids["nora"], WhatId=ids["initech"]) == ids["initech"]
    assert account(WhatId=ids["deal"]) == ids["initech"]
    assert account(WhoId=ids["lena"]) is None


def test_a_lead_stands_alone(ada: Caller, ids: dict[str, str]) -> None:
    for name, more in (("Task", {}), ("Event", {"StartDateTime": "2026-01-01T10:00:00Z", "DurationInMinutes": 5})):
        assert ada.refused(name, WhoId=ids["lena"], WhatId=ids["northwind"], **more) == (
            400,
            error("FIELD_INTEGRITY_EXCEPTION", "Related To ID: cannot specify whatID with lead whoID", "WhatId"),
        )


def test_who_is_a_person_and_what_is_not(ada: Caller, ids: dict[str, str]) -> None:
    wrong = "id value of incorrect type"
    assert ada.refused("Task", WhoId=ids["northwind"]) == (
        400,
        error("FIELD_INTEGRITY_EXCEPTION", f"Name ID: {wrong}: {ids['northwind']}", "WhoId"),
    )
    assert ada.refused("Task", WhatId=ids["nora"]) == (
        400,
        error("FIELD_INTEGRITY_EXCEPTION", f"Related To ID: {wrong}: {ids['nora']}", "WhatId"),
    )


@pytest.mark.parametrize("bad", ["nora", "003A1000000000", "003A10000000001IAB", "003A1000000000!", 5, ["x"]])
def test_ids_that_are_none(ada: Caller, bad: object) -> None:
    status, errors = ada.refused("Task", WhoId=bad)

    assert (status, errors[0]["errorCode"], errors[0]["fields"]) == (400, "MALFORMED_ID", ["WhoId"])


def test_people_who_are_away(ada: Caller, ids: dict[str, str]) -> None:
    org = ada.stand_in.org
    org.remove(ids["nora"])
    org.convert_lead(ids["lena"])
    org.hide_from(ada.email, [ids["deal"]])

    def refusal(**values: str) -> tuple[int, str, str, list]:
        status, [only] = ada.refused("Task", **values)
        return status, only["errorCode"], only["message"], only["fields"]

    assert refusal(WhoId=ids["nora"]) == (400, "ENTITY_IS_DELETED", "entity is deleted", [])
    assert refusal(WhoId="003A10000000zzz") == (400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
    assert refusal(WhoId=ids["lena"]) == (400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", [])
    assert refusal(WhatId=ids["deal"]) == (
        400,
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        f"insufficient access rights on cross-reference id: {ids['deal'][:15]}",
        [],
    )


def test_owners(ada: Caller) -> None:
    org = ada.stand_in.org
    ben = org.user(BEN)["Id"]
    assert fields_of(ada, "Task", ada.create("Task", OwnerId=ben), "OwnerId", "CreatedById") == {
        "OwnerId": ben,
        "CreatedById": ada.user_id,
    }
    org.deactivate_user(BEN)

    assert ada.refused("Task", OwnerId=ben) == (
        400,
        [
            {
                "message": f"operation performed with inactive user [{ben}] as owner of task",
                "errorCode": "INACTIVE_OWNER_OR_USER",
                "fields": [],
            }
        ],
    )
    org.permit(ada.email, "UpdateWithInactiveOwner")
    assert ada.create("Task", OwnerId=ben)


INTEGRITY, JSON = "FIELD_INTEGRITY_EXCEPTION", "JSON_PARSER_ERROR"
NO_WRITE, NO_VALUE = "INVALID_FIELD_FOR_INSERT_UPDATE", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


@pytest.mark.parametrize(
    ("values", "code", "fields"),
    [
        ({"Subject": "x" * 256}, "STRING_TOO_LONG", ["Subject"]),
        ({"Description": "x" * 32_001}, "STRING_TOO_LONG", ["Description"]),
        ({"TaskSubtype": "Fax"}, NO_VALUE, ["TaskSubtype"]),
        ({"Nonsense__c": 1}, "INVALID_FIELD", None),
        ({"TaskWhoIds": []}, "INVALID_FIELD", None),
        ({"Id": "00TA10000000001MAA"}, "INVALID_FIELD", None),
        ({"IsClosed": True}, NO_WRITE, ["IsClosed"]),
        ({"AccountId": "001A10000000001IAA"}, NO_WRITE, ["AccountId"]),
        ({"CreatedDate": "2026-01-01T00:00:00Z"}, NO_WRITE, ["CreatedDate"]),
        ({"ActivityDate": "23.11.2026"}, JSON, None),
        ({"ActivityDate": "9999-12-31"}, INTEGRITY, ["ActivityDate"]),
        ({"ActivityDate": "0001-01-01"}, INTEGRITY, ["ActivityDate"]),
        ({"ReminderDateTime": "2026-11-23T10:00:00"}, JSON, None),
        ({"ReminderDateTime": "9999-12-31T10:00:00Z"}, INTEGRITY, ["ReminderDateTime"]),
        ({"IsReminderSet": "perhaps"}, JSON, None),
        ({"Subject": 5}, JSON, None),
        ({"CallDurationInSeconds": 2**31}, "NUMBER_OUTSIDE_VALID_RANGE", ["CallDurationInSeconds"]),
        ({"CallDurationInSeconds": 1.5}, JSON, None),
    ],
)
def test_values_that_do_not_fit(ada: Caller, values: dict, code: str, fields: list | None) -> None:
    status, [only] = ada.refused("Task", **values)

    assert (status, only["errorCode"], only.get("fields")) == (400, code, fields)
    assert ada.stand_in.org.rows("Task") == []


def test_refusals_name_the_field_by_its_label(ada: Caller) -> None:
    def message(**values: object) -> str:
        return ada.refused("Task", **values)[1][0]["message"]

    long = "x" * 256
    assert message(CallObject=long) == f"Call Object Identifier: data value too large: {long} (max length=255)"
    assert message(TaskSubtype="Fax") == "Task Subtype: bad value for restricted picklist field: Fax"
    assert message(Region__c=1) == "No such column 'Region__c' on sobject of type Task"
    assert message(Id="x") == "The Id field should not be specified in the sobject data."
    assert message(WhatId="x") == "Related To ID: id value of incorrect type: x"
    assert message(IsClosed=True) == (
        "Unable to create/update fields: IsClosed. Please check the security settings of this field and verify"
        " that it is read/write for your profile or permission set."
    )


def test_statuses_are_free_text_that_decides_nothing(ada: Caller) -> None:
    task = ada.create("Task", Status="Erledigt")

    assert fields_of(ada, "Task", task, "Status", "IsClosed") == {"Status": "Erledigt", "IsClosed": False}


def test_an_org_has_its_own_statuses(ada: Caller) -> None:
    org = ada.stand_in.org
    org.set_task_statuses([("Offen", False, True), ("Erledigt", True, False)])
    org.set_task_priorities([("Hoch", True, False), ("Normal", False, True)])
    tasks = [ada.create("Task", **values) for values in ({}, {"Status": "Erledigt", "Priority": "Hoch"})]

    assert [fields_of(ada, "Task", each, "Status", "IsClosed", "IsHighPriority") for each in tasks] == [
        {"Status": "Offen", "IsClosed": False, "IsHighPriority": False},
        {"Status": "Erledigt", "IsClosed": True, "IsHighPriority": True},
    ]
    assert ada.rows("SELECT ApiName, IsClosed, IsDefault FROM TaskStatus ORDER BY SortOrder") == [
        {"ApiName": "Offen", "IsClosed": False, "IsDefault": True},
        {"ApiName": "Erledigt", "IsClosed": True, "IsDefault": False},
    ]
    assert ada.rows("SELECT ApiName, IsHighPriority, IsDefault FROM TaskPriority ORDER BY SortOrder DESC") == [
        {"ApiName": "Normal", "IsHighPriority": False, "IsDefault": True},
        {"ApiName": "Hoch", "IsHighPriority": True, "IsDefault": False},
    ]


def test_null_and_empty_text_clear_a_field(ada: Caller, ids: dict[str, str]) -> None:
    task = ada.create("Task", Subject="x", WhoId=ids["nora"], Description="d")
    ada.call("PATCH", f"sobjects/Task/{task}", json={"Subject": None, "WhoId": None, "Description": " "})

    assert fields_of(ada, "Task", task, "Subject", "WhoId", "Description", "AccountId") == dict.fromkeys(
        ["Subject", "WhoId", "Description", "AccountId"]
    )


def test_the_subtype_is_for_good(ada: Caller) -> None:
    task = ada.create("Task", TaskSubtype="Email")
    answer = ada.call("PATCH", f"sobjects/Task/{task}", json={"TaskSubtype": "Call"})

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")


# -- shared activities


def test_shared_activities_take_fifty_contacts_or_one_lead(ada: Caller, ids: dict[str, str]) -> None:
    org = ada.stand_in.org
    org.share_activities()
    contacts = [row["Id"] for row in org.rows("Contact")]
    crowd = [org.add("Contact", LastName=f"Guest {number}") for number in range(51)]

    task = ada.create("Task", TaskWhoIds=contacts[:3])
    joined = ada.create("Task", WhoId=contacts[5], TaskWhoIds=contacts[:2])
    assert fields_of(ada, "Task", task, "WhoId", "TaskWhoIds") == {"WhoId": contacts[0], "TaskWhoIds": contacts[:3]}
    assert fields_of(ada, "Task", joined, "WhoId", "TaskWhoIds") == {
        "WhoId": contacts[5],
        "TaskWhoIds": [contacts[5], *contacts[:2]],
    }
    for people in (crowd, [ids["lena"], contacts[0]], [ids["northwind"]]):
        assert ada.refused("Task", TaskWhoIds=people)[1][0]["errorCode"] == "FIELD_INTEGRITY_EXCEPTION"
    assert ada.create("Task", TaskWhoIds=crowd[:50])
    assert ada.create("Task", TaskWhoIds=[ids["lena"]])
    org.share_activities(False)
    assert ada.refused("Task", TaskWhoIds=contacts[:1])[1][0]["errorCode"] == "INVALID_FIELD"


# -- events

START = "2026-11-20T14:00:00Z"


@pytest.mark.parametrize(
    "values",
    [
        {"StartDateTime": START, "EndDateTime": "2026-11-20T16:30:00+01:00"},
        {"StartDateTime": START, "DurationInMinutes": 90},
        {"ActivityDateTime": START, "DurationInMinutes": 90},
        {"StartDateTime": START, "EndDateTime": "2026-11-20T15:30:00Z", "DurationInMinutes": 90},
        {"StartDateTime": START, "ActivityDateTime": START, "ActivityDate": "2026-11-20", "DurationInMinutes": 90},
    ],
)
def test_an_event_may_say_its_times_in_several_ways(ada: Caller, values: dict) -> None:
    event = ada.create("Event", Subject="Meeting", **values)

    assert fields_of(
        ada, "Event", event, "StartDateTime", "EndDateTime", "DurationInMinutes", "ActivityDate", "EndDate",
        "ActivityDateTime", "IsAllDayEvent", "ShowAs", "IsChild", "OwnerId",
    ) == {
        "StartDateTime": "2026-11-20T14:00:00.000+0000",
        "EndDateTime": "2026-11-20T15:30:00.000+0000",
        "DurationInMinutes": 90,
        "ActivityDate": "2026-11-20",
        "EndDate": "2026-11-20",
        "ActivityDateTime": "2026-11-20T14:00:00.000+0000",
        "IsAllDayEvent": False,
        "ShowAs": "Busy",
        "IsChild": False,
        "OwnerId": ada.user_id,
    }  # fmt: skip


def timed(**values: object) -> dict[str, object]:
    return {"StartDateTime": START, **values}


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({}, "REQUIRED_FIELD_MISSING", "StartDateTime"),
        (timed(), "REQUIRED_FIELD_MISSING", "EndDateTime"),
        (timed(EndDateTime="2026-11-20T13:00:00Z"), INTEGRITY, "EndDateTime"),
        (timed(EndDateTime="2026-11-20T15:00:00Z", DurationInMinutes=61), INTEGRITY, "EndDateTime"),
        (timed(ActivityDateTime="2026-11-20T14:01:00Z", DurationInMinutes=1), INTEGRITY, "ActivityDateTime"),
        (timed(ActivityDate="2026-11-21", DurationInMinutes=1), INTEGRITY, "ActivityDate"),
        (timed(DurationInMinutes=1441), INTEGRITY, "DurationInMinutes"),
        (timed(DurationInMinutes=5, ShowAs="Away"), NO_VALUE, "ShowAs"),
        (timed(IsAllDayEvent=True), INTEGRITY, "StartDateTime"),
        (timed(DurationInMinutes=5, IsPrivate=True, WhatId="001A10000000001IAA"), INTEGRITY, "IsPrivate"),
    ],
)
def test_events_whose_times_contradict_each_other(ada: Caller, values: dict, code: str, field: str) -> None:
    status, [only] = ada.refused("Event", **values)

    assert (status, only["errorCode"], only["fields"]) == (400, code, [field])


def test_long_events_are_up_to_the_org(ada: Caller) -> None:
    ada.stand_in.org.multiday_events = True

    assert ada.create("Event", StartDateTime=START, DurationInMinutes=14 * 1440)
    assert ada.refused("Event", StartDateTime=START, DurationInMinutes=14 * 1440 + 1)[0] == 400


def test_all_day_events_are_days_at_midnight_utc(ada: Caller) -> None:
    names = ("StartDateTime", "EndDateTime", "DurationInMinutes", "ActivityDate", "EndDate", "ActivityDateTime")
    one_day = {
        "StartDateTime": "2026-11-20T00:00:00.000+0000",
        "EndDateTime": "2026-11-20T00:00:00.000+0000",
        "DurationInMinutes": 1440,
        "ActivityDate": "2026-11-20",
        "EndDate": "2026-11-20",
        "ActivityDateTime": None,
    }
    for values in ({"ActivityDate": "2026-11-20"}, {"StartDateTime": "2026-11-20T01:00:00+01:00"}):
        event = ada.create("Event", IsAllDayEvent=True, **values)
        assert fields_of(ada, "Event", event, *names) == one_day


def test_moving_an_event_keeps_its_length(ada: Caller) -> None:
    event = ada.create("Event", StartDateTime=START, DurationInMinutes=45)
    ada.call("PATCH", f"sobjects/Event/{event}", json={"StartDateTime": "2026-11-21T08:00:00Z"})
    assert fields_of(ada, "Event", event, "EndDateTime", "ActivityDate") == {
        "EndDateTime": "2026-11-21T08:45:00.000+0000",
        "ActivityDate": "2026-11-21",
    }
    ada.call("PATCH", f"sobjects/Event/{event}", json={"EndDateTime": "2026-11-21T10:00:00Z"})
    assert fields_of(ada, "Event", event, "DurationInMinutes") == {"DurationInMinutes": 120}
