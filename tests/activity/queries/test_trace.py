"""The decision in words."""

from dataclasses import replace

import pytest

from activity.models import Kind, Reason, SyncState
from activity.pipeline.choose import PERSON_RULES, RELATED_RULES
from activity.pipeline.exclude import ExclusionRules
from activity.queries.checks import TracedRow, exclusion_checks, switch_checks
from activity.queries.rules_then import RulesThen
from activity.queries.trace import PERSON_WORDS, RELATED_WORDS, TraceStep, build_trace

MATCH = {
    "person_type": "Contact",
    "person_name": "Grace",
    "match_rule": "only_one",
    "related_type": "Opportunity",
    "related_id": "006",
    "related_name": "Renewal",
}
GRACE = "grace@hopper.example"
ROW = TracedRow(SyncState.SYNCED, "", "", Kind.SENT, GRACE, "Pricing")
THEN = RulesThen("Sales", 3, 1, ExclusionRules(), reads_personal=True)
SETTINGS = TraceStep("Settings", ("Version 3 of the settings of “Sales”",))
EXCLUSIONS = TraceStep("Exclusions tested", (f"For {GRACE}, in this order:",), exclusion_checks(ROW, THEN))
SWITCHES = TraceStep("Switches", (), switch_checks(ROW))
BEFORE = (SETTINGS, EXCLUSIONS, SWITCHES)


def candidates(number: int) -> list[dict]:
    return [{"type": "Contact", "id": str(n), "name": f"Grace {n}"} for n in range(number)]


def test_the_steps_come_in_the_order_of_the_decision():
    content = {
        "fields": ["Subject", "WhoId"],
        "related_rule": "last_modified",
        "match": MATCH,
        "left_out": ["CallObject"],
        "candidates": [{"type": "Contact", "id": "003", "name": "Grace"}],
        "settings_version": 3,
    }

    assert build_trace(content, ROW, THEN) == (
        *BEFORE,
        TraceStep("People found", ("Grace (Contact)",)),
        TraceStep("Person", ("Grace (Contact)", "Why: the only one with this address")),
        TraceStep("Related to", ("Renewal (Opportunity)", "Why: the one that was changed last")),
        TraceStep(
            "Fields", ("Subject, WhoId", "Left out, because the Salesforce user may not write them: CallObject")
        ),
    )


def test_without_a_related_record_it_says_nothing():
    content = {"match": MATCH | {"related_id": ""}, "related_rule": ""}

    assert build_trace(content, ROW, THEN)[4:] == (TraceStep("Related to", ("Nothing",)),)


@pytest.mark.parametrize(
    ("composed", "recorded", "line"),
    [
        (None, 3, "Version 3 of the settings of “Sales”"),
        (3, 3, "Version 3 of the settings of “Sales”"),
        (5, 3, "Recorded by version 3 of the settings of “Sales”, composed by version 5"),
        (None, None, "The member was in the role “Sales” then, and is in another one now"),
        (5, None, "The member was in the role “Sales” then, and is in another one now"),
    ],
)
def test_the_settings_name_their_version(composed, recorded, line):
    content = {} if composed is None else {"settings_version": composed}

    assert build_trace(content, ROW, replace(THEN, version=recorded))[0] == TraceStep("Settings", (line,))


@pytest.mark.parametrize(
    ("state", "reason", "line"),
    [
        (SyncState.WAITING, "", "Not looked for yet"),
        (SyncState.HELD, Reason.NOT_CONNECTED, "Not looked for yet: it is held"),
        (SyncState.SKIPPED, Reason.NOT_LOGGED_BY_PERSON, "Not looked for: it had stopped by then"),
    ],
)
def test_a_row_that_did_not_come_so_far_says_so(state, reason, line):
    row = replace(ROW, state=state, reason=reason)

    assert build_trace({}, row, THEN) == (*BEFORE, TraceStep("People found", (line,)))


@pytest.mark.parametrize("reason", [Reason.EXCLUDED, Reason.KEPT_PRIVATE, Reason.INTERNAL])
def test_what_an_exclusion_stopped_came_to_no_switch(reason):
    row = replace(ROW, state=SyncState.SKIPPED, reason=reason)

    assert [step.title for step in build_trace({}, row, THEN)] == ["Settings", "Exclusions tested", "People found"]


def test_without_an_address_nobody_is_named():
    row = replace(ROW, state=SyncState.SKIPPED, reason=Reason.INTERNAL, recipient="")

    assert build_trace({}, row, THEN)[1].lines == ("In this order:",)


@pytest.mark.parametrize("state", [SyncState.SYNCED, SyncState.FAILED, SyncState.UNKNOWN])
def test_what_was_sent_without_a_trace_is_not_called_unsought(state):
    assert build_trace({}, replace(ROW, state=state), THEN) == BEFORE


@pytest.mark.parametrize(
    ("number", "lines"),
    [
        (0, ("Nobody with this address",)),
        (2, ("Grace 0 (Contact)", "Grace 1 (Contact)")),
        (10, tuple(f"Grace {n} (Contact)" for n in range(10))),
        (12, (*(f"Grace {n} (Contact)" for n in range(10)), "and 2 more")),
    ],
)
def test_candidates_are_named_as_far_as_there_is_room(number, lines):
    content = {"candidates": candidates(number), "settings_version": 3}

    assert build_trace(content, replace(ROW, state=SyncState.SKIPPED, reason=Reason.NO_MATCH), THEN)[3:] == (
        TraceStep("People found", lines),
    )


def test_several_without_a_deciding_rule_are_nobody():
    row = replace(ROW, state=SyncState.SKIPPED, reason=Reason.AMBIGUOUS, detail="Grace 0, Grace 1")

    assert build_trace({"candidates": candidates(2)}, row, THEN)[4:] == (
        TraceStep("Person", ("Nobody: several have this address, and no rule of the role decides",)),
    )


def test_an_update_says_which_record_it_changes():
    row = replace(ROW, state=SyncState.WAITING)

    assert build_trace({"changes": "00U1"}, row, THEN) == (
        *BEFORE,
        TraceStep("Record", ("Changes the record 00U1 instead of making one",)),
    )


def test_an_unknown_key_is_shown_as_it_is():
    assert build_trace({"doubles_removed": 2}, ROW, THEN)[3:] == (TraceStep("Doubles removed", ("2",)),)


def test_every_rule_has_words():
    assert {name for name, _ in PERSON_RULES} <= set(PERSON_WORDS)
    assert {name for name, _ in RELATED_RULES} <= set(RELATED_WORDS)
