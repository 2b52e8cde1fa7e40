"""The Activity Log's pages, counts and changes."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from activity.counts import Count
from activity.models import Kind, ObjectType, Reason, StatusGroup, SyncJob, SyncState
from activity.queries.log import LogFilters, activity_log, is_settled, last_change
from activity.queries.log_counts import status_counts
from tests.activity.rows import GRACE, NOON, make_job

ALL = LogFilters()


def uuids(page) -> list:
    return [row.uuid for row in page.rows]


@pytest.fixture
def seven(ben_member) -> list[SyncJob]:
    """Ben's rows, newest first; the middle three were made in the same moment."""
    minutes = [0, 1, 2, 2, 2, 3, 4]
    return [make_job(ben_member, created_at=NOON + timedelta(minutes=minute)) for minute in minutes][::-1]


def test_pages_follow_one_another_in_both_directions(acme, ben_member, seven):
    expected = [job.uuid for job in seven]

    first = activity_log(acme, ALL, ben_member, size=3)
    second = activity_log(acme, ALL, ben_member, first.older, size=3)
    third = activity_log(acme, ALL, ben_member, second.older, size=3)

    assert uuids(first) + uuids(second) + uuids(third) == expected
    assert (first.newer, third.older) == (None, None)
    assert uuids(activity_log(acme, ALL, ben_member, before=third.newer, size=3)) == expected[3:6]
    back = activity_log(acme, ALL, ben_member, before=second.newer, size=3)
    assert (uuids(back), back.newer, back.older) == (expected[:3], None, expected[2])


def test_newer_with_less_than_a_page_above_is_the_first_page(acme, ben_member, seven):
    found = activity_log(acme, ALL, ben_member, before=seven[1].uuid, size=3)

    assert found == activity_log(acme, ALL, ben_member, size=3)


@pytest.mark.parametrize("direction", ["after", "before"])
def test_a_cursor_whose_row_is_gone_or_elsewhere_gives_the_first_page(
    acme, ben_member, cleo_member, seven, direction
):
    first = activity_log(acme, ALL, ben_member, size=3)

    for cursor in (uuid4(), make_job(cleo_member).uuid):
        assert activity_log(acme, ALL, ben_member, **{direction: cursor}, size=3) == first


def test_a_row_that_arrives_while_paging_moves_nothing(acme, ben_member, seven):
    first = activity_log(acme, ALL, ben_member, size=3)
    make_job(ben_member, created_at=NOON + timedelta(hours=1))

    second = activity_log(acme, ALL, ben_member, first.older, size=3)

    assert uuids(second) == [job.uuid for job in seven[3:6]]


def test_the_row_shows_what_the_columns_say(acme, ben_member):
    job = make_job(ben_member, SyncState.SKIPPED, kind=Kind.OPENED, reason=Reason.SWITCHED_OFF, subject="Opened: Hi")

    (row,) = activity_log(acme, ALL, ben_member, viewer=ben_member).rows

    assert (row.uuid, row.status, row.kind_label, row.object_type) == (
        job.uuid,
        StatusGroup.NOT_SYNCED,
        "Opened",
        "Task",
    )
    assert (row.recipient, row.subject, row.tone) == (GRACE, "Opened: Hi", "quiet")
    assert row.sentence == "“Opened” activities are switched off by the role."
    with timezone.override("Europe/Berlin"):
        assert (row.time, row.time_in_full) == ("20 Nov, 13:00", "20 November 2026, 13:00:00 CET")


def test_rows_of_others_and_of_other_workspaces_stay_out(acme, ada_member, ben_member, cleo_member):
    mine, his = make_job(ada_member), make_job(ben_member, created_at=NOON + timedelta(seconds=1))
    make_job(cleo_member)

    assert uuids(activity_log(acme, ALL, ada_member, viewer=ada_member)) == [mine.uuid]
    everybody = activity_log(acme, ALL, viewer=ada_member)
    assert [(row.uuid, row.member) for row in everybody.rows] == [(his.uuid, "Ben"), (mine.uuid, "Ada")]
    assert activity_log(acme, ALL, cleo_member).rows == ()


