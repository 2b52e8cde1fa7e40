"""From a report to the record in Salesforce."""

import json
from datetime import timedelta
from typing import Any

import pytest

from activity.models import (
    DecisionTrace,
    DueJob,
    Kind,
    KnownPerson,
    LoggedRecord,
    Message,
    SyncAttempt,
    SyncJob,
    SyncState,
)
from activity.pipeline.captured import Attendee, Person
from activity.settings import save_settings
from integrations.models import ApiUsage, Connection
from integrations.preflight import Result, rows_of
from integrations.salesforce.stand_in.faults import Fault
from tests.activity.conftest import Clock
from tests.activity.stories import NADIA, NOON, NORA, PETER, log, meeting, received, report, sent, states, tracked
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Membership, Workspace

SYNCED = ("synced", "")


@pytest.fixture
def ready(bens_connection: Connection) -> Connection:
    """Ben's connection, with what is asked once a day already known."""
    return bens_connection


def record_of(stand_in: TestedStandIn, name: str, **values: Any) -> dict[str, Any]:
    """The one record with these values."""
    [found] = [row for row in stand_in.org.rows(name) if values.items() <= row.items()]
    return found


def calls(stand_in: TestedStandIn) -> int:
    """How many API calls the org has counted."""
    return stand_in.org.usage.used


# --- One mail ---------------------------------------------------------------------------------------------


def test_a_sent_mail_becomes_a_task(salesforce: TestedStandIn, ready: Connection, acme: Workspace) -> None:
    report(acme, sent())

    log(ready)

    org = salesforce.org
    [task] = org.rows("Task")
    nora = record_of(salesforce, "Contact", Email=NORA)
    deal = record_of(salesforce, "Opportunity", Name="Northwind: fleet renewal")
    job = SyncJob.objects.get()
    assert {name: task[name] for name in ("Subject", "WhoId", "WhatId", "OwnerId", "Status", "ActivityDate")} == {
        "Subject": "Sent (New): Offer 1",
        "WhoId": nora["Id"],
        "WhatId": deal["Id"],
        "OwnerId": org.user("ben@touchline.example")["Id"],
        "Status": "Completed",
        "ActivityDate": "2026-11-20",
    }
    assert task["CallObject"] == f"touchline:{job.key}"
    assert task["TaskSubtype"] == "Email"
    assert (job.state, job.reason, job.salesforce_id) == (SyncState.SYNCED, "", task["Id"])
    assert (job.person_id, job.related_id, job.match_rule) == (nora["Id"], deal["Id"], "only_one")
    assert not DueJob.objects.exists()
    assert LoggedRecord.objects.values_list("salesforce_id", "key", "in_call_object").get() == (
        task["Id"],
        job.key,
        True,
    )
    assert Message.objects.get().text == ""


def test_the_attempt_keeps_payload_and_answer(salesforce: TestedStandIn, ready: Connection, acme: Workspace) -> None:
    report(acme, sent())
    log(ready)

    attempt, job = SyncAttempt.objects.get(), SyncJob.objects.get()
    assert (attempt.number, attempt.operation, attempt.outcome) == (1, "create", "synced")
    assert json.loads(attempt.payload)["Subject"] == "Sent (New): Offer 1"
    assert json.loads(attempt.answer) == {"id": job.salesforce_id, "success": True, "errors": []}
    assert attempt.salesforce_user_id == ready.salesforce_user.user_id
    trace = DecisionTrace.objects.get().content
    assert trace["match"]["match_rule"] == "only_one"
    assert trace["candidates"] == [{"type": "Contact", "id": job.person_id, "name": "Nora West"}]


def test_draining_again_changes_nothing(salesforce: TestedStandIn, ready: Connection, acme: Workspace) -> None:
    report(acme, sent())
    log(ready)
    before = calls(salesforce)

    log(ready)

    assert len(salesforce.org.rows("Task")) == 1
    assert calls(salesforce) == before


# --- Matching ---------------------------------------------------------------------------------------------


