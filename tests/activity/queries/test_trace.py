"""The decision in words."""

from activity.pipeline.choose import PERSON_RULES, RELATED_RULES
from activity.queries.trace import PERSON_WORDS, RELATED_WORDS, TraceStep, build_trace

MATCH = {
    "person_type": "Contact",
    "person_name": "Grace",
    "match_rule": "only_one",
    "related_type": "Opportunity",
    "related_id": "006",
    "related_name": "Renewal",
}


def test_the_steps_come_in_the_order_of_the_decision():
    content = {
        "fields": ["Subject", "WhoId"],
        "related_rule": "last_modified",
        "match": MATCH,
        "left_out": ["CallObject"],
        "candidates": [{"type": "Contact", "id": "003", "name": "Grace"}],
        "settings_version": 3,
    }

    assert build_trace(content) == (
        TraceStep("Settings", ("Version 3 of the role’s settings",)),
        TraceStep("People found", ("Grace (Contact)",)),
        TraceStep("Person", ("Grace (Contact)", "Why: the only one with this address")),
        TraceStep("Related to", ("Renewal (Opportunity)", "Why: the one that was changed last")),
        TraceStep(
            "Fields", ("Subject, WhoId", "Left out, because the Salesforce user may not write them: CallObject")
        ),
    )


def test_what_was_not_decided_is_not_shown():
    assert build_trace({}) == ()
    assert build_trace({"match": MATCH | {"related_id": ""}, "related_rule": ""})[1] == (
        TraceStep("Related to", ("Nothing",))
    )


def test_an_update_says_which_record_it_changes():
    assert build_trace({"changes": "00U1"}) == (
        TraceStep("Record", ("Changes the record 00U1 instead of making one",)),
    )


def test_an_unknown_key_is_shown_as_it_is():
    assert build_trace({"doubles_removed": 2}) == (TraceStep("Doubles removed", ("2",)),)


def test_every_rule_has_words():
    assert {name for name, _ in PERSON_RULES} <= set(PERSON_WORDS)
    assert {name for name, _ in RELATED_RULES} <= set(RELATED_WORDS)