@pytest.fixture
def mixed(ben_member) -> dict[str, SyncJob]:
    """A row of each kind of state, a minute apart."""
    made = {
        "waiting": make_job(ben_member),
        "unknown": make_job(ben_member, SyncState.UNKNOWN),
        "held": make_job(ben_member, SyncState.HELD, reason=Reason.PLAN),
        "skipped": make_job(
            ben_member, SyncState.SKIPPED, reason=Reason.NO_MATCH, recipient="alan@bletchley.example"
        ),
        "failed": make_job(ben_member, SyncState.FAILED, reason=Reason.REJECTED, kind=Kind.OPENED),
        "synced": make_job(ben_member, SyncState.SYNCED, kind=Kind.MEETING_CONFIRMED),
    }
    for minute, job in enumerate(made.values()):
        job.created_at = NOON + timedelta(minutes=minute)
        job.save()
    return made


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (ALL, ["synced", "failed", "skipped", "held", "unknown", "waiting"]),
        (LogFilters(status="not_synced"), ["skipped", "held", "unknown", "waiting"]),
        (LogFilters(status="synced"), ["synced"]),
        (LogFilters(status="errors"), ["failed"]),
        (LogFilters(kind="opened"), ["failed"]),
        (LogFilters(object_type="Event"), ["synced"]),
        (LogFilters(reason="plan"), ["held"]),
        (LogFilters(reason="waiting"), ["waiting"]),
        (LogFilters(reason="unknown"), ["unknown"]),
        (LogFilters(reason="waiting", status="errors"), []),
        (LogFilters(recipient="alan@bletchley.example"), ["skipped"]),
        (LogFilters(recipient="bletchley.example"), ["skipped"]),
        (LogFilters(recipient="lan@b"), ["skipped"]),
        (LogFilters(recipient="a_an"), []),
        (LogFilters(recipient="%"), []),
        (LogFilters(since=NOON + timedelta(minutes=4)), ["synced", "failed"]),
        (LogFilters(until=NOON + timedelta(minutes=1)), ["waiting"]),
        (LogFilters(status="not_synced", kind="sent", recipient="grace"), ["held", "unknown", "waiting"]),
    ],
)
def test_filters(acme, ben_member, mixed, filters, expected):
    found = activity_log(acme, filters, ben_member, viewer=ben_member)

    assert uuids(found) == [mixed[name].uuid for name in expected]


def test_counts_hold_for_all_filters_but_the_status(acme, ben_member, ada_member, mixed):
    make_job(ada_member)

    assert status_counts(acme, LogFilters(status="errors"), ben_member) == {
        StatusGroup.NOT_SYNCED: Count(4),
        StatusGroup.SYNCED: Count(1),
        StatusGroup.ERRORS: Count(1),
    }
    assert count_all(acme, LogFilters(kind="opened"), ben_member) == Count(1)
    assert count_all(acme, ALL, viewer=ada_member) == Count(7)


def count_all(*args, **kwargs) -> Count:
    return sum(status_counts(*args, **kwargs).values(), Count())


@pytest.mark.parametrize(
    "filters",
    [
        ALL,
        *[LogFilters(kind=kind) for kind in Kind],
        *[LogFilters(object_type=each) for each in ObjectType],
        *[LogFilters(reason=reason) for reason in ("plan", "no_match", "rejected", "waiting", "unknown", "excluded")],
        LogFilters(since=NOON),
        LogFilters(since=NOON + timedelta(minutes=15)),
        LogFilters(until=NOON + timedelta(minutes=15)),
        LogFilters(until=NOON),
        LogFilters(recipient="grace"),
        LogFilters(kind="sent", object_type="Event"),
    ],
    ids=str,
)
def test_the_counts_are_those_of_the_rows(acme, ben_member, mixed, filters):
    rows = activity_log(acme, filters, ben_member, viewer=ben_member).rows
    counted = {group: sum(row.status == group for row in rows) for group in StatusGroup}

    found = status_counts(acme, filters, ben_member, viewer=ben_member)

    assert {group: count.number for group, count in found.items()} == counted


def test_what_a_search_finds_is_counted_no_further_than_a_thousand(acme, ben_member):
    job = make_job(ben_member)
    fields = {"workspace": acme, "activity": job.activity, "owner": ben_member, "kind": "sent", "object_type": "Task"}
    SyncJob.objects.bulk_create(
        SyncJob(**fields, recipient=f"g{number}@hopper.example", key=f"{number:026}") for number in range(1_000)
    )

    found = [status_counts(acme, LogFilters(recipient=text), ben_member) for text in ("hopper", "g1", "g7@")]

    assert [[str(count) for count in counts.values()] for counts in found] == [
        ["1,000+", "–", "–"],
        ["111", "0", "0"],
        ["1", "0", "0"],
    ]
    assert str(count_all(acme, LogFilters(recipient="hopper"), ben_member)) == "1,000+"
    assert str(count_all(acme, ALL, ben_member)) == "1,001"


