"""Permissions, hidden fields and what an org's admin changes, as describe, queries and writes show them."""

import pytest

from tests.integrations.salesforce.stand_in.caller import ADA, Caller, error


def described(caller: Caller, object_name: str) -> dict:
    return caller.get(f"sobjects/{object_name}/describe").json()


def field(caller: Caller, object_name: str, name: str) -> dict | None:
    return next((each for each in described(caller, object_name)["fields"] if each["name"] == name), None)


def test_describe_of_a_field(ada: Caller) -> None:
    assert field(ada, "Task", "CallObject") == {
        "aggregatable": True,
        "autoNumber": False,
        "byteLength": 765,
        "calculated": False,
        "caseSensitive": False,
        "createable": True,
        "custom": False,
        "defaultValue": None,
        "defaultedOnCreate": False,
        "deprecatedAndHidden": False,
        "digits": 0,
        "encrypted": False,
        "externalId": False,
        "filterable": True,
        "groupable": True,
        "idLookup": False,
        "label": "Call Object Identifier",
        "length": 255,
        "name": "CallObject",
        "nameField": False,
        "namePointing": False,
        "nillable": True,
        "permissionable": False,
        "picklistValues": [],
        "polymorphicForeignKey": False,
        "referenceTo": [],
        "relationshipName": None,
        "restrictedPicklist": False,
        "soapType": "xsd:string",
        "sortable": True,
        "type": "string",
        "unique": False,
        "updateable": True,
    }
    who = field(ada, "Task", "WhoId")
    assert (who["referenceTo"], who["relationshipName"], who["namePointing"]) == (["Contact", "Lead"], "Who", True)
    status = field(ada, "Task", "Status")["picklistValues"]
    assert [(each["value"], each["active"], each["defaultValue"]) for each in status] == [
        ("Not Started", True, True),
        ("In Progress", True, False),
        ("Completed", True, False),
        ("Waiting on someone else", True, False),
        ("Deferred", True, False),
    ]


def test_describe_of_an_object_and_of_all(ada: Caller) -> None:
    task = described(ada, "Task")
    every = ada.get("sobjects").json()

    keys = ("name", "keyPrefix", "label", "labelPlural", "createable", "updateable", "deletable", "queryable")
    assert [task[key] for key in keys] == ["Task", "00T", "Task", "Tasks", True, True, True, True]
    assert [each["name"] for each in every["sobjects"]] == [
        "Account", "Campaign", "CampaignMember", "Contact", "Event", "Lead", "Opportunity", "OpportunityContactRole",
        "Organization", "Task", "TaskPriority", "TaskStatus", "User", "UserPermissionAccess", "UserRecordAccess",
    ]  # fmt: skip
    assert ada.get("sobjects/Task").json()["objectDescribe"]["name"] == "Task"


def test_a_user_without_api(ada: Caller, ben: Caller) -> None:
    ada.stand_in.org.permit(ADA, "ApiEnabled", False)
    answer = ada.get("limits")

    assert (answer.status_code, answer.json()) == (
        403,
        error("API_CURRENTLY_DISABLED", "API is disabled for this User"),
    )
    assert ben.get("limits").status_code == 200


def test_an_org_without_api(ada: Caller) -> None:
    ada.stand_in.org.enable_api(False)

    assert ada.get("limits").json()[0]["errorCode"] == "API_DISABLED_FOR_ORG"
    assert ada.get("/services/data").status_code == 200


def test_an_expired_password(ada: Caller, ben: Caller) -> None:
    ada.stand_in.org.expire_password(ADA)

    assert ada.get("limits").json()[0]["errorCode"] == "INVALID_OPERATION_WITH_EXPIRED_PASSWORD"
    assert ben.get("limits").status_code == 200


