"""Unresolved addresses."""

from datetime import timedelta
from itertools import chain

import pytest

from activity.exclusions import add_personal
from activity.models import ExclusionKind, KnownPerson, Reason, SyncJob, SyncState
from activity.queries.job import Candidate
from activity.queries.unresolved import Bounds, count_unresolved, unresolved, unresolved_jobs
from tests.activity.rows import GRACE, NOON, make_activity, make_job

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
    first = unresolved(ben_member, "hopper", bounds=Bounds(shown=3))
    second = unresolved(ben_member, "hopper", first.older, bounds=Bounds(shown=3))
    assert addresses(first) + addresses(second) == [f"person{n}@hopper.example" for n in (4, 3, 2, 1, 0)]
    assert second.older is None


@pytest.mark.parametrize("rows", [1, 3])
def test_queries_do_not_grow_with_rows(ben_member, django_assert_num_queries, rows):
    for number in range(rows):
        stuck(ben_member, f"person{number}@hopper.example")

    # the addresses, how many rows each has, who could be meant
    with django_assert_num_queries(3):
        assert len(unresolved(ben_member).addresses) == rows


def test_many_activities_are_not_counted_to_the_last(ben_member):
    activity = stuck(ben_member).activity
    SyncJob.objects.bulk_create(
        SyncJob(
            workspace=ben_member.workspace,
            activity=make_activity(ben_member) if number else activity,
            owner=ben_member,
            kind="sent",
            object_type="Task",
            recipient=ALAN,
            state=SyncState.SKIPPED,
            reason=Reason.NO_MATCH,
            key=f"{number:026}",
        )
        for number in range(100)
    )

    alan, grace = unresolved(ben_member).addresses
    assert [(each.address, each.activities, each.activities_shown) for each in (alan, grace)] == [
        (ALAN, 100, "99+"),
        (GRACE, 1, "1"),
    ]


# Three addresses are many here, and five rows too many to look at.
FEW = Bounds(shown=2, sorted=3, walked=5)


def walk_pages(viewer, search="", bounds=FEW) -> list[list[str]]:
    pages, after = [], None
    while True:
        page = unresolved(viewer, search, after, bounds)
        pages.append(addresses(page))
        after = page.older
        if after is None:
            return pages


def test_who_has_very_many_addresses_is_shown_each_once_newest_first(ben_member, ada_member):
    order = "abacaaaaaaadbeefacg"
    for minutes, name in enumerate(reversed(order)):
        stuck(ben_member, f"{name}@hopper.example", minutes=minutes)
    stuck(ada_member, "z@hopper.example", minutes=100)

    pages = walk_pages(ben_member)

    assert [address[0] for page in pages for address in page] == list("abcdefg")
    assert max(map(len, pages)) == 2


def test_search_goes_on_among_very_many_addresses(ben_member):
    for minutes, name in enumerate(["needle", *"xabcdefgh"]):
        stuck(ben_member, f"{name}@hopper.example", minutes=minutes)

    assert walk_pages(ben_member, "needle") == [[], ["needle@hopper.example"]]


def test_what_is_never_logged_is_passed_over_among_very_many_addresses(ben_member):
    for minutes, name in enumerate("abcdef"):
        stuck(ben_member, f"{name}@{'hopper' if name in 'ace' else 'bletchley'}.example", minutes=minutes)

    add_personal(ben_member, ExclusionKind.DOMAIN, "bletchley.example")

    assert list(chain(*walk_pages(ben_member))) == [f"{name}@hopper.example" for name in "eca"]


@pytest.mark.parametrize("bounds", [FEW, Bounds(shown=3)])
def test_rows_of_one_moment_are_not_lost_between_pages(ben_member, bounds):
    for name in "abcdefgh":
        stuck(ben_member, f"{name}@hopper.example")

    pages = walk_pages(ben_member, bounds=bounds)
    assert sorted(chain(*pages)) == [f"{name}@hopper.example" for name in "abcdefgh"]


def test_another_members_row_is_no_place_to_go_on_from(ben_member, ada_member):
    stuck(ben_member, minutes=5)
    theirs = stuck(ada_member)

    assert addresses(unresolved(ben_member, after=theirs.uuid)) == [GRACE]


@pytest.mark.parametrize(("people", "shown"), [(0, ""), (1, "1"), (9, "9"), (10, "9+"), (60, "9+")])
def test_the_number_beside_the_link(ben_member, ada_member, django_assert_num_queries, people, shown):
    stuck(ada_member)
    for number in range(people):
        stuck(ben_member, f"person{number}@hopper.example")
        stuck(ben_member, f"person{number}@hopper.example")

    with django_assert_num_queries(1):
        assert count_unresolved(ben_member) == shown


def test_the_number_leaves_out_what_is_never_logged(ben_member):
    for number in range(45):
        stuck(ben_member, f"person{number}@hopper.example")
    stuck(ben_member, "a@x.example")
    stuck(ben_member, ALAN)
    stuck(ben_member, "zoe@bletchley.example")
    add_personal(ben_member, ExclusionKind.DOMAIN, "hopper.example")
    add_personal(ben_member, ExclusionKind.ADDRESS, "a@x.example")

    # Two are left, of which the second stands behind the forty that were looked at.
    assert count_unresolved(ben_member) == "1+"


def test_jobs_of_an_address(ben_member, ada_member):
    mine = stuck(ben_member)
    stuck(ben_member, ALAN)
    stuck(ada_member)
    make_job(ben_member)

    assert list(unresolved_jobs(ben_member, GRACE)) == [mine]
    assert list(unresolved_jobs(ben_member, "")) == []
    add_personal(ben_member, ExclusionKind.DOMAIN, "hopper.example")
    assert list(unresolved_jobs(ben_member, GRACE)) == []