def test_nobody_in_salesforce(salesforce: TestedStandIn, ready: Connection, acme: Workspace) -> None:
    report(acme, sent(to=(Person("stranger@elsewhere.example"),)))
    log(ready)

    assert states() == [("skipped", "no_match")]
    assert Message.objects.get().text == ""
    assert not salesforce.org.rows("Task")
    assert not SyncAttempt.objects.exists()
    assert KnownPerson.objects.get().candidates == []


def test_a_lead_has_no_related_record(salesforce: TestedStandIn, ready: Connection, acme: Workspace) -> None:
    report(acme, sent(to=(Person("lena@polarfoods.example"),)))
    log(ready)

    task = record_of(salesforce, "Task")
    assert task["WhoId"] == record_of(salesforce, "Lead", Email="lena@polarfoods.example")["Id"]
    assert not task.get("WhatId")
    assert SyncJob.objects.values_list("person_type", "related_id").get() == ("Lead", "")


def test_contact_before_lead(salesforce: TestedStandIn, ready: Connection, acme: Workspace) -> None:
    report(acme, sent(to=(Person("alice.marsh@umbrellahealth.example"),)))
    log(ready)

    assert SyncJob.objects.values_list("person_type", "match_rule").get() == ("Contact", "preferred_kind")


def test_two_contacts_with_one_address(salesforce: TestedStandIn, ready: Connection, acme: Workspace) -> None:
    for name in ("One", "Two"):
        salesforce.org.add("Contact", LastName=name, Email="twin@initech.example")
    report(acme, sent(to=(Person("twin@initech.example"),)))
    log(ready)

    assert SyncJob.objects.values_list("state", "reason", "reason_detail").get() == (
        "skipped",
        "ambiguous",
        "One (Contact), Two (Contact)",
    )


def test_a_converted_lead_leads_to_its_contact(salesforce: TestedStandIn, ready: Connection, acme: Workspace) -> None:
    lead = record_of(salesforce, "Lead", Email="omar@saharafreight.example")
    salesforce.org.convert_lead(lead["Id"])
    report(acme, sent(to=(Person("omar@saharafreight.example"),)))
    log(ready)

    task = record_of(salesforce, "Task")
    assert task["WhoId"] == salesforce.org.row(lead["Id"])["ConvertedContactId"]


def test_a_known_address_costs_no_call(salesforce: TestedStandIn, ready: Connection, acme: Workspace) -> None:
    report(acme, sent(1))
    log(ready)
    before = calls(salesforce)
    report(acme, sent(2))
    log(ready)

    assert calls(salesforce) - before == 1


def test_a_whole_batch_costs_three_calls(salesforce: TestedStandIn, ready: Connection, acme: Workspace) -> None:
    report(acme, sent(1))
    log(ready)
    KnownPerson.objects.all().delete()
    before = calls(salesforce)
    people = [NORA, PETER, NADIA, "lena@polarfoods.example", "nobody@x.example"]
    report(acme, *(sent(10 + n, to=(Person(people[n % 5]),)) for n in range(200)))
    log(ready)

    assert calls(salesforce) - before == 3
    assert len(salesforce.org.rows("Task")) == 161
    assert states().count(("skipped", "no_match")) == 40


# --- Batches ----------------------------------------------------------------------------------------------


def test_a_refused_row_does_not_stop_the_others(
    salesforce: TestedStandIn, ready: Connection, acme: Workspace
) -> None:
    salesforce.org.add_validation_rule("Task", "No brochures", lambda record: "brochure" in record["Subject"])
    report(acme, *(sent(n, subject="brochure" if n == 3 else f"Offer {n}") for n in range(6)))
    log(ready)

    assert [state for state, _ in states()] == ["synced"] * 3 + ["failed"] + ["synced"] * 2
    job = SyncJob.objects.get(state="failed")
    assert (job.reason, job.error_code, job.reason_detail) == (
        "rejected",
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "No brochures",
    )
    attempt = SyncAttempt.objects.get(job_id=job.pk)
    assert attempt.outcome == "rejected"
    assert json.loads(attempt.answer)["errors"][0]["message"] == "No brochures"
    assert Message.objects.get(subject="brochure").text  # it can be retried


