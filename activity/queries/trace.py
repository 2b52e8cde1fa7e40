"""How a row was decided: what the pipeline keeps in a DecisionTrace, in words and in the order of the decision."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

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
    """One step of the decision: its name and its lines."""

    title: str
    lines: tuple[str, ...]


def build_trace(content: Mapping[str, Any]) -> tuple[TraceStep, ...]:
    """The steps that are known of a decision; keys without words here are shown as they are."""
    steps = [(title, read(content)) for title, keys, read in STEPS if any(key in content for key in keys)]
    known = {key for _, keys, _ in STEPS for key in keys}
    rest = [(key.replace("_", " ").capitalize(), [str(value)]) for key, value in content.items() if key not in known]
    return tuple(TraceStep(title, tuple(line for line in lines if line)) for title, lines in [*steps, *rest])


def _settings(content: Mapping[str, Any]) -> list[str]:
    return [f"Version {content['settings_version']} of the role’s settings"]


def _candidates(content: Mapping[str, Any]) -> list[str]:
    found = [f"{each['name']} ({each['type']})" for each in content["candidates"]]
    return found or ["Nobody with this address"]


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
    ("Settings", ("settings_version",), _settings),
    ("People found", ("candidates",), _candidates),
    ("Person", ("match",), _person),
    ("Related to", ("related_rule",), _related),
    ("Fields", ("fields", "left_out"), _fields),
    ("Record", ("changes",), _changes),
)
