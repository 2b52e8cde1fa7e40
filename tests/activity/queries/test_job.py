"""The drill-down of one row."""

import json
from datetime import timedelta

import pytest
import time_machine

from activity.exclusions import add_for_role, add_personal
from activity.models import DecisionTrace, ExclusionKind, KnownPerson, Reason, SyncJob, SyncState
from activity.queries.job import (
    Candidate,
    find_job,
    job_detail,
    possible_buttons,
    read_message,
)
from activity.queries.trace import TraceStep
from activity.reasons import Button, explain
from tests.activity.reports import item, mail
from tests.activity.rows import GRACE, NOON, TASK_ID, make_attempt, make_job, make_org
from tests.activity.stories import NORA

REFUSED = '{"success":false,"errors":[{"statusCode":"X","message":"Close the deal first","fields":[]}]}'


def test_members_find_their_own_rows_and_admins_everybodys(acme, ada_member, ben_member, cleo_member):
    bens, adas = make_job(ben_member), make_job(ada_member)

    assert find_job(acme, bens.uuid, ben_member) == bens
    assert find_job(acme, bens.uuid, ada_member) == bens
    assert find_job(acme, adas.uuid, ben_member) is None
    assert find_job(acme, make_job(cleo_member).uuid, ada_member) is None


def test_a_private_row_is_found_by_its_owner_alone(acme, ada_member, ben_member):
    job = make_job(ben_member, private=True)

    assert find_job(acme, job.uuid, ben_member) == job
    assert find_job(acme, job.uuid, ada_member) is None


def test_attempts_trace_candidates_and_links(acme, ben_member):
    make_org(acme)
    job = make_job(ben_member, SyncState.SYNCED, person_id="003000000000001AAA", related_id="006000000000001AAA")
    make_attempt(job, 1, outcome="unknown", answer="", ended_at=None)
    make_attempt(job, 2, outcome="synced", answer='{"id":"x","success":true,"errors":[]}', request_id="TID:1")
    DecisionTrace.objects.create(
        workspace=acme,
        job_id=job.pk,
        content={"settings_version": 3, "candidates": []},
    )
    KnownPerson.objects.create(
        workspace=acme,
        address=GRACE,
        fetched_at=NOON,
        candidates=[{"id": "003000000000001AAA", "kind": "Contact", "name": "Grace", "account_name": "Hopper"}],
    )

    detail = job_detail(job, ben_member)

    assert [(a.number, a.operation, a.outcome_label, a.duration) for a in detail.attempts] == [
        (2, "Create", "Synced", "412 ms"),
        (1, "Create", "No answer", ""),
    ]
    assert [step.title for step in detail.trace] == ["Settings", "Exclusions tested", "Switches", "People found"]
    assert detail.trace[0].lines == (
        f"Recorded by version 1 of the settings of “{ben_member.role}”, composed by version 3",
    )
    assert detail.trace[1].lines == (f"For {GRACE}, in this order:",)
    assert detail.trace[3] == TraceStep("People found", ("Nobody with this address",))
    assert detail.candidates == (Candidate("003000000000001AAA", "Contact", "Grace", "Hopper"),)
    assert (detail.record_url, detail.person_url, detail.related_url) == (
        f"https://acme.my.salesforce.com/{TASK_ID}",
        "https://acme.my.salesforce.com/003000000000001AAA",
        "https://acme.my.salesforce.com/006000000000001AAA",
    )
    assert detail.refused is None


def test_the_trace_tells_the_owner_what_it_does_not_tell_an_admin(ada_member, ben_member):
    with time_machine.travel(NOON - timedelta(minutes=1), tick=False):
        add_personal(ben_member, ExclusionKind.DOMAIN, "doctor.example")
    job = make_job(ben_member)

    notes = [job_detail(job, viewer).trace[1].checks[1].note for viewer in (ben_member, ada_member)]
    assert notes == ["1 of today’s entries · did not apply", "did not apply"]