def test_what_is_private_is_shown_to_its_owner_alone(acme, ada_member, ben_member):
    job = make_job(ben_member, SyncState.SKIPPED, private=True, reason=Reason.KEPT_PRIVATE, reason_detail="his rule")

    (for_ben,) = activity_log(acme, ALL, ben_member, viewer=ben_member).rows
    (for_ada,) = activity_log(acme, ALL, viewer=ada_member).rows

    assert (for_ben.recipient, for_ben.subject, for_ben.is_hidden) == (GRACE, job.subject, False)
    assert (for_ada.recipient, for_ada.subject, for_ada.reason, for_ada.detail, for_ada.sentence) == ("",) * 5
    assert (for_ada.uuid, for_ada.member, for_ada.is_hidden) == (job.uuid, "Ben", True)


def test_who_was_erased_has_no_number(acme, ben_member):
    make_job(ben_member, recipient="erased:17")

    assert [row.recipient for row in activity_log(acme, ALL, ben_member).rows] == ["an erased person"]


@pytest.mark.parametrize("everybody", [True, False])
def test_a_search_does_not_tell_what_is_private(acme, ada_member, ben_member, everybody):
    private = make_job(ben_member, private=True)
    open_one = make_job(ben_member)
    own_private = make_job(ada_member, private=True)
    filters = LogFilters(recipient="grace")
    owner = None if everybody else ben_member

    found = set(uuids(activity_log(acme, filters, owner, viewer=ada_member)))

    assert found == ({open_one.uuid, own_private.uuid} if everybody else {open_one.uuid})
    assert count_all(acme, filters, owner, viewer=ada_member) == Count(len(found))
    assert set(uuids(activity_log(acme, filters, ben_member, viewer=ben_member))) == {private.uuid, open_one.uuid}


def test_without_a_viewer_every_private_row_is_hidden(acme, ben_member):
    make_job(ben_member, private=True)

    assert [row.is_hidden for row in activity_log(acme, ALL, ben_member).rows] == [True]


def test_the_version_changes_when_a_row_comes_or_changes(acme, ben_member, seven):
    before = activity_log(acme, ALL, ben_member).version

    assert activity_log(acme, ALL, ben_member).version == before
    SyncJob.objects.filter(pk=seven[3].pk).update(changed_at=NOON + timedelta(hours=1))
    changed = activity_log(acme, ALL, ben_member).version
    make_job(ben_member)
    assert len({before, changed, activity_log(acme, ALL, ben_member).version}) == 3


def test_the_last_change_is_the_members_or_the_workspaces(acme, ada_member, ben_member, cleo_member):
    assert last_change(acme) is None
    assert last_change(acme, ben_member) is None
    make_job(ada_member, changed_at=NOON)
    make_job(ben_member, changed_at=NOON + timedelta(hours=1))
    make_job(cleo_member, changed_at=NOON + timedelta(hours=2))

    assert last_change(acme, ada_member) == NOON
    assert last_change(acme, ben_member) == last_change(acme) == NOON + timedelta(hours=1)


def test_a_change_is_settled_when_no_older_one_can_come_to_light():
    with time_machine.travel(NOON + timedelta(minutes=5), tick=False):
        assert is_settled(None)
        assert is_settled(NOON)
        assert not is_settled(NOON + timedelta(minutes=4))


@pytest.mark.parametrize("rows", [1, 3])
def test_a_page_takes_as_many_queries_for_one_row_as_for_many(
    acme, ada_member, ben_member, django_assert_num_queries, rows
):
    for _ in range(rows):
        last = make_job(ben_member)

    with django_assert_num_queries(1):
        assert len(activity_log(acme, ALL, ben_member, viewer=ben_member).rows) == rows
    with django_assert_num_queries(1):
        assert len(activity_log(acme, ALL, viewer=ada_member).rows) == rows
    with django_assert_num_queries(2):
        activity_log(acme, ALL, ben_member, last.uuid, viewer=ben_member)
    with django_assert_num_queries(1):
        status_counts(acme, ALL, viewer=ada_member)
    with django_assert_num_queries(1):
        last_change(acme)