def test_results_belong_to_their_rows(salesforce: TestedStandIn, ready: Connection, acme: Workspace) -> None:
    people = [NORA, PETER, NADIA, "lena@polarfoods.example"]
    report(acme, *(sent(n, to=(Person(people[n % 4]),), subject=f"Offer {n}") for n in range(40)))
    report(acme, meeting())
    log(ready)

    for job in SyncJob.objects.filter(kind="sent"):
        assert salesforce.org.row(job.salesforce_id)["CallObject"] == f"touchline:{job.key}"
        assert salesforce.org.row(job.salesforce_id)["Subject"] == f"Sent (New): {job.subject}"
    assert states() == [SYNCED] * 41


def test_one_messages_activities_keep_their_order(
    salesforce: TestedStandIn, ready: Connection, acme: Workspace, ben_member: Any
) -> None:
    save_settings(ben_member.role, {"log_opened": True, "log_clicked": True}, None)
    report(acme, sent(1), tracked(Kind.OPENED), tracked(Kind.CLICKED, url="https://x.example"))
    report(acme, received(2, in_reply_to="m1@acme.example"))
    log(ready)

    subjects = [row["Subject"] for row in sorted(salesforce.org.rows("Task"), key=lambda row: row["Id"])]
    assert subjects == [
        "Sent (New): Offer 1",
        "Opened: Offer 1",
        "Clicked: https://x.example",
        "Replied: Offer 2",
    ]


def test_a_later_activity_waits_while_an_earlier_one_is_unknown(
    salesforce: TestedStandIn, ready: Connection, acme: Workspace, ben_member: Any
) -> None:
    save_settings(ben_member.role, {"log_opened": True}, None)
    report(acme, sent(1))
    salesforce.faults.add(Fault("drop", path="composite/sobjects", method="POST"))
    log(ready)
    report(acme, tracked(Kind.OPENED), sent(2))
    log(ready)

    assert [state for state, _ in states()] == ["unknown", "waiting", "synced"]


# --- Meetings ---------------------------------------------------------------------------------------------


def test_a_meeting_is_one_event_for_its_life(salesforce: TestedStandIn, ready: Connection, acme: Workspace) -> None:
    report(acme, meeting())
    log(ready)
    [event] = salesforce.org.rows("Event")
    assert (event["Subject"], event["StartDateTime"][:16], event["ShowAs"]) == (
        "Meeting Confirmed: Demo",
        "2026-11-25T14:00",
        "Busy",
    )

    report(acme, meeting(hour=16, at=NOON + timedelta(hours=1)))
    log(ready)
    [moved] = salesforce.org.rows("Event")
    assert (moved["Id"], moved["StartDateTime"][:16]) == (event["Id"], "2026-11-25T16:00")

    report(acme, meeting(Kind.MEETING_CANCELED, hour=16, at=NOON + timedelta(hours=2)))
    log(ready)
    [canceled] = salesforce.org.rows("Event")
    assert (canceled["Id"], canceled["Subject"], canceled["ShowAs"], canceled["WhoId"]) == (
        event["Id"],
        "Meeting Canceled: Demo",
        "Free",
        event["WhoId"],
    )
    assert list(SyncJob.objects.values_list("state", "salesforce_id")) == [("synced", event["Id"])] * 3
    assert LoggedRecord.objects.count() == 1
    assert canceled["Description"].endswith(f"Ref: touchline-{LoggedRecord.objects.get().key}")


def test_a_report_that_changes_nothing(salesforce: TestedStandIn, ready: Connection, acme: Workspace) -> None:
    report(acme, meeting())
    log(ready)
    report(acme, meeting(source_id="again", at=NOON + timedelta(hours=1)))
    before = calls(salesforce)
    log(ready)

    assert states() == [SYNCED, ("skipped", "superseded")]
    assert calls(salesforce) == before


def test_moved_and_canceled_before_anything_was_sent(
    salesforce: TestedStandIn, ready: Connection, acme: Workspace
) -> None:
    report(acme, meeting(), meeting(hour=16, at=NOON + timedelta(hours=1)))
    log(ready)
    assert states() == [("skipped", "superseded"), SYNCED]
    assert record_of(salesforce, "Event")["StartDateTime"][:16] == "2026-11-25T16:00"

    other = {"uid": "uid-2", "source_id": "a"}
    report(acme, meeting(**other))
    report(acme, meeting(Kind.MEETING_CANCELED, uid="uid-2", source_id="b", at=NOON + timedelta(hours=1)))
    log(ready)

    assert states()[2:] == [("skipped", "superseded")] * 2
    assert len(salesforce.org.rows("Event")) == 1


