"""Unresolved addresses."""

from datetime import timedelta

import pytest

from activity.exclusions import add_personal
from activity.models import ExclusionKind, KnownPerson, Reason, SyncState
from activity.queries.job import Candidate
from activity.queries.unresolved import unresolved
from tests.activity.rows import GRACE, NOON, make_job

ALAN = "alan@bletchley.example"


def stuck(owner, address=GRACE, reason=Reason.NO_MATCH, minutes=0, **fields):
    return make_job(
        owner,
        SyncState.SKIPPED,
        reason=reason,
        recipient=address,
        created_at=NOON + timedelta(minutes=minutes),
        **fields,
    )


def addresses(page) -> list[str]:
    return [entry.address for entry in page.addresses]


def test_addresses_with_their_activities_and_candidates(acme, ben_member):
    stuck(ben_member)
    stuck(ben_member, minutes=2)
    stuck(ben_member, ALAN, Reason.AMBIGUOUS, minutes=1)
    people = [{"id": "003A", "kind": "Contact", "name": "Alan"}, {"id": "00QB", "kind": "Lead", "name": "Alan T."}]
    KnownPerson.objects.create(workspace=acme, address=ALAN, candidates=people, fetched_at=NOON)

    grace, alan = unresolved(ben_member).addresses

    assert (grace.address, grace.activities, grace.last_at) == (GRACE, 2, NOON + timedelta(minutes=2))
    assert (grace.candidates, grace.domain) == ((), "hopper.example")
    assert alan.candidates == (Candidate("003A", "Contact", "Alan", ""), Candidate("00QB", "Lead", "Alan T.", ""))


def test_only_ones_own_and_only_what_is_unresolved(ada_member, ben_member, cleo_member):
    stuck(ada_member)
    stuck(cleo_member)
    make_job(ben_member, SyncState.SKIPPED, reason=Reason.SWITCHED_OFF)
    make_job(ben_member)
    stuck(ben_member, "")

    assert addresses(unresolved(ben_member)) == []
    assert addresses(unresolved(ada_member)) == [GRACE]


def test_what_is_never_logged_does_not_come_up_again(ben_member):
    stuck(ben_member)
    stuck(ben_member, ALAN)
    stuck(ben_member, "ada@sub.bletchley.example")

    add_personal(ben_member, ExclusionKind.ADDRESS, GRACE)
    assert set(addresses(unresolved(ben_member))) == {ALAN, "ada@sub.bletchley.example"}
    add_personal(ben_member, ExclusionKind.DOMAIN, "bletchley.example")
    assert addresses(unresolved(ben_member)) == []


def test_search_and_paging(ben_member):
    for number in range(5):
        stuck(ben_member, f"person{number}@hopper.example", minutes=number)
    stuck(ben_member, ALAN)

    assert addresses(unresolved(ben_member, "bletch")) == [ALAN]
    first = unresolved(ben_member, "hopper", size=3)
    second = unresolved(ben_member, "hopper", first.older, size=3)
    assert addresses(first) + addresses(second) == [f"person{n}@hopper.example" for n in (4, 3, 2, 1, 0)]
    assert second.older is None


@pytest.mark.parametrize("rows", [1, 3])
def test_queries_do_not_grow_with_rows(ben_member, django_assert_num_queries, rows):
    for number in range(rows):
        stuck(ben_member, f"person{number}@hopper.example")

    with django_assert_num_queries(3):
        assert len(unresolved(ben_member).addresses) == rows