@pytest.mark.parametrize(
    ("take", "flags"),
    [
        (lambda org: org.permit(ADA, "EditTask", False), (False, False, False)),
        (lambda org: org.deny(ADA, "Task", "c"), (False, True, True)),
        (lambda org: org.deny(ADA, "Task", "ud"), (True, False, False)),
    ],
)
def test_rights_on_an_object(ada: Caller, ben: Caller, take, flags: tuple) -> None:
    task = ada.create("Task")
    take(ada.stand_in.org)
    shown = described(ada, "Task")
    tried = (
        ada.call("POST", "sobjects/Task", json={}).status_code == 201,
        ada.call("PATCH", f"sobjects/Task/{task}", json={}).status_code == 204,
        ada.call("DELETE", f"sobjects/Task/{task}").status_code == 204,
    )

    assert (shown["createable"], shown["updateable"], shown["deletable"]) == flags
    assert tried == flags
    assert ben.create("Task")


def test_no_right_to_create_is_an_error_of_the_row(ada: Caller) -> None:
    ada.stand_in.org.deny(ADA, "Task", "c")

    assert ada.create_many({"type": "Task"}).json() == [
        {
            "success": False,
            "errors": [
                {
                    "statusCode": "INSUFFICIENT_ACCESS_OR_READONLY",
                    "message": "insufficient access rights on object id",
                    "fields": [],
                }
            ],
        }
    ]
    assert ada.refused("Task")[0] == 403


@pytest.mark.parametrize("take", [lambda org: org.deny(ADA, "Lead", "r"), lambda org: org.deny(ADA, "Lead", "crud")])
def test_an_object_that_may_not_be_read_is_not_there(ada: Caller, ben: Caller, take) -> None:
    take(ada.stand_in.org)

    assert ada.get("sobjects/Lead/describe").status_code == 404
    assert ada.get("query?q=SELECT Id FROM Lead").json()[0]["errorCode"] == "INVALID_TYPE"
    assert "Lead" not in [each["name"] for each in ada.get("sobjects").json()["sobjects"]]
    assert len(ben.rows("SELECT Id FROM Lead")) == 5


def test_activities_need_access_activities(ada: Caller) -> None:
    ada.stand_in.org.permit(ADA, "ActivitiesAccess", False)

    assert [ada.get(f"sobjects/{name}/describe").status_code for name in ("Task", "Event")] == [404, 404]


def test_a_hidden_field_is_not_there(ada: Caller, ben: Caller) -> None:
    task = ada.create("Task", CallObject="k", Description="d")
    ada.stand_in.org.hide_field("Task", "CallObject", ADA)

    assert field(ada, "Task", "CallObject") is None
    assert "CallObject" not in ada.get(f"sobjects/Task/{task}").json()
    assert ada.refused("Task", CallObject="k") == (
        400,
        error("INVALID_FIELD", "No such column 'CallObject' on sobject of type Task"),
    )
    for soql in ("SELECT CallObject FROM Task", "SELECT Id FROM Task WHERE CallObject = 'k'"):
        assert ada.get("query", params={"q": soql}).json()[0]["errorCode"] == "INVALID_FIELD"
    assert ben.rows("SELECT CallObject FROM Task") == [{"CallObject": "k"}]
    ada.stand_in.org.hide_field("Task", "CallObject")
    assert field(ben, "Task", "CallObject") is None
    ada.stand_in.org.show_field("Task", "CallObject")
    assert [field(each, "Task", "CallObject") is not None for each in (ada, ben)] == [True, True]


