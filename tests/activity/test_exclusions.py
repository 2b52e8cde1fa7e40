"""The lists of what is never logged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activity.exclusions import (
    ExclusionError,
    add_for_role,
    add_override,
    add_personal,
    normalise,
    remove_from_role,
    remove_personal,
)
from activity.models import Exclusion, ExclusionKind
from workspaces.models import AuditEntry

DOMAIN, ADDRESS, SUBJECT = ExclusionKind.DOMAIN, ExclusionKind.ADDRESS, ExclusionKind.SUBJECT


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (DOMAIN, " Example.COM ", "example.com"),
        (DOMAIN, "@example.com", "example.com"),
        (DOMAIN, "bücher.example", "xn--bcher-kva.example"),
        (ADDRESS, "Grace@Hopper.example", "grace@hopper.example"),
        (ADDRESS, "<grace@bücher.example>", "grace@xn--bcher-kva.example"),
        (ADDRESS, "a@a.example", "a@a.example"),
        (SUBJECT, "  Salary   talks ", "salary talks"),
    ],
)
def test_values_are_kept_as_they_are_compared(kind, value, expected):
    assert normalise(kind, value) == expected


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (DOMAIN, ""),
        (DOMAIN, "com"),
        (DOMAIN, "exa mple.com"),
        (DOMAIN, "-a.example"),
        (DOMAIN, "a..example"),
        (DOMAIN, "x" * 64 + ".example"),
        (ADDRESS, "grace"),
        (ADDRESS, "grace@"),
        (ADDRESS, "grace@localhost"),
        (ADDRESS, "a@b@c.example"),
        (SUBJECT, " \0 "),
        (SUBJECT, "x" * 321),
    ],
)
def test_values_that_could_never_match_are_refused(kind, value):
    with pytest.raises(ExclusionError) as refused:
        normalise(kind, value)
    assert refused.value.user_message.endswith(".")
    assert str(refused.value) == "exclusion refused"


@given(kind=st.sampled_from(ExclusionKind), value=st.text(max_size=330))
def test_no_text_breaks_it_and_what_is_kept_is_kept_again(kind, value):
    try:
        kept = normalise(kind, value)
    except ExclusionError:
        return
    assert kept
    assert "\0" not in kept
    assert normalise(kind, kept) == kept


def test_a_personal_entry_is_made_once_and_in_no_audit_log(ben_member):
    before = AuditEntry.objects.count()

    first = add_personal(ben_member, DOMAIN, "Doctor.example")
    assert add_personal(ben_member, DOMAIN, "doctor.example") == first
    assert (first.membership, first.role, first.value, first.is_override) == (
        ben_member,
        None,
        "doctor.example",
        False,
    )
    remove_personal(first)

    assert not Exclusion.objects.exists()
    assert AuditEntry.objects.count() == before


def test_a_roles_entry_is_made_once_and_audited(ada_member):
    role, ada = ada_member.role, ada_member.user

    entry = add_for_role(role, DOMAIN, "competitor.example", ada)
    assert add_for_role(role, DOMAIN, "competitor.example", ada) == entry
    remove_from_role(entry, ada)

    entries = AuditEntry.objects.filter(action="exclusion.changed").order_by("id")
    assert [(each.actor, each.target, each.details) for each in entries] == [
        (ada, role.name, {"kind": "domain", "value": "competitor.example", "override": False, change: True})
        for change in ("added", "removed")
    ]


@pytest.mark.parametrize("value", ["noreply", "noreply@customer.example"])
def test_a_system_address_is_allowed_as_a_part_or_as_a_whole(ada_member, value):
    entry = add_override(ada_member.role, value.upper(), ada_member.user)

    assert (entry.value, entry.kind, entry.is_override) == (value, ADDRESS, True)


def test_an_address_is_on_one_list_only(ada_member):
    add_for_role(ada_member.role, ADDRESS, "noreply@customer.example", ada_member.user)

    with pytest.raises(ExclusionError):
        add_override(ada_member.role, "noreply@customer.example", ada_member.user)