def test_each_attendee_has_an_event(salesforce: TestedStandIn, ready: Connection, acme: Workspace) -> None:
    report(acme, meeting(attendees=(Attendee(NORA), Attendee(PETER))))
    log(ready)

    assert len(salesforce.org.rows("Event")) == 2
    assert len({row["WhoId"] for row in salesforce.org.rows("Event")}) == 2


def test_an_event_that_somebody_deleted_stays_deleted(
    salesforce: TestedStandIn, ready: Connection, acme: Workspace
) -> None:
    report(acme, meeting())
    log(ready)
    salesforce.org.remove(record_of(salesforce, "Event")["Id"])
    report(acme, meeting(hour=16, at=NOON + timedelta(hours=1)))
    log(ready)
    report(acme, meeting(hour=17, at=NOON + timedelta(hours=2)))
    log(ready)

    assert states() == [SYNCED, ("skipped", "removed"), ("skipped", "removed")]
    assert not salesforce.org.rows("Event")


# --- What the user may write --------------------------------------------------------------------------------


def test_without_the_key_field_the_marker_is_written(
    salesforce: TestedStandIn, ready: Connection, acme: Workspace
) -> None:
    ready.org.use_call_object = False
    ready.org.save()
    report(acme, sent())
    log(ready)

    task = record_of(salesforce, "Task")
    assert not task.get("CallObject")
    assert task["Description"].endswith(f"\n\nRef: touchline-{SyncJob.objects.get().key}")


def test_a_field_that_is_hidden_later(salesforce: TestedStandIn, ready: Connection, acme: Workspace) -> None:
    report(acme, sent(1))
    log(ready)
    salesforce.org.hide_field("Task", "WhatId", "ben@touchline.example")
    report(acme, sent(2))
    log(ready)
    log(ready)

    assert states() == [SYNCED, SYNCED]
    assert [attempt.outcome for attempt in SyncAttempt.objects.order_by("pk")] == ["synced", "retry", "synced"]
    assert SyncJob.objects.last().related_id == ""


def test_a_person_who_was_merged_is_matched_again(
    salesforce: TestedStandIn, ready: Connection, acme: Workspace
) -> None:
    report(acme, sent(1))
    log(ready)
    nora = record_of(salesforce, "Contact", Email=NORA)
    twin = salesforce.org.add("Contact", LastName="West", Email=NORA, AccountId=nora["AccountId"])
    salesforce.org.merge(twin, nora["Id"])
    report(acme, sent(2))
    log(ready)
    log(ready)

    assert states() == [SYNCED, SYNCED]
    assert SyncJob.objects.last().person_id == twin


# --- The budget -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        (799, ["synced", "synced"]),
        (800, ["synced", "held"]),
        (900, ["held", "held"]),
    ],
)
def test_the_least_valuable_wait_first(
    salesforce: TestedStandIn,
    ready: Connection,
    acme: Workspace,
    ben_member: Any,
    used: int,
    expected: list[str],
) -> None:
    save_settings(ben_member.role, {"log_opened": True}, None)
    report(acme, sent(0))
    log(ready)
    salesforce.org.set_api_limit(1000, used - 1)
    report(acme, sent(1), tracked(Kind.OPENED))
    ApiUsage.objects.update(used=used, maximum=1000)
    log(ready)

    jobs = SyncJob.objects.order_by("pk").values_list("state", "reason")[1:]
    assert [state for state, _ in jobs] == expected
    assert {reason for state, reason in jobs if state == "held"} <= {"over_budget"}


def test_a_right_that_is_missing_has_the_permissions_checked_again(
    salesforce: TestedStandIn, ready: Connection, acme: Workspace
) -> None:
    report(acme, sent())
    log(ready)
    Connection.objects.update(preflight=[], preflight_at=None)

    salesforce.org.deny("ben@touchline.example", "Task", "c")
    report(acme, sent(2))
    log(ready)

    ready.refresh_from_db()
    assert states()[1][0] in (SyncState.FAILED, SyncState.HELD)
    assert [row.result for row in rows_of(ready.preflight) if row.name == "Create Tasks"] == [Result.FAIL]