def test_a_read_only_field(ada: Caller) -> None:
    ada.stand_in.org.make_read_only("Task", "Description", ADA)

    shown = field(ada, "Task", "Description")
    assert (shown["createable"], shown["updateable"]) == (False, False)
    assert ada.refused("Task", Description="x")[1][0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_records_out_of_sight(ada: Caller, ben: Caller) -> None:
    contact = ada.stand_in.org.rows("Contact")[0]["Id"]
    ada.stand_in.org.hide_from(ADA, [contact])

    assert ada.rows(f"SELECT Id FROM Contact WHERE Id = '{contact}'", deleted=True) == []
    assert ada.get(f"sobjects/Contact/{contact}").status_code == 404
    assert ben.get(f"sobjects/Contact/{contact}").status_code == 200
    ada.stand_in.org.hide_from(ADA, [contact], hidden=False)
    assert ada.get(f"sobjects/Contact/{contact}").status_code == 200


def test_a_custom_field(ada: Caller) -> None:
    org = ada.stand_in.org
    org.add_field("Task", "Region__c", type="picklist", values=("North", "South"), required=True)

    shown = field(ada, "Task", "Region__c")
    assert (shown["custom"], shown["nillable"], shown["defaultedOnCreate"], shown["label"]) == (
        True,
        False,
        False,
        "Region",
    )
    assert ada.refused("Task", Subject="x") == (
        400,
        error("REQUIRED_FIELD_MISSING", "Required fields are missing: [Region__c]", "Region__c"),
    )
    task = ada.create("Task", Region__c="North")
    assert ada.rows("SELECT Region__c FROM Task WHERE Region__c = 'north'") == [{"Region__c": "North"}]
    org.set_picklist("Task", "Region__c", ["East"], default="East", restricted=True)
    answer = ada.call("PATCH", f"sobjects/Task/{task}", json={"Region__c": "North"})
    assert answer.json()[0]["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    org.remove_field("Task", "Region__c")
    assert ada.create("Task", Subject="x")


def test_other_orgs_keep_their_fields(ada: Caller) -> None:
    ada.stand_in.org.add_field("Task", "Region__c")

    assert "Region__c" not in ada.stand_in.orgs[1].objects["Task"].fields
    ada.stand_in.reset(*ada.stand_in.orgs[1:])
    assert "Region__c" not in ada.stand_in.org.objects["Task"].fields


def test_shared_activities_show_in_describe(ada: Caller) -> None:
    assert [field(ada, "Task", "TaskWhoIds"), field(ada, "Event", "EventWhoIds")] == [None, None]
    ada.stand_in.org.share_activities()

    assert [field(ada, "Task", "TaskWhoIds")["type"], field(ada, "Event", "EventWhoIds")["filterable"]] == [
        "junctionidlist",
        False,
    ]


def test_validation_rules(ada: Caller) -> None:
    org = ada.stand_in.org
    org.add_validation_rule("Task", "Call it something.", blank_field="Subject")
    org.add_validation_rule("Task", "No shouting.", lambda record: str(record.get("Subject")).isupper())
    refusal = {"errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "fields": []}

    assert ada.refused("Task") == (400, [{"message": "Call it something.", **refusal}])
    assert ada.refused("Task", Subject="HEY") == (400, [{"message": "No shouting.", **refusal}])
    task = ada.create("Task", Subject="hey")
    assert (
        ada.call("PATCH", f"sobjects/Task/{task}", json={"Subject": None}).json()[0]["message"]
        == "Call it something."
    )
    org.remove_validation_rules()
    assert ada.create("Task")


def test_locks(ada: Caller) -> None:
    org = ada.stand_in.org
    contact = org.rows("Contact")[0]
    org.lock_row(contact["AccountId"])
    task = ada.create("Task")
    message = f"unable to obtain exclusive access to this record or 1 records: {contact['AccountId']}"

    assert ada.refused("Task", WhatId=contact["AccountId"])[1][0]["message"] == message
    org.lock_row(contact["AccountId"], False)
    assert ada.create("Task", WhoId=contact["Id"])
    org.lock_for_approval(task)
    assert ada.call("PATCH", f"sobjects/Task/{task}", json={}).json()[0]["errorCode"] == "ENTITY_IS_LOCKED"


def test_blind_searches(ada: Caller, ben: Caller) -> None:
    org = ada.stand_in.org
    seen, hidden = ada.create("Task", CallObject="a"), ada.create("Task", CallObject="b")
    org.hide_row(hidden)

    assert ada.rows("SELECT Id FROM Task", deleted=True) == [{"Id": seen}]
    assert ada.get(f"sobjects/Task/{hidden}").status_code == 200
    org.blind_queries("Task")
    assert ben.rows("SELECT Id FROM Task WHERE CallObject = 'a'", deleted=True) == []
    assert len(ben.rows("SELECT Id FROM Contact")) == 12
