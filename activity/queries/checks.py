"""What an activity is put to before anybody is looked for in Salesforce: exclusions, then switches, in the order of
the code, with what came of each. Pure.

A row keeps only what stopped it. That everything before did not apply, and that nothing after was tested, follows
from the order (exclude.ExclusionTest, plan.switched_off).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from activity.models import ExclusionKind, Kind, Reason
from activity.pipeline.exclude import (
    SYSTEM_ADDRESS,
    ExclusionTest,
    deciding_test,
    exclude,
    find_rule,
    name_rule,
)
from activity.pipeline.plan import AUTOMATIC, MAIL, TRACKED
from activity.queries.rules_then import RulesThen

PLURALS = {
    ExclusionKind.DOMAIN: "domains",
    ExclusionKind.ADDRESS: "addresses",
    ExclusionKind.SUBJECT: "subject words",
}


class Result(StrEnum):
    """What came of a check: the activity went on, it stopped, or it never came so far."""

    PASSED = "passed"
    STOPPED = "stopped"
    UNTESTED = "untested"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that an activity was put to; `note` says in words what `result` is, and of how many rules."""

    name: str
    result: Result
    note: str


@dataclass(frozen=True, slots=True)
class TracedRow:
    """What a row and its activity say for themselves."""

    state: str
    reason: str
    detail: str
    kind: Kind
    recipient: str
    subject: str
    via_touchline: bool = True
    by_machine: bool = False


# --- Exclusions -------------------------------------------------------------------------------------------


def exclusion_checks(row: TracedRow, then: RulesThen) -> tuple[Check, ...]:
    """Every exclusion test in its order: which one stopped the row, by which rule, and that the others did not."""
    results = _results(row)
    return tuple(
        Check(_name(test, then), result, _join(_extent(test, then), _outcome(test, result, row, then)))
        for test, result in results.items()
    )


def _results(row: TracedRow) -> dict[ExclusionTest, Result]:
    stopper = deciding_test(row.reason, row.detail)
    results, coming = {}, Result.PASSED
    for test in ExclusionTest:
        if coming == Result.PASSED and _is_nobodys(test, row):
            coming = Result.UNTESTED
        results[test] = Result.STOPPED if test == stopper else coming
        if test == stopper:
            coming = Result.UNTESTED
    return results


def _is_nobodys(test: ExclusionTest, row: TracedRow) -> bool:
    """Of what one of several people did, only personal lists are asked (plan.py): the others need the address."""
    return not row.recipient and test in (ExclusionTest.SYSTEM, ExclusionTest.ROLE)


def _name(test: ExclusionTest, then: RulesThen) -> str:
    return {
        ExclusionTest.COLLEAGUES: "Own domains and colleagues",
        ExclusionTest.PERSONAL: f"{'Your' if then.reads_personal else 'The member’s'} own “Never log” list",
        ExclusionTest.SYSTEM: "System addresses",
        ExclusionTest.ROLE: "The role’s exclusions",
    }[test]


def _extent(test: ExclusionTest, then: RulesThen) -> str:
    """How many rules the test had; what is not known, or not the viewer's to know, is not said."""
    if test == ExclusionTest.COLLEAGUES:
        return _count(then.own_domains, "domain", "domains") or "no own domain"
    if test == ExclusionTest.PERSONAL:
        found = len(then.rules.personal)
        return f"{found} of today’s entries" if found else ""
    if test == ExclusionTest.SYSTEM:
        exceptions = _count(len(then.rules.overrides), "exception", "exceptions")
        return f"the built-in list{f' with {exceptions}' if exceptions else ''}"
    return _count_kinds(then) if then.knows_role else f"those of “{then.role}”, the role then"


def _count_kinds(then: RulesThen) -> str:
    kinds = Counter(rule.kind for rule in then.rules.of_role)
    counts = (_count(kinds[kind], kind.label.lower(), PLURALS[kind]) for kind in ExclusionKind)
    return ", ".join(count for count in counts if count) or "none then"


def _outcome(test: ExclusionTest, result: Result, row: TracedRow, then: RulesThen) -> str:
    if result == Result.UNTESTED:
        is_stopped = deciding_test(row.reason, row.detail) is not None
        return "not tested" if is_stopped else "not tested: nobody knows whose address to test"
    if result == Result.STOPPED:
        return f"applied: {_rule_of_stop(test, row, then)}"
    former = _former_hit(test, row, then)
    return f"applied at first ({former}); tried again since" if former else "did not apply"


def _rule_of_stop(test: ExclusionTest, row: TracedRow, then: RulesThen) -> str:
    if test == ExclusionTest.COLLEAGUES:
        return "nobody outside took part"
    if test == ExclusionTest.PERSONAL:
        return _personal_rule(row, then) or _unknown_entry(row, then)
    return row.detail.removeprefix(f"{SYSTEM_ADDRESS} ") or "a rule"


def _personal_rule(row: TracedRow, then: RulesThen) -> str:
    rule = find_rule(then.rules.personal, row.recipient.lower(), row.subject.casefold())
    return name_rule(rule) if rule else ""


def _unknown_entry(row: TracedRow, then: RulesThen) -> str:
    if not then.reads_personal:
        return "an entry"
    return "an entry that has been taken off" if row.recipient else "an entry for one of the recipients"


def _former_hit(test: ExclusionTest, row: TracedRow, then: RulesThen) -> str:
    """The rule of then that a row fell under which a person let through later; empty for any other row."""
    if not row.recipient or not (then.knows_role or test == ExclusionTest.PERSONAL):
        return ""
    hit = exclude(then.rules, row.recipient, row.subject)
    if hit is None or deciding_test(hit.reason, hit.detail) != test:
        return ""
    return hit.detail.removeprefix(f"{SYSTEM_ADDRESS} ") or _personal_rule(row, then)


# --- Switches ---------------------------------------------------------------------------------------------


def switch_checks(row: TracedRow) -> tuple[Check, ...]:
    """The switches of the role and the member, up to the one that stopped the row."""
    checks = []
    for check in _switches(row):
        checks.append(check)
        if check.result == Result.STOPPED:
            break
    return tuple(checks)


def _switches(row: TracedRow) -> Iterable[Check]:
    """As plan.switched_off asks them."""
    is_off, waits_for_person = row.reason == Reason.SWITCHED_OFF, row.detail == AUTOMATIC
    yield _switch(f"Log “{row.kind.label}”", is_off and not waits_for_person, "switched on", "switched off")
    if is_off:
        yield Check("Log to Salesforce automatically", Result.STOPPED, "switched off")
    if row.kind in MAIL:
        how = "sent with Touchline" if row.via_touchline else "not sent with Touchline, but switched on"
        stopped = "not sent with Touchline, and switched off"
        yield _switch("Sync all messages", row.reason == Reason.NOT_VIA_TOUCHLINE, how, stopped)
    if row.kind in TRACKED:
        how = "done by a machine, but switched on" if row.by_machine else "done by a person, as far as can be told"
        yield _switch(
            "Log opens by machines", row.reason == Reason.MACHINE, how, "done by a machine, and switched off"
        )


def _switch(name: str, stops: bool, passed: str, stopped: str) -> Check:
    return Check(name, Result.STOPPED, stopped) if stops else Check(name, Result.PASSED, passed)


# --- Words ------------------------------------------------------------------------------------------------


def _count(number: int, one: str, many: str) -> str:
    """ "1 domain", "2 domains"; empty for none."""
    return f"{number} {one if number == 1 else many}" if number else ""


def _join(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
