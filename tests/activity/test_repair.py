"""What the buttons of the log do; who may press them: views/test_repairs.py."""

from typing import Any

import pytest

from activity import causes, repair
from activity.exclusions import add_personal, remove_personal
from activity.models import (
    Activity,
    DueJob,
    ErrorGroup,
    Exclusion,
    ExclusionKind,
    KnownPerson,
    LoggedRecord,
    Message,
    Reason,
    SyncAttempt,
    SyncJob,
    WakeUp,
)
from activity.pipeline.captured import Person
from activity.repair import RepairError
from activity.settings import save_settings
from integrations import connections
from integrations.models import ApiUsage, Connection, Intent
from integrations.salesforce.stand_in.faults import Fault
from tests.activity.stories import NORA, PETER, connect, log, report, sent, states
from tests.integrations.journeys import ADA
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import AuditEntry, Membership, User, Workspace

SYNCED, WAITING = ("synced", ""), ("waiting", "")
STRANGER = "stranger@elsewhere.example"


def job() -> SyncJob:
    return SyncJob.objects.get()


def audit() -> list[tuple[str, str]]:
    rows = AuditEntry.objects.filter(action__startswith="job.").order_by("pk")
    return list(rows.values_list("action", "target"))


def refusal(action: Any, *arguments: Any) -> str:
    with pytest.raises(RepairError) as raised:
        action(*arguments)
    return raised.value.user_message


# --- Retry ------------------------------------------------------------------------------------------------


def test_a_rejected_one_is_composed_anew(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben: User, ben_member: Membership
) -> None:
    salesforce.org.add_validation_rule("Task", "No offers", lambda record: record["Subject"].startswith("Sent"))
    report(acme, sent())
    log(bens_connection)
    assert states() == [("failed", "rejected")]
    save_settings(ben_member.role, {"subject_templates": {"sent_new": "Mail: {subject}"}}, None)

    repair.retry(job(), ben)

    assert states() == [WAITING]
    assert DueJob.objects.values_list("priority", "attempt").get() == (0, 1)
    assert WakeUp.objects.exists()
    log(bens_connection)
    assert states() == [SYNCED]
    assert salesforce.org.rows("Task")[0]["Subject"] == "Mail: Offer 1"
    assert [each.number for each in SyncAttempt.objects.order_by("pk")] == [1, 2]
    assert audit() == [("job.retried", "Sent of Ben")]


def test_nobody_then_somebody(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben: User
) -> None:
    report(acme, sent(to=(Person(STRANGER),)))
    log(bens_connection)
    salesforce.org.add("Contact", LastName="Stranger", Email=STRANGER)
    repair.retry(job(), ben)
    log(bens_connection)

    assert states() == [SYNCED]
    assert "Dear Nora" not in salesforce.org.rows("Task")[0].get("Description", "")  # its text was not kept


@pytest.mark.parametrize(
    ("setting", "value", "reason"), [("log_sent", False, "switched_off"), ("log_sent", True, "excluded")]
)
def test_what_would_stop_again(
    bens_connection: Connection,
    acme: Workspace,
    ben: User,
    ben_member: Membership,
    setting: str,
    value: bool,
    reason: str,
) -> None:
    save_settings(ben_member.role, {setting: value}, None)
    if reason == "excluded":
        Exclusion.objects.create(workspace=acme, role=ben_member.role, kind="address", value=NORA)
    report(acme, sent())
    assert states() == [("skipped", reason)]

    assert refusal(repair.retry, job(), ben) == (
        "It would be stopped for the same reason again. Change the setting first, then retry."
    )
    Exclusion.objects.all().delete()
    save_settings(ben_member.role, {setting: True}, None)
    repair.retry(job(), ben)
    assert states() == [WAITING]


def test_what_was_sent_with_touchline_but_not_automatically(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben: User, ben_member: Membership
) -> None:
    save_settings(ben_member.role, {"log_automatically": False}, None)
    report(acme, sent())
    assert states() == [("skipped", "switched_off")]
    repair.retry(job(), ben)
    log(bens_connection)

    assert states() == [SYNCED]


def test_while_nobody_is_connected(acme: Workspace, org: Any, ben: User, ben_member: Membership) -> None:
    report(acme, sent())

    assert refusal(repair.retry, job(), ben) == (
        "This cannot be sent yet: not connected. It is kept and goes by itself afterwards."
    )
    assert states() == [("held", "not_connected")]


