"""What an activity was put to, and what came of each test."""

from dataclasses import replace

import pytest

from activity.models import ExclusionKind, Kind, Reason, SyncState
from activity.pipeline.exclude import ExclusionRules, Rule
from activity.pipeline.plan import AUTOMATIC
from activity.queries.checks import Check, Result, TracedRow, exclusion_checks, switch_checks
from activity.queries.rules_then import RulesThen

PASSED, STOPPED, UNTESTED = Result
DOMAIN, ADDRESS, SUBJECT = ExclusionKind
GRACE = "grace@hopper.example"
ROW = TracedRow(SyncState.SYNCED, "", "", Kind.SENT, GRACE, "Pricing")
DOCTOR = Rule(DOMAIN, "doctor.example")
THEN = RulesThen(
    role="Sales",
    version=4,
    own_domains=2,
    rules=ExclusionRules(
        of_role=(Rule(DOMAIN, "rival.example"), Rule(DOMAIN, "law.example"), Rule(SUBJECT, "salary")),
        personal=(DOCTOR,),
        overrides=frozenset({"noreply@shop.example"}),
    ),
    reads_personal=True,
)
EMPTY = RulesThen("Sales", 1, 0, ExclusionRules(), reads_personal=True)
FOR_ADMIN = replace(THEN, rules=replace(THEN.rules, personal=()), reads_personal=False)
NAMES = ("Own domains and colleagues", "Your own “Never log” list", "System addresses", "The role’s exclusions")
EXTENTS = ("2 domains", "1 of today’s entries", "the built-in list with 1 exception", "2 domains, 1 subject word")


def stopped(reason: Reason, detail: str = "", **fields) -> TracedRow:
    return replace(ROW, state=SyncState.SKIPPED, reason=reason, detail=detail, **fields)


def results(row: TracedRow, then: RulesThen = THEN) -> list[Result]:
    return [check.result for check in exclusion_checks(row, then)]


def note_of(row: TracedRow, number: int, then: RulesThen = THEN) -> str:
    return exclusion_checks(row, then)[number].note


def test_what_passed_names_every_test_in_its_order_and_how_many_rules_it_had():
    assert exclusion_checks(ROW, THEN) == tuple(
        Check(name, PASSED, f"{extent} · did not apply") for name, extent in zip(NAMES, EXTENTS, strict=True)
    )


def test_without_rules_it_says_so():
    assert [check.note for check in exclusion_checks(ROW, EMPTY)] == [
        "no own domain · did not apply",
        "did not apply",
        "the built-in list · did not apply",
        "none then · did not apply",
    ]


@pytest.mark.parametrize(
    ("row", "expected", "note"),
    [
        (
            stopped(Reason.INTERNAL, recipient=""),
            [STOPPED, UNTESTED, UNTESTED, UNTESTED],
            "2 domains · applied: nobody outside took part",
        ),
        (
            stopped(Reason.KEPT_PRIVATE, recipient="x@doctor.example"),
            [PASSED, STOPPED, UNTESTED, UNTESTED],
            "1 of today’s entries · applied: domain doctor.example",
        ),
        (
            stopped(Reason.EXCLUDED, "system address noreply@a.example", recipient="noreply@a.example"),
            [PASSED, PASSED, STOPPED, UNTESTED],
            "the built-in list with 1 exception · applied: noreply@a.example",
        ),
        (
            stopped(Reason.EXCLUDED, "subject word salary"),
            [PASSED, PASSED, PASSED, STOPPED],
            "2 domains, 1 subject word · applied: subject word salary",
        ),
    ],
    ids=["internal", "private", "system", "role"],
)
def test_the_test_that_stopped_it_stands_between_those_that_passed_and_those_that_did_not_come(row, expected, note):
    assert results(row) == expected
    assert note_of(row, expected.index(STOPPED)) == note
    assert {note_of(row, n).rpartition(" · ")[2] for n, each in enumerate(expected) if each == UNTESTED} <= {
        "not tested"
    }


@pytest.mark.parametrize("reason", sorted(set(Reason) - {Reason.INTERNAL, Reason.KEPT_PRIVATE, Reason.EXCLUDED}))
def test_every_other_reason_comes_after_the_exclusions(reason):
    assert results(stopped(reason)) == [PASSED] * 4


