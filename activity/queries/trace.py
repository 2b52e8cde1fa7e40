"""How a row was decided, in words and in the order of the decision: settings → exclusions tested → switches →
candidates → deciding rule → fields.

What the pipeline found is kept in a DecisionTrace; what came before that is derived (checks.py, rules_then.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from activity.models import Reason, SyncState
from activity.models.recipients import name_recipient
from activity.pipeline.exclude import deciding_test
from activity.queries.checks import Check, TracedRow, exclusion_checks, switch_checks
from activity.queries.rules_then import RulesThen

MOST_SHOWN = 10
"""So many candidates are named: an address of a whole department can have hundreds."""
PERSON_WORDS = {
    "only_one": "the only one with this address",
    "converted_lead": "the Contact that the Lead was converted into",
    "preferred_kind": "the kind that the role prefers when there is a Contact and a Lead",
    "with_opportunity": "the only one with an open opportunity",
    "of_member": "the only one whom the member owns",
    "chosen_by_person": "chosen by a person",
}
RELATED_WORDS = {
    "only_one": "the only opportunity that the role’s settings let in",
    "still_open": "the only one that is still open",
    "primary_contact": "the only one with the person as primary contact",
    "owned_by_member": "the only one that the member owns",
    "closest_close_date": "the one to be closed next",
    "last_modified": "the one that was changed last",
    "account": "no opportunity fits, so the person’s account",
}


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One step of the decision: its name, its lines, and what was tested in it."""

    title: str
    lines: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()


def build_trace(content: Mapping[str, Any], row: TracedRow, then: RulesThen) -> tuple[TraceStep, ...]:
    """The steps of a decision, as far as it came: `content` is the row's DecisionTrace, empty where it has none."""
    return (
        TraceStep("Settings", tuple(_settings(content, then))),
        TraceStep("Exclusions tested", (_whom(row),), exclusion_checks(row, then)),
        *([] if deciding_test(row.reason, row.detail) else [TraceStep("Switches", (), switch_checks(row))]),
        *_kept_steps(content, row),
    )


def _settings(content: Mapping[str, Any], then: RulesThen) -> list[str]:
    composed, recorded = content.get("settings_version"), then.version
    of_role = f"of the settings of “{then.role}”"
    if recorded is None:
        return [f"The member was in the role “{then.role}” then, and is in another one now"]
    if composed in (None, recorded):
        return [f"Version {recorded} {of_role}"]
    return [f"Recorded by version {recorded} {of_role}, composed by version {composed}"]


def _whom(row: TracedRow) -> str:
    return f"For {name_recipient(row.recipient)}, in this order:" if row.recipient else "In this order:"


# --- What the pipeline kept -------------------------------------------------------------------------------


def _kept_steps(content: Mapping[str, Any], row: TracedRow) -> list[TraceStep]:
    """The steps that it knows of; keys without words here are shown as they are."""
    steps = [(title, read(content)) for title, keys, read in STEPS if any(key in content for key in keys)]
    known = {"settings_version", *(key for _, keys, _ in STEPS for key in keys)}
    rest = [(key.replace("_", " ").capitalize(), [str(value)]) for key, value in content.items() if key not in known]
    if "candidates" not in content and "changes" not in content and row.state in NOT_LOOKED_FOR:
        steps = [("People found", [NOT_LOOKED_FOR[row.state]]), *steps]
    if row.reason == Reason.AMBIGUOUS and "candidates" in content:
        steps.append(("Person", ["Nobody: several have this address, and no rule of the role decides"]))
    return [TraceStep(title, tuple(line for line in lines if line)) for title, lines in [*steps, *rest]]


def _candidates(content: Mapping[str, Any]) -> list[str]:
    found = [f"{each['name']} ({each['type']})" for each in content["candidates"]]
    more = len(found) - MOST_SHOWN
    return [*found[:MOST_SHOWN], f"and {more} more" if more > 0 else ""] if found else ["Nobody with this address"]


def _person(content: Mapping[str, Any]) -> list[str]:
    match = content["match"]
    return [f"{match['person_name']} ({match['person_type']})", _rule(match["match_rule"], PERSON_WORDS)]


def _related(content: Mapping[str, Any]) -> list[str]:
    match = content.get("match", {})
    if not match.get("related_id"):
        return ["Nothing"]
    return [f"{match['related_name']} ({match['related_type']})", _rule(content["related_rule"], RELATED_WORDS)]


def _fields(content: Mapping[str, Any]) -> list[str]:
    left_out = ", ".join(content.get("left_out", ()))
    return [
        ", ".join(content.get("fields", ())),
        f"Left out, because the Salesforce user may not write them: {left_out}" if left_out else "",
    ]


def _changes(content: Mapping[str, Any]) -> list[str]:
    return [f"Changes the record {content['changes']} instead of making one"]


def _rule(name: str, rules: Mapping[str, str]) -> str:
    words = rules.get(name, name.replace("_", " "))
    return f"Why: {words}" if words else ""


STEPS: tuple[tuple[str, tuple[str, ...], Callable[[Mapping[str, Any]], list[str]]], ...] = (
    ("People found", ("candidates",), _candidates),
    ("Person", ("match",), _person),
    ("Related to", ("related_rule",), _related),
    ("Fields", ("fields", "left_out"), _fields),
    ("Record", ("changes",), _changes),
)
NOT_LOOKED_FOR = {
    SyncState.SKIPPED: "Not looked for: it had stopped by then",
    SyncState.HELD: "Not looked for yet: it is held",
    SyncState.WAITING: "Not looked for yet",
}