@pytest.mark.parametrize("state", ["unknown", "synced", "waiting"])
def test_what_cannot_be_retried(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben: User, state: str
) -> None:
    if state == "unknown":
        salesforce.faults.add(Fault("drop", path="composite/sobjects", method="POST"))
    report(acme, sent())
    if state != "waiting":
        log(bens_connection)
    assert job().state == state

    refusal(repair.retry, job(), ben)
    assert job().state == state
    assert audit() == []


def test_a_whole_cause(salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben: User) -> None:
    salesforce.org.add_validation_rule("Task", "No")
    report(acme, *(sent(number) for number in range(6)))
    log(bens_connection)
    salesforce.org.remove_validation_rules()

    assert causes.retry_cause(acme, Reason.REJECTED, ben, error_code="OTHER") == 0
    assert causes.retry_cause(acme, Reason.REJECTED, ben) == 3
    assert causes.retry_cause(acme, Reason.SAME_ERROR, ben) == 3
    log(bens_connection)

    assert states() == [SYNCED] * 6
    assert audit() == [("job.retried", "3 activities")] * 2


def test_a_whole_cause_leaves_out_what_a_list_keeps_out(
    bens_connection: Connection, acme: Workspace, ben: User, ben_member: Membership
) -> None:
    entry = add_personal(ben_member, ExclusionKind.ADDRESS, NORA)
    report(acme, sent(1), sent(2))
    assert states() == [("skipped", "kept_private")] * 2

    assert causes.retry_cause(acme, Reason.KEPT_PRIVATE, ben) == 0
    assert states() == [("skipped", "kept_private")] * 2
    assert audit() == []

    remove_personal(entry)
    assert causes.retry_cause(acme, Reason.KEPT_PRIVATE, ben) == 2
    log(bens_connection)
    assert states() == [SYNCED] * 2


def test_one_of_a_cause_frees_the_others(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben: User
) -> None:
    salesforce.org.add_validation_rule("Task", "No")
    report(acme, *(sent(number) for number in range(6)))
    log(bens_connection)
    salesforce.org.remove_validation_rules()
    tried = causes.try_one(acme, Reason.REJECTED, ben)
    log(bens_connection)
    log(bens_connection)

    assert tried is not None
    assert states() == [SYNCED] * 6
    assert not ErrorGroup.objects.exists()


def test_another_salesforce_user_takes_over_when_a_person_says_so(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben: User, ben_member: Membership
) -> None:
    report(acme, sent())
    connections.disconnect(bens_connection, ben)
    again = connect(salesforce, ben_member, ADA, Intent.MEMBER)
    log(again)
    assert states() == [("held", "not_connected")]

    assert causes.retry_cause(acme, Reason.NOT_CONNECTED, ben) == 1
    log(again)
    assert states() == [SYNCED]
    assert salesforce.org.rows("Task")[0]["OwnerId"] == salesforce.org.user(ADA)["Id"]


def test_another_workspaces_rows_stay(
    bens_connection: Connection, acme: Workspace, globex: Workspace, cleo: User, cleo_member: Membership
) -> None:
    report(globex, sent(1, user="cleo@globex.example"))

    assert causes.retry_cause(acme, Reason.NO_SYNC_USER, cleo) == 0
    assert states(workspace=globex) == [("held", "no_sync_user")]


# --- Log to another record ----------------------------------------------------------------------------------


def test_one_of_two(salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben: User) -> None:
    _, second = (salesforce.org.add("Contact", LastName=name, Email=STRANGER) for name in ("One", "Two"))
    report(acme, sent(1, to=(Person(STRANGER),)), sent(2, to=(Person(STRANGER),)))
    log(bens_connection)
    assert states() == [("skipped", "ambiguous")] * 2

    repair.relink(SyncJob.objects.first(), second, ben)
    log(bens_connection)
    report(acme, sent(3, to=(Person(STRANGER),)))
    log(bens_connection)

    assert states() == [SYNCED, ("skipped", "ambiguous"), SYNCED]
    assert {row["WhoId"] for row in salesforce.org.rows("Task")} == {second}
    assert SyncJob.objects.last().match_rule == "chosen_by_person"
    assert audit() == [("job.relinked", "Sent of Ben")]


@pytest.mark.parametrize("is_private", [False, True])
def test_the_audit_log_names_nobody_of_a_private_one(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben: User, is_private: bool
) -> None:
    peter = next(row for row in salesforce.org.rows("Contact") if row["Email"] == PETER)
    report(acme, sent(1, to=(Person(STRANGER),)))
    log(bens_connection)
    Activity.objects.update(is_private=is_private)

    repair.relink(job(), peter["Id"], ben)
    log(bens_connection)
    repair.delete_in_salesforce(job(), ben)

    details = [each.details for each in AuditEntry.objects.filter(action__startswith="job.").order_by("pk")]
    row = {"row": str(job().uuid)}
    record = LoggedRecord.objects.get().salesforce_id
    shown = [{}, {}] if is_private else [{"person": peter["Id"]}, {"record": record}]
    assert details == [row | each for each in shown]