# --- One living Task for a message --------------------------------------------------------------------------


@pytest.fixture
def living(ben_member: Membership) -> None:
    """Ben's role wants one Task for each message, and opens and clicks logged."""
    switches = {"one_task_per_message": True, "log_opened": True, "log_clicked": True, "log_downloaded": True}
    save_settings(ben_member.role, switches, None)


def test_opens_become_lines_of_the_mails_task(
    salesforce: TestedStandIn, ready: Connection, acme: Workspace, living: None
) -> None:
    report(acme, sent(1), tracked(Kind.OPENED), tracked(Kind.CLICKED, url="https://x.example/a"))
    log(ready)
    [task] = salesforce.org.rows("Task")
    salesforce.org.change(task["Id"], Description=task["Description"] + "\nBen: call her on Monday")
    report(acme, tracked(Kind.DOWNLOADED, file_name="Offer.pdf"))
    log(ready)

    [task] = salesforce.org.rows("Task")
    assert task["Description"].splitlines()[-5:] == [
        "here is the offer.",
        f"Opened by {NORA} on 2026-11-20 at 07:00:00",
        f"Clicked by {NORA} on 2026-11-20 at 07:00:00: https://x.example/a",
        "Ben: call her on Monday",
        f"Downloaded by {NORA} on 2026-11-20 at 07:00:00: Offer.pdf",
    ]
    assert list(SyncJob.objects.values_list("state", "salesforce_id")) == [("synced", task["Id"])] * 4
    assert LoggedRecord.objects.count() == 1


def test_the_marker_stays_last(salesforce: TestedStandIn, ready: Connection, acme: Workspace, living: None) -> None:
    ready.org.use_call_object = False
    ready.org.save()
    report(acme, sent(1), tracked(Kind.OPENED))
    log(ready)

    [task] = salesforce.org.rows("Task")
    assert task["Description"].splitlines()[-3:] == [
        f"Opened by {NORA} on 2026-11-20 at 07:00:00",
        "",
        f"Ref: touchline-{LoggedRecord.objects.get().key}",
    ]


def test_a_lost_answer_adds_the_line_once(
    salesforce: TestedStandIn, ready: Connection, acme: Workspace, living: None, clock: Clock
) -> None:
    report(acme, sent(1))
    log(ready)
    report(acme, tracked(Kind.OPENED))
    salesforce.faults.add(Fault("process_then_drop", path="composite/sobjects", method="PATCH"))
    log(ready)
    assert states() == [SYNCED, ("unknown", "")]
    clock.advance(seconds=800)
    log(ready)

    [task] = salesforce.org.rows("Task")
    assert task["Description"].count("Opened by") == 1
    assert states() == [SYNCED, SYNCED]


def test_a_task_that_somebody_deleted_gets_no_lines(
    salesforce: TestedStandIn, ready: Connection, acme: Workspace, living: None
) -> None:
    report(acme, sent(1))
    log(ready)
    salesforce.org.remove(record_of(salesforce, "Task")["Id"])
    report(acme, tracked(Kind.OPENED))
    log(ready)

    assert states() == [SYNCED, ("skipped", "removed")]


def test_an_open_of_a_mail_that_was_not_logged_has_its_own_task(
    salesforce: TestedStandIn, ready: Connection, acme: Workspace, living: None, ben_member: Membership
) -> None:
    save_settings(ben_member.role, {"log_sent": False}, None)
    report(acme, sent(1), tracked(Kind.OPENED))
    log(ready)

    assert record_of(salesforce, "Task")["Subject"] == "Opened: Offer 1"


def test_no_room_in_the_task(salesforce: TestedStandIn, ready: Connection, acme: Workspace, living: None) -> None:
    report(acme, sent(1))
    log(ready)
    salesforce.org.change(record_of(salesforce, "Task")["Id"], Description="x" * 31_990)
    report(acme, tracked(Kind.OPENED))
    log(ready)

    assert len(salesforce.org.rows("Task")) == 2
    assert states() == [SYNCED, SYNCED]
