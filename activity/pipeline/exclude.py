"""What is never logged. Pure: settings and an address or subject in, a reason or None out."""

from dataclasses import dataclass
from enum import StrEnum

from activity.models.settings import ExclusionKind
from activity.models.sync import Reason

# The local parts of mailboxes that no person reads; a role can override each.
SYSTEM_LOCAL_PARTS = (
    "abuse",
    "bounce",
    "bounces",
    "do-not-reply",
    "do_not_reply",
    "donotreply",
    "mailer-daemon",
    "no-reply",
    "no_reply",
    "noreply",
    "notification",
    "notifications",
    "postmaster",
    "unsubscribe",
)
# Calendar resources and machine addresses: Google's rooms, replies by token, mail list machinery.
SYSTEM_DOMAINS = (
    "calendar.google.com",
    "docs.google.com",
    "group.calendar.google.com",
    "reply.github.com",
    "resource.calendar.google.com",
)
SYSTEM_PREFIXES = (
    "bounce+",
    "bounces+",
    "noreply+",
    "no-reply+",
    "reply+",
    "unsubscribe+",
    "prvs=",
    "srs0=",
    "srs1=",
)


SYSTEM_ADDRESS = "system address"
"""How the detail of a row begins that the built-in list keeps out."""


class ExclusionTest(StrEnum):
    """What an address is put to, in this order; the first test that applies decides. The first one is plan.py's."""

    COLLEAGUES = "colleagues"
    PERSONAL = "personal"
    SYSTEM = "system"
    ROLE = "role"


@dataclass(frozen=True, slots=True)
class Rule:
    """One exclusion; `value` is lower case, a domain without its leading dot or @."""

    kind: ExclusionKind
    value: str


@dataclass(frozen=True, slots=True)
class Excluded:
    """Why something is not logged: the reason of the row and the rule that completes its sentence."""

    reason: Reason
    detail: str = ""


def in_domains(address: str, domains: frozenset[str]) -> bool:
    """Whether the address (lower case) lies in one of the domains or below it."""
    domain = address.rpartition("@")[2]
    while domain:
        if domain in domains:
            return True
        domain = domain.partition(".")[2]
    return False


def is_system_address(address: str) -> bool:
    """Whether the address (lower case) is one that only machines use."""
    local, _, domain = address.rpartition("@")
    return local in SYSTEM_LOCAL_PARTS or domain in SYSTEM_DOMAINS or local.startswith(SYSTEM_PREFIXES)


def find_rule(rules: tuple[Rule, ...], address: str, subject: str) -> Rule | None:
    """The first rule that the address (lower case) or the subject (case-folded) falls under."""
    for rule in rules:
        if rule.kind == ExclusionKind.SUBJECT:
            if rule.value in subject:
                return rule
        elif rule.kind == ExclusionKind.DOMAIN:
            if in_domains(address, frozenset({rule.value})):
                return rule
        elif address == rule.value:
            return rule
    return None


@dataclass(frozen=True, slots=True)
class ExclusionRules:
    """Everything that decides: the role's rules, the member's own, and the addresses of the built-in list to log."""

    of_role: tuple[Rule, ...] = ()
    personal: tuple[Rule, ...] = ()
    overrides: frozenset[str] = frozenset()


def exclude(rules: ExclusionRules, address: str, subject: str) -> Excluded | None:
    """Why this address under this subject is not logged; None when nothing speaks against it.

    The personal list goes first, because what it hides must not be told by another reason's sentence.
    """
    address, subject = address.lower(), subject.casefold()
    if find_rule(rules.personal, address, subject):
        return Excluded(Reason.KEPT_PRIVATE)
    if is_system_address(address) and not _overridden(rules.overrides, address):
        return Excluded(Reason.EXCLUDED, f"{SYSTEM_ADDRESS} {address}")
    if rule := find_rule(rules.of_role, address, subject):
        return Excluded(Reason.EXCLUDED, name_rule(rule))
    return None


def name_rule(rule: Rule) -> str:
    """A rule in words: "domain rival.example"."""
    return f"{rule.kind.label.lower()} {rule.value}"


def deciding_test(reason: str, detail: str) -> ExclusionTest | None:
    """Which test stopped a row, by the reason and the detail that it keeps; None when none of them did."""
    if reason == Reason.EXCLUDED:
        return ExclusionTest.SYSTEM if detail.startswith(f"{SYSTEM_ADDRESS} ") else ExclusionTest.ROLE
    whole: dict[str, ExclusionTest] = {
        Reason.INTERNAL: ExclusionTest.COLLEAGUES,
        Reason.KEPT_PRIVATE: ExclusionTest.PERSONAL,
    }
    return whole.get(reason)


def _overridden(overrides: frozenset[str], address: str) -> bool:
    """An override names a whole address or a local part of the built-in list (`noreply`)."""
    return address in overrides or address.partition("@")[0] in overrides or in_domains(address, overrides)