def test_a_record_that_has_another_address(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben: User
) -> None:
    peter = next(row for row in salesforce.org.rows("Contact") if row["Email"] == PETER)
    report(acme, sent(1, to=(Person(STRANGER),)), sent(2, to=(Person(STRANGER),)))
    log(bens_connection)
    assert states() == [("skipped", "no_match")] * 2

    repair.relink(SyncJob.objects.first(), peter["Id"][:15], ben)
    log(bens_connection)

    assert states() == [SYNCED, SYNCED]  # the other one had nobody, so it follows
    assert {row["WhoId"] for row in salesforce.org.rows("Task")} == {peter["Id"]}
    assert KnownPerson.objects.get().chosen_id == peter["Id"]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("nonsense", "This is not the id of a Contact or Lead in Salesforce."),
        ("001000000000001AAA", "Only a Contact or a Lead can be chosen here."),
        ("003000000000001AAA", "Salesforce does not know this record, or the Sync User may not see it."),
    ],
)
def test_records_that_cannot_be_chosen(
    bens_connection: Connection, acme: Workspace, ben: User, record: str, message: str
) -> None:
    report(acme, sent(to=(Person(STRANGER),)))
    log(bens_connection)

    assert refusal(repair.relink, job(), record, ben) == message
    assert states() == [("skipped", "no_match")]


# --- Don't log this -----------------------------------------------------------------------------------------


def test_what_waits_is_withdrawn(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben: User
) -> None:
    report(acme, sent())
    repair.withdraw(job(), ben)
    log(bens_connection)

    assert SyncJob.objects.values_list("state", "reason", "reason_detail").get() == (
        "skipped",
        "not_logged_by_person",
        "Ben",
    )
    assert not salesforce.org.rows("Task")
    assert Message.objects.get().text == ""
    assert audit() == [("job.withdrawn", "Sent of Ben")]
    repair.retry(job(), ben)
    log(bens_connection)
    assert states() == [SYNCED]


def test_what_is_on_its_way_is_not(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben: User
) -> None:
    report(acme, sent())
    DueJob.objects.update(leased=True, due_at="2099-01-01T00:00:00Z")
    assert refusal(repair.withdraw, job(), ben) == repair.BEING_SENT
    DueJob.objects.update(leased=False, due_at="2020-01-01T00:00:00Z")
    salesforce.faults.add(Fault("drop", path="composite/sobjects", method="POST"))
    log(bens_connection)

    assert refusal(repair.withdraw, job(), ben) == repair.BEING_CHECKED
    assert states() == [("unknown", "")]


# --- Delete in Salesforce -------------------------------------------------------------------------------------


def test_delete(salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben: User) -> None:
    report(acme, sent())
    log(bens_connection)
    repair.delete_in_salesforce(job(), ben)

    assert not salesforce.org.rows("Task")
    assert states() == [("skipped", "removed")]
    assert LoggedRecord.objects.get().removed_at is not None
    assert SyncAttempt.objects.order_by("pk").values_list("operation", "outcome").last() == ("delete", "removed")
    assert audit() == [("job.deleted_in_salesforce", "Sent of Ben")]
    assert refusal(repair.retry, job(), ben) == "There is nothing to send to Salesforce for this."


def test_what_is_gone_already_counts_as_deleted(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben: User
) -> None:
    report(acme, sent())
    log(bens_connection)
    salesforce.org.remove(job().salesforce_id)
    repair.delete_in_salesforce(job(), ben)

    assert states() == [("skipped", "removed")]


def test_a_user_who_may_not_delete(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben: User
) -> None:
    report(acme, sent())
    log(bens_connection)
    salesforce.faults.add(Fault("row_error", path="composite/sobjects", code="INSUFFICIENT_ACCESS_OR_READONLY"))
    message = refusal(repair.delete_in_salesforce, job(), ben)

    assert "may not" in message
    assert states() == [SYNCED]
    assert SyncAttempt.objects.order_by("pk").values_list("operation", "outcome").last() == ("delete", "rejected")


def test_nothing_is_deleted_beyond_the_budget(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben: User
) -> None:
    report(acme, sent())
    log(bens_connection)
    ApiUsage.objects.update(used=96, maximum=100)

    assert "95%" in refusal(repair.delete_in_salesforce, job(), ben)
    assert states() == [SYNCED]
