"""What is never logged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activity.models import ExclusionKind, Reason
from activity.pipeline.exclude import (
    SYSTEM_LOCAL_PARTS,
    Excluded,
    ExclusionRules,
    ExclusionTest,
    Rule,
    deciding_test,
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


@pytest.mark.parametrize(
    ("reason", "detail", "test"),
    [
        (Reason.INTERNAL, "", ExclusionTest.COLLEAGUES),
        (Reason.KEPT_PRIVATE, "", ExclusionTest.PERSONAL),
        (Reason.EXCLUDED, "system address noreply@a.example", ExclusionTest.SYSTEM),
        (Reason.EXCLUDED, "domain a.example", ExclusionTest.ROLE),
        (Reason.EXCLUDED, "subject word system address", ExclusionTest.ROLE),
        (Reason.EXCLUDED, "", ExclusionTest.ROLE),
        (Reason.NO_MATCH, "", None),
        ("", "", None),
    ],
)
def test_a_row_says_which_test_stopped_it(reason: str, detail: str, test: ExclusionTest | None) -> None:
    assert deciding_test(reason, detail) == test


RULES = st.lists(
    st.sampled_from(
        [Rule(ADDRESS, NORA), Rule(DOMAIN, "northwind.example"), Rule(SUBJECT, "salary"), Rule(DOMAIN, "a.example")]
    ),
    max_size=3,
).map(tuple)


@given(
    of_role=RULES,
    personal=RULES,
    overrides=st.frozensets(st.sampled_from(["noreply", "shop.example"])),
    address=st.sampled_from([NORA, "noreply@shop.example", "noreply@a.example", "else@b.example"]),
    subject=st.sampled_from(["Salary", "Offer"]),
)
def test_the_first_test_that_applies_alone_decides(of_role, personal, overrides, address, subject) -> None:
    alone = {
        ExclusionTest.PERSONAL: ExclusionRules(personal=personal, overrides=frozenset({address})),
        ExclusionTest.SYSTEM: ExclusionRules(overrides=overrides),
        ExclusionTest.ROLE: ExclusionRules(of_role, overrides=frozenset({address})),
    }
    hits = [test for test in ExclusionTest if test in alone and exclude(alone[test], address, subject)]

    found = exclude(ExclusionRules(of_role, personal, overrides), address, subject)

    assert (deciding_test(found.reason, found.detail) if found else None) == (hits[0] if hits else None)
