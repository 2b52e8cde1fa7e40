"""Reports become activities and jobs, once, in one transaction."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ

from activity.models import (
    Activity,
    DueJob,
    Exclusion,
    Kind,
    LedgerEntry,
    Meeting,
    MemberSettings,
    Message,
    Participant,
    Source,
    SyncJob,
    WakeUp,
)
from activity.pipeline.capture import capture
from activity.pipeline.captured import Attendee, Captured, Person
from activity.pipeline.window import end_of_window
from activity.settings import confirm, save_settings
from integrations.models import ApiUsage, Connection, Intent, SalesforceOrg
from tests.activity.stories import (
    NADIA,
    NOON,
    NORA,
    PETER,
    connect,
    meeting,
    message,
    received,
    report,
    sent,
    states,
    tracked,
)
from tests.integrations.journeys import BEN, SYNC
from workspaces.models import Membership, Plan, Workspace

HELD_BEFORE_ANYTHING = ("held", "no_sync_user")


@pytest.fixture
def acme(acme: Workspace, ben_member: Membership) -> Workspace:
    """Acme with its own domain and with Ben."""
    acme.own_domains = ["acme.example"]
    acme.save()
    return acme


def rows() -> list[tuple[str, str, str, str]]:
    return list(SyncJob.objects.order_by("pk").values_list("kind", "recipient", "state", "reason"))


# --- What is written down ---------------------------------------------------------------------------------


def test_everything_about_a_mail(acme: Workspace, ben_member: Membership) -> None:
    captured = sent(cc=(Person(PETER, "Peter"),), bcc=(Person(NADIA),))

    [result] = report(acme, captured)

    activity = Activity.objects.get()
    assert (result.status, result.activity) == ("accepted", str(activity.uuid))
    assert (activity.owner, activity.kind, activity.occurred_at) == (ben_member, "sent", NOON)
    assert (activity.source, activity.via_touchline, activity.is_private) == ("api", True, False)
    assert Message.objects.values_list("message_id", "subject", "text").get() == (
        "m1@acme.example",
        "Offer 1",
        "Dear Nora,\nhere is the offer.",
    )
    assert list(Participant.objects.order_by("pk").values_list("role", "address", "name")) == [
        ("from", "ben@acme.example", "Ben"),
        ("to", NORA, "Nora West"),
        ("cc", PETER, "Peter"),
        ("bcc", NADIA, ""),
    ]
    assert rows() == [("sent", address, *HELD_BEFORE_ANYTHING) for address in (NORA, PETER, NADIA)]
    assert list(SyncJob.objects.values_list("subject", "object_type")) == [("Offer 1", "Task")] * 3
    assert LedgerEntry.objects.get().activity_uuid == activity.uuid


def test_an_address_that_stands_twice_in_a_header_is_kept_once(acme: Workspace) -> None:
    report(acme, sent(to=(Person(NORA, "Nora"), Person(NORA, "N. West")), cc=(Person(NORA),)))

    assert list(Participant.objects.order_by("pk").values_list("role", "address", "name")) == [
        ("from", "ben@acme.example", "Ben"),
        ("to", NORA, "Nora"),
        ("cc", NORA, ""),
    ]
    assert rows() == [("sent", NORA, *HELD_BEFORE_ANYTHING)]


def test_what_can_flow_is_due_and_wakes_the_queue_once(
    acme: Workspace, bens_connection: Connection, settings: object
) -> None:
    settings.SYNC_BATCH_WINDOW = 5
    begin = end_of_window(bens_connection.pk, timezone.now(), 5)
    window_end = begin + timedelta(seconds=5)
    with time_machine.travel(begin, tick=False):
        report(acme, sent(1), sent(2))
    with time_machine.travel(window_end - timedelta(milliseconds=1), tick=False):
        report(acme, sent(3))

    jobs = list(SyncJob.objects.order_by("pk"))
    due = list(DueJob.objects.order_by("pk"))
    assert states() == [("waiting", "")] * 3
    assert [each.job for each in due] == jobs
    assert {(each.connection_id, each.due_at) for each in due} == {(bens_connection.pk, window_end)}
    assert WakeUp.objects.get().connection == bens_connection
    assert OrmQ.objects.get().lock == window_end


@pytest.mark.parametrize(
    ("used", "age", "seconds"), [(490, 0, 5), (700, 0, 30), (850, 0, 300), (850, 14, 300), (850, 16, 5)]
)
def test_it_is_gathered_longer_while_the_orgs_calls_run_short(
    acme: Workspace, bens_connection: Connection, settings: object, used: int, age: int, seconds: int
) -> None:
    settings.SYNC_BATCH_WINDOW = 5
    begin = end_of_window(bens_connection.pk, timezone.now(), seconds)
    seen_at = begin - timedelta(minutes=age)
    ApiUsage.objects.filter(org_id=bens_connection.org.org_id).update(used=used, maximum=1000, seen_at=seen_at)
    with time_machine.travel(begin, tick=False):
        report(acme, sent())

    assert DueJob.objects.get().due_at == begin + timedelta(seconds=seconds)


def test_a_role_can_wait_before_it_logs(acme: Workspace, bens_connection: Connection, ben_member: Membership) -> None:
    save_settings(ben_member.role, {"hold_minutes": 10}, None)
    report(acme, sent())

    due = DueJob.objects.get()
    assert due.due_at - due.job.created_at == timedelta(minutes=10)


def test_the_statements_do_not_grow_with_the_items(acme: Workspace, bens_connection: Connection) -> None:
    def count(first: int, number: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            report(acme, *(sent(first + n) for n in range(number)))
        return len(queries)

    count(0, 1)  # fills what is cached once
    assert count(100, 1) == count(200, 50)


# --- Once -------------------------------------------------------------------------------------------------


def test_the_same_report_again(acme: Workspace) -> None:
    [first] = report(acme, sent())
    [second] = report(acme, sent())

    assert (second.status, second.activity) == ("duplicate", first.activity)
    assert SyncJob.objects.count() == 1


def test_the_same_answer_again(acme: Workspace) -> None:
    report(acme, sent(1))
    answer = received(2, in_reply_to="m1@acme.example")

    assert [each.status for _ in range(2) for each in report(acme, answer)] == ["accepted", "duplicate"]


def test_other_content_under_a_known_id(acme: Workspace) -> None:
    report(acme, sent())
    [result] = report(acme, sent(subject="Another offer"))

    assert (result.status, result.activity) == ("rejected", None)
    assert [(fault.path, fault.message) for fault in result.errors] == [
        ("id", "This id was reported before with other content. Nothing was changed; use another id.")
    ]
    assert Message.objects.get().subject == "Offer 1"


def test_the_same_id_twice_in_one_request(acme: Workspace) -> None:
    results = report(acme, sent(), sent(), sent(subject="Another offer"))

    assert [each.status for each in results] == ["accepted", "duplicate", "rejected"]
    assert results[0].activity == results[1].activity


def test_another_source_may_use_the_same_id(acme: Workspace) -> None:
    report(acme, sent(1, source_id="x"))
    [result] = capture(acme, Source.TRACKING, [tracked(Kind.OPENED, 1, source_id="x")])

    assert result.status == "accepted"


@pytest.mark.parametrize("source", [Source.API, Source.MAILBOX])
def test_one_mail_from_two_sources_is_one_activity(acme: Workspace, source: Source) -> None:
    [first] = report(acme, sent(1, source_id="from-script"))
    [second] = capture(acme, source, [sent(1, source_id="from-mailbox")])
    [again] = capture(acme, source, [sent(1, source_id="from-mailbox")])

    assert (second.status, second.activity) == ("duplicate", first.activity)
    assert (again.status, again.activity) == ("duplicate", first.activity)
    assert Activity.objects.count() == 1


def test_two_colleagues_with_one_mail_have_one_activity_each(acme: Workspace, ada_member: Membership) -> None:
    mail = message(sender=Person(NORA), to=(Person("ben@acme.example"), Person("ada@acme.example")))
    items = [Captured(f"r-{user}", f"{user}@acme.example", Kind.RECEIVED, NOON, mail) for user in ("ben", "ada")]

    assert [each.status for each in report(acme, *items)] == ["accepted", "accepted"]
    assert Message.objects.count() == 1
    assert set(Activity.objects.values_list("owner__user__email", flat=True)) == {
        "ben@acme.example",
        "ada@acme.example",
    }


@pytest.mark.django_db(transaction=True)
def test_many_at_the_same_time_give_one_activity(acme: Workspace) -> None:
    results = run_together(8, lambda: report(acme, sent(1), sent(2)))

    assert sorted(result[0].status for result in results) == ["accepted"] + ["duplicate"] * 7
    assert len({result[0].activity for result in results}) == 1
    assert Activity.objects.count() == 2
    assert SyncJob.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_one_mail_under_many_ids_at_the_same_time(acme: Workspace) -> None:
    numbers = iter(range(100))

    results = run_together(6, lambda: report(acme, sent(1, source_id=f"id-{next(numbers)}")))

    assert sorted(result[0].status for result in results) == ["accepted"] + ["duplicate"] * 5
    assert {result[0].activity for result in results} == {str(Activity.objects.get().uuid)}
    assert set(LedgerEntry.objects.values_list("activity_uuid", flat=True)) == {Activity.objects.get().uuid}


def run_together(number: int, work: Callable[[], list]) -> list[list]:
    """Run the work in so many threads at once; what each returned."""
    results: list[list] = []
    gate = threading.Barrier(number)

    def run() -> None:
        try:
            gate.wait()
            results.append(work())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


# --- Refused ----------------------------------------------------------------------------------------------


def test_nobodys_activity(acme: Workspace, cleo_member: Membership) -> None:
    [result] = report(acme, sent(user="cleo@globex.example"))

    assert [(fault.path, fault.message) for fault in result.errors] == [
        ("user", "No member of this workspace has this verified address.")
    ]
    assert not LedgerEntry.objects.exists()


def test_a_message_that_nobody_reported(acme: Workspace, globex: Workspace, cleo_member: Membership) -> None:
    report(globex, sent(1, user="cleo@globex.example"))
    [result] = report(acme, tracked(Kind.OPENED))

    assert [fault.path for fault in result.errors] == ["message.message_id"]
    assert not LedgerEntry.objects.filter(workspace=acme).exists()
    [again] = report(acme, sent(1))
    assert again.status == "accepted"


def test_a_refused_item_does_not_stop_the_others(acme: Workspace) -> None:
    results = report(acme, sent(1), tracked(Kind.OPENED, 9), sent(2))

    assert [each.status for each in results] == ["accepted", "rejected", "accepted"]


# --- Whose address --------------------------------------------------------------------------------------------


def test_an_open_of_a_message_in_the_same_request(acme: Workspace, ben_member: Membership) -> None:
    save_settings(ben_member.role, {"log_opened": True}, None)

    results = report(acme, sent(1), tracked(Kind.OPENED, 1))

    assert [each.status for each in results] == ["accepted", "accepted"]
    assert rows() == [("sent", NORA, *HELD_BEFORE_ANYTHING), ("opened", NORA, *HELD_BEFORE_ANYTHING)]


def test_one_of_several_opened_it(acme: Workspace, ben_member: Membership) -> None:
    save_settings(ben_member.role, {"log_opened": True}, None)
    report(acme, sent(1, to=(Person(NORA), Person(PETER), Person("ada@acme.example"))))

    report(acme, tracked(Kind.OPENED), tracked(Kind.OPENED, 1, source_id="known", recipient=PETER))

    assert rows()[2:] == [
        ("opened", "", "skipped", "recipient_unknown"),
        ("opened", PETER, *HELD_BEFORE_ANYTHING),
    ]


def test_an_answer_to_our_mail_is_replied_only(acme: Workspace) -> None:
    report(acme, sent(1))
    report(acme, received(2, in_reply_to="m1@acme.example"), received(3, in_reply_to="unknown@x.example"))

    assert rows()[1:] == [
        ("replied", NORA, *HELD_BEFORE_ANYTHING),
        ("received", NORA, *HELD_BEFORE_ANYTHING),
    ]


def test_an_answer_reported_as_both_is_one(acme: Workspace) -> None:
    answer = received(2, in_reply_to="m1@acme.example")
    replied = Captured("replied-2", "ben@acme.example", Kind.REPLIED, NOON, answer.message)

    results = report(acme, sent(1), answer, replied)

    assert [each.status for each in results] == ["accepted", "accepted", "duplicate"]
    assert results[1].activity == results[2].activity


def test_only_colleagues(acme: Workspace, ada_member: Membership) -> None:
    report(
        acme,
        sent(1, to=(Person("ada@acme.example"),)),
        sent(2, to=(Person("x@mail.acme.example"),)),
        meeting(attendees=(Attendee("ada@acme.example"),)),
    )

    assert rows() == [
        ("sent", "", "skipped", "internal"),
        ("sent", "", "skipped", "internal"),
        ("meeting_confirmed", "", "skipped", "internal"),
    ]
    assert set(Message.objects.values_list("text", flat=True)) == {""}


def test_a_colleague_with_an_outside_address_is_a_colleague(acme: Workspace, ada_member: Membership) -> None:
    EmailAddress.objects.create(user=ada_member.user, email="ada@gmail.example", verified=True)
    report(acme, sent(1, to=(Person("ada@gmail.example"),)))

    assert rows() == [("sent", "", "skipped", "internal")]


def test_the_members_other_addresses_are_not_outside_for_this_member_alone(
    acme: Workspace, ada_member: Membership
) -> None:
    other = "ben@private.example"
    report(
        acme,
        replace(sent(1, to=(Person(NORA), Person(other))), own_addresses=frozenset({other})),
        replace(sent(2, to=(Person(other),)), user="ada@acme.example"),
        replace(meeting(attendees=(Attendee(NORA), Attendee(other))), own_addresses=frozenset({other})),
    )

    assert [(kind, recipient) for kind, recipient, _, _ in rows()] == [
        ("sent", NORA),
        ("sent", other),
        ("meeting_confirmed", NORA),
    ]


def test_each_outside_attendee(acme: Workspace) -> None:
    attendees = (Attendee(NORA), Attendee(PETER), Attendee("ben@acme.example"), Attendee(NORA))
    report(acme, meeting(attendees=attendees, organizer=Person(NADIA)))

    assert [recipient for _, recipient, _, _ in rows()] == [NORA, PETER, NADIA]
    assert set(SyncJob.objects.values_list("object_type", flat=True)) == {"Event"}


# --- Switches and exclusions --------------------------------------------------------------------------------


def test_a_switch_of_the_role(acme: Workspace, ben_member: Membership) -> None:
    save_settings(ben_member.role, {"log_sent": False}, None)
    report(acme, sent())

    assert rows() == [("sent", NORA, "skipped", "switched_off")]
    assert Message.objects.get().text == ""


def test_not_sent_with_touchline(acme: Workspace, ben_member: Membership) -> None:
    report(acme, sent(1, via_touchline=False))
    MemberSettings.objects.create(membership=ben_member, sync_all_messages=True)
    report(acme, sent(2, via_touchline=False))

    assert states() == [("skipped", "not_via_touchline"), HELD_BEFORE_ANYTHING]


def test_exclusions_of_role_and_member(acme: Workspace, ben_member: Membership) -> None:
    Exclusion.objects.create(workspace=acme, role=ben_member.role, kind="domain", value="initech.example")
    Exclusion.objects.create(workspace=acme, membership=ben_member, kind="address", value=NADIA)

    report(acme, sent(1, to=(Person(NORA), Person(PETER))), sent(2, to=(Person(NADIA), Person(PETER))))

    assert rows() == [
        ("sent", NORA, *HELD_BEFORE_ANYTHING),
        ("sent", PETER, "skipped", "excluded"),
        ("sent", NADIA, "skipped", "kept_private"),
        ("sent", PETER, "skipped", "excluded"),
    ]
    assert SyncJob.objects.filter(reason="excluded").first().reason_detail == "domain initech.example"
    assert list(Activity.objects.order_by("pk").values_list("is_private", flat=True)) == [False, True]
    assert list(Message.objects.order_by("pk").values_list("text", flat=True)) == [message().text, ""]


# --- Held -------------------------------------------------------------------------------------------------


def test_what_has_to_happen_first_is_named_first(
    acme: Workspace, salesforce: object, ada_member: Membership, ben_member: Membership
) -> None:
    seen = []

    def look() -> None:
        SyncJob.objects.all().delete()
        report(acme, sent(len(seen)))
        seen.append(SyncJob.objects.get().reason)

    acme.plan = Plan.FREE
    acme.save()
    look()
    acme.plan = Plan.ENTERPRISE
    acme.save()
    look()
    connect(salesforce, ada_member, SYNC, Intent.SYNC_USER)
    look()
    confirm(ben_member.role, {}, ada_member.user)
    look()
    found = connect(salesforce, ben_member, BEN, Intent.MEMBER)
    look()
    Connection.objects.filter(pk=found.pk).update(state="needs_attention", cause="revoked")
    look()
    SalesforceOrg.objects.get().sync_user.salesforce_user.connections.update(
        state="needs_attention", cause="user_inactive"
    )
    look()

    assert seen == ["plan", "no_sync_user", "not_confirmed", "not_connected", "", "connection_lost", "no_sync_user"]


def test_a_newer_report_of_a_meeting_counts(acme: Workspace) -> None:
    report(acme, meeting(hour=15, at=NOON + timedelta(hours=1)))
    report(acme, meeting(hour=9, at=NOON))

    assert Meeting.objects.get().start.hour == 15
    assert states() == [HELD_BEFORE_ANYTHING, ("skipped", "superseded")]