def test_of_what_one_of_several_did_only_personal_lists_are_asked():
    row = stopped(Reason.RECIPIENT_UNKNOWN, recipient="", kind=Kind.OPENED)

    assert results(row) == [PASSED, PASSED, UNTESTED, UNTESTED]
    assert note_of(row, 3) == "2 domains, 1 subject word · not tested: nobody knows whose address to test"


@pytest.mark.parametrize(
    ("recipient", "then", "words"),
    [
        ("x@doctor.example", THEN, "domain doctor.example"),
        ("x@clinic.example", THEN, "an entry that has been taken off"),
        ("", THEN, "an entry for one of the recipients"),
        ("x@doctor.example", FOR_ADMIN, "an entry"),
    ],
)
def test_a_private_row_names_the_entry_to_its_owner_alone(recipient, then, words):
    row = stopped(Reason.KEPT_PRIVATE, recipient=recipient)

    assert note_of(row, 1, then).rpartition("applied: ")[2] == words


def test_others_read_neither_the_entries_nor_how_many_there_are():
    assert exclusion_checks(ROW, FOR_ADMIN)[1] == Check("The member’s own “Never log” list", PASSED, "did not apply")


@pytest.mark.parametrize(
    ("recipient", "subject", "number", "note"),
    [
        ("max@mail.rival.example", "Offer", 3, "applied at first (domain rival.example); tried again since"),
        (GRACE, "Your SALARY", 3, "applied at first (subject word salary); tried again since"),
        ("noreply@a.example", "Offer", 2, "applied at first (noreply@a.example); tried again since"),
        ("x@doctor.example", "Offer", 1, "applied at first (domain doctor.example); tried again since"),
        ("noreply@shop.example", "Offer", 2, "did not apply"),
    ],
)
def test_what_was_stopped_once_and_let_through_later_says_so(recipient, subject, number, note):
    row = replace(ROW, recipient=recipient, subject=subject)

    assert results(row) == [PASSED] * 4
    assert note_of(row, number).rpartition(" · ")[2] == note
    assert {note_of(row, n).rpartition(" · ")[2] for n in range(4) if n != number} == {"did not apply"}


def test_the_list_of_a_former_role_is_not_followed_back():
    then = replace(EMPTY, role="Support", version=None)

    assert note_of(ROW, 3, then) == "those of “Support”, the role then · did not apply"
    assert note_of(replace(ROW, recipient="noreply@a.example"), 2, then) == "the built-in list · did not apply"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (ROW, [("Log “Sent”", PASSED, "switched on"), ("Sync all messages", PASSED, "sent with Touchline")]),
        (
            replace(ROW, kind=Kind.RECEIVED, via_touchline=False),
            [
                ("Log “Received”", PASSED, "switched on"),
                ("Sync all messages", PASSED, "not sent with Touchline, but switched on"),
            ],
        ),
        (
            stopped(Reason.NOT_VIA_TOUCHLINE, via_touchline=False),
            [
                ("Log “Sent”", PASSED, "switched on"),
                ("Sync all messages", STOPPED, "not sent with Touchline, and switched off"),
            ],
        ),
        (stopped(Reason.SWITCHED_OFF), [("Log “Sent”", STOPPED, "switched off")]),
        (
            stopped(Reason.SWITCHED_OFF, AUTOMATIC),
            [
                ("Log “Sent”", PASSED, "switched on"),
                ("Log to Salesforce automatically", STOPPED, "switched off"),
            ],
        ),
        (
            replace(ROW, kind=Kind.OPENED),
            [
                ("Log “Opened”", PASSED, "switched on"),
                ("Log opens by machines", PASSED, "done by a person, as far as can be told"),
            ],
        ),
        (
            replace(ROW, kind=Kind.CLICKED, by_machine=True),
            [
                ("Log “Clicked”", PASSED, "switched on"),
                ("Log opens by machines", PASSED, "done by a machine, but switched on"),
            ],
        ),
        (
            stopped(Reason.MACHINE, kind=Kind.OPENED, by_machine=True),
            [
                ("Log “Opened”", PASSED, "switched on"),
                ("Log opens by machines", STOPPED, "done by a machine, and switched off"),
            ],
        ),
        (replace(ROW, kind=Kind.MEETING_CANCELED), [("Log “Meeting Canceled”", PASSED, "switched on")]),
    ],
)
def test_switches_come_in_their_order_up_to_the_one_that_stops(row, expected):
    assert switch_checks(row) == tuple(Check(*each) for each in expected)