def test_rows_that_were_recorded_say_which_test_stopped_them(report_items, ben_member, ada):
    add_for_role(ben_member.role, ExclusionKind.DOMAIN, "rival.example", ada)
    add_personal(ben_member, ExclusionKind.DOMAIN, "doctor.example")
    addresses = ("ada@acme.example", "x@doctor.example", "noreply@shop.example", "max@rival.example", NORA)
    report_items(item(message=mail(to=[{"email": address} for address in addresses])))

    notes = {
        job.recipient: [check.note for check in job_detail(job, ben_member).trace[1].checks]
        for job in SyncJob.objects.order_by("pk")
    }
    passed = [
        "1 domain · did not apply",
        "1 of today’s entries · did not apply",
        "the built-in list · did not apply",
        "1 domain · did not apply",
    ]
    assert notes == {
        "x@doctor.example": [
            passed[0],
            "1 of today’s entries · applied: domain doctor.example",
            "the built-in list · not tested",
            "1 domain · not tested",
        ],
        "noreply@shop.example": [
            *passed[:2],
            "the built-in list · applied: noreply@shop.example",
            "1 domain · not tested",
        ],
        "max@rival.example": [*passed[:3], "1 domain · applied: domain rival.example"],
        NORA: passed,
    }


def test_without_an_org_there_are_no_links(ben_member):
    assert job_detail(make_job(ben_member, SyncState.SYNCED), ben_member).record_url == ""


def test_what_was_sent_and_what_salesforce_said_are_the_newest(ben_member):
    job = make_job(ben_member, SyncState.FAILED, reason=Reason.REJECTED)
    make_attempt(job, 1, payload='{"Subject":"old"}', answer=REFUSED)
    make_attempt(job, 2, payload='{"Subject":"new"}', answer=REFUSED.replace("deal", "year"))
    make_attempt(job, 3, operation="look_up", payload="", answer="", outcome="not_found")

    detail = job_detail(job, ben_member)

    assert json.loads(detail.sent.payload) == {"Subject": "new"}
    assert detail.refused is None
    assert detail.attempts[1].salesforce_text == "Close the year first"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("", ""),
        (REFUSED, "Close the deal first"),
        ('{"id":"x","success":true,"errors":[]}', ""),
        ('[{"errorCode":"A","message":"one"},{"errorCode":"B","message":"two"}]', "one\ntwo"),
        ('{"errorCode":"A","message":"one"}', "one"),
        ('{"errors":["text only"]}', ""),
        ("<html>", "<html>"),
        ("3", ""),
        ("null", ""),
    ],
)
def test_salesforces_words_are_read_from_any_shape_of_answer(answer, text):
    assert read_message(answer) == text


@pytest.mark.parametrize(
    ("state", "reason", "buttons"),
    [
        (SyncState.WAITING, "", (Button.WITHDRAW,)),
        (SyncState.UNKNOWN, "", ()),
        (SyncState.SYNCED, "", (Button.DELETE,)),
        (SyncState.HELD, Reason.PLAN, (Button.RETRY, Button.RELINK, Button.WITHDRAW)),
        (SyncState.FAILED, Reason.REJECTED, (Button.RETRY, Button.RELINK, Button.WITHDRAW)),
        (SyncState.SKIPPED, Reason.NO_MATCH, (Button.RETRY, Button.RELINK, Button.WITHDRAW)),
        (SyncState.SKIPPED, Reason.SWITCHED_OFF, (Button.RETRY,)),
        (SyncState.SKIPPED, Reason.REMOVED, ()),
    ],
)
def test_the_buttons_of_each_state(ben_member, state, reason, buttons):
    assert possible_buttons(make_job(ben_member, state, reason=reason)) == buttons


def test_a_row_without_a_recipient_cannot_be_linked(ben_member):
    job = make_job(ben_member, SyncState.FAILED, reason=Reason.REJECTED, recipient="")

    assert possible_buttons(job) == (Button.RETRY, Button.WITHDRAW)


@pytest.mark.parametrize("reason", [*Reason])
def test_the_button_that_the_words_name_is_there(ben_member, reason):
    state = SyncState.FAILED if reason in (Reason.REJECTED, Reason.NEEDS_A_LOOK) else SyncState.SKIPPED
    job = make_job(ben_member, state, reason=reason)

    named = explain(reason, "", job).button
    if named in (Button.RETRY, Button.RELINK, Button.WITHDRAW, Button.DELETE):
        assert named in possible_buttons(job)


@pytest.mark.parametrize("attempts", [1, 3])
def test_queries_do_not_grow_with_attempts(acme, ben_member, django_assert_num_queries, attempts):
    make_org(acme)
    row = make_job(ben_member, SyncState.FAILED, reason=Reason.REJECTED).uuid
    job = find_job(acme, row, ben_member)
    for number in range(attempts):
        make_attempt(job, number + 1, started_at=NOON + timedelta(seconds=number))

    with django_assert_num_queries(9):
        assert len(job_detail(find_job(acme, row, ben_member), ben_member).attempts) == attempts
