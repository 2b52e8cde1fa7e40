"""What is never logged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activity.models import ExclusionKind, Reason
from activity.pipeline.exclude import (
    SYSTEM_LOCAL_PARTS,
    Excluded,
    ExclusionRules,
    Rule,
    exclude,
    in_domains,
    is_system_address,
)

DOMAIN, ADDRESS, SUBJECT = ExclusionKind.DOMAIN, ExclusionKind.ADDRESS, ExclusionKind.SUBJECT
NORA = "nora@northwind.example"


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("a@acme.example", True),
        ("a@mail.acme.example", True),
        ("a@notacme.example", False),
        ("a@example", False),
        ("acme.example", True),
        ("", False),
    ],
)
def test_a_domain_holds_what_lies_below_it(address: str, inside: bool) -> None:
    assert in_domains(address, frozenset({"acme.example"})) is inside


@pytest.mark.parametrize(
    ("rule", "subject", "expected"),
    [
        (Rule(DOMAIN, "northwind.example"), "Offer", "domain northwind.example"),
        (Rule(DOMAIN, "wind.example"), "Offer", None),
        (Rule(ADDRESS, NORA), "Offer", f"address {NORA}"),
        (Rule(ADDRESS, "niels@northwind.example"), "Offer", None),
        (Rule(SUBJECT, "salary"), "Your SALARY", "subject word salary"),
        (Rule(SUBJECT, "straße"), "Hauptstrasse", None),
        (Rule(SUBJECT, "strasse"), "HauptSTRAẞE", "subject word strasse"),
        (Rule(SUBJECT, "salary"), "Offer", None),
    ],
)
def test_rules_of_the_role(rule: Rule, subject: str, expected: str | None) -> None:
    found = exclude(ExclusionRules(of_role=(rule,)), NORA, subject)

    assert found == (Excluded(Reason.EXCLUDED, expected) if expected else None)


def test_the_personal_list_tells_nothing() -> None:
    rule = Rule(ADDRESS, NORA)

    found = exclude(ExclusionRules(of_role=(rule,), personal=(rule,)), NORA.upper(), "Offer")

    assert found == Excluded(Reason.KEPT_PRIVATE, "")


@pytest.mark.parametrize(
    "address",
    [*(f"{local}@any.example" for local in SYSTEM_LOCAL_PARTS), "bounce+x@a.example", "x@reply.github.com"],
)
def test_system_addresses(address: str) -> None:
    assert exclude(ExclusionRules(), address, "") == Excluded(Reason.EXCLUDED, f"system address {address}")


@pytest.mark.parametrize("override", ["noreply@shop.example", "noreply", "shop.example"])
def test_a_role_can_log_a_system_address_all_the_same(override: str) -> None:
    assert exclude(ExclusionRules(overrides=frozenset({override})), "noreply@shop.example", "") is None


@pytest.mark.parametrize("address", ["nora.reply@a.example", "noreplyable@a.example", "postmasters@a.example"])
def test_people_are_no_machines(address: str) -> None:
    assert not is_system_address(address)


@given(address=st.emails(), subject=st.text())
def test_without_a_rule_only_machines_are_left_out(address: str, subject: str) -> None:
    assert (exclude(ExclusionRules(), address, subject) is None) == (not is_system_address(address.lower()))
