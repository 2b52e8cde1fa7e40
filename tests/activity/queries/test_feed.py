"""The Live Feed: what is shown to whom, found by which search."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from activity.feed_search import parse_search
from activity.models import Kind, MemberSettings, Message, Participant, Reason, StatusGroup, SyncState
from activity.queries.feed import chart, last_news, live_feed
from tests.activity.rows import GRACE, NOON, TASK_ID, make_activity, make_job, make_message

ALAN = "alan@bletchley.example"


def feed(viewer, text="", **kwargs):
    return live_feed(viewer.workspace, parse_search(text, date(2026, 11, 20)), viewer, **kwargs)


def seen(viewer, text="") -> list:
    return [item.uuid for item in feed(viewer, text).items]


def test_everybodys_activities_newest_first_and_none_of_other_workspaces(ada_member, ben_member, cleo_member):
    older = make_activity(ada_member)
    newer = make_activity(ben_member, occurred_at=NOON + timedelta(minutes=1))
    make_activity(cleo_member)

    assert seen(ada_member) == [newer.uuid, older.uuid]
    assert [(item.member, item.is_own) for item in feed(ada_member).items] == [("Ben", False), ("Ada", True)]


def test_pages_follow_one_another(ben_member):
    made = [make_activity(ben_member, occurred_at=NOON + timedelta(minutes=n // 2)).uuid for n in range(5)][::-1]

    first = feed(ben_member, size=2)
    second = feed(ben_member, after=first.older, size=2)
    third = feed(ben_member, after=second.older, size=2)

    assert [item.uuid for page in (first, second, third) for item in page.items] == made
    assert third.older is None


def test_what_is_private_is_kept_private_and_not_found_by_its_content(ada_member, ben_member):
    job = make_job(ben_member, SyncState.SKIPPED, private=True, reason=Reason.KEPT_PRIVATE)

    (for_ada,), (for_ben,) = feed(ada_member).items, feed(ben_member).items
    assert (for_ada.who, for_ada.title, for_ada.detail, for_ada.reason, for_ada.sentence) == ("", "", "", "", "")
    assert (for_ada.status, for_ada.status_label, for_ada.job) == (None, "", None)
    assert (for_ada.is_hidden, for_ada.member, for_ada.kind_label) == (True, "Ben", "Sent")
    assert (for_ben.who, for_ben.title, for_ben.job, for_ben.is_hidden) == (GRACE, job.subject, job.uuid, False)
    for text in ("pricing", "subject:pricing", "to:grace", "from:ben", "is:unsynced"):
        assert (seen(ada_member, text), seen(ben_member, text)) == ([], [job.activity.uuid]), text
    assert (seen(ada_member, "is:private"), seen(ben_member, "is:private")) == ([], [job.activity.uuid])


def test_who_does_not_share_is_seen_by_nobody_else(ada_member, ben_member):
    made = make_activity(ben_member)
    MemberSettings.objects.create(membership=ben_member, share_in_feed=False)

    assert (seen(ada_member), seen(ben_member)) == ([], [made.uuid])


@pytest.fixture
def several(ada_member, ben_member) -> dict:
    """Activities that differ in what a search can ask for."""
    made = {
        "sent": make_job(ben_member, SyncState.SYNCED, subject="Price list").activity,
        "opened": make_job(ben_member, kind=Kind.OPENED, subject="Hello").activity,
        "alans": make_activity(ben_member, subject="Hello Alan", to=[ALAN]),
        "meeting": make_activity(ben_member, Kind.MEETING_CONFIRMED, subject="Kick-off"),
        "adas": make_activity(ada_member, subject="Something else"),
        "old": make_activity(ben_member, subject="Long ago", occurred_at=NOON - timedelta(days=5)),
    }
    for minute, name in enumerate(["adas", "meeting", "alans", "opened", "sent"]):
        made[name].occurred_at = NOON + timedelta(minutes=minute)
        made[name].save()
    return made


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["sent", "opened", "alans", "meeting", "adas", "old"]),
        ("is:opened", ["opened"]),
        ("is:opened is:meeting", ["opened", "meeting"]),
        ("is:unsynced", ["opened"]),
        (f"to:{ALAN}", ["alans"]),
        ("to:bletchley.example", ["alans"]),
        ("from:me", ["sent", "opened", "alans", "meeting", "old"]),
        ("from:ada", ["adas"]),
        ("from:everyone", ["sent", "opened", "alans", "meeting", "adas", "old"]),
        ("subject:hello", ["opened", "alans"]),
        ("subject:kick", ["meeting"]),
        ("alan", ["alans"]),
        ("to:me", []),
        ("to:everyone", ["sent", "opened", "alans", "meeting", "adas", "old"]),
        (f"to:{GRACE} is:meeting", ["meeting"]),
        ("to:everyone to:nobody-at-all", ["sent", "opened", "alans", "meeting", "adas", "old"]),
        ("ada", ["adas"]),
        ("hello is:opened", ["opened"]),
        ("sent:2026-11-15", ["old"]),
        ("sent:2026-11-15..2026-11-19", ["old"]),
        ("sent:..2026-11-19", ["old"]),
        ("sent:2026-11-16..", ["sent", "opened", "alans", "meeting", "adas"]),
        ("nothing-like-this", []),
    ],
)
def test_searches(ben_member, several, text, names):
    assert seen(ben_member, text) == [several[name].uuid for name in names]


def receive(member, kind: Kind, name: str, **fields):
    """Something that GRACE wrote to the member, which is logged for her."""
    message = Message.objects.create(workspace=member.workspace, message_id=f"{kind}@x", subject="Hi")
    Participant.objects.create(message=message, role="from", address=GRACE, name=name)
    Participant.objects.create(message=message, role="to", address=member.user.email)
    return make_job(member, activity=make_activity(member, kind, message=message, **fields), kind=kind).activity


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("hopper", True),
        ("GRACE", True),
        ("from:hopper", True),
        ("from:grace@hopper.example", True),
        ("from:ben", True),
        ("to:me", True),
        ("to:ben", True),
        ("to:grace", False),
        ("from:ada", False),
    ],
)
@pytest.mark.parametrize("kind", [Kind.RECEIVED, Kind.REPLIED])
def test_what_came_in_is_found_by_who_wrote_and_to_whom(ben_member, kind, text, is_found):
    made = receive(ben_member, kind, "Grace Hopper")

    assert seen(ben_member, text) == ([made.uuid] if is_found else [])


def test_meetings_are_found_by_who_attends(ben_member):
    made = make_activity(ben_member, Kind.MEETING_CONFIRMED, subject="Kick-off")
    made.meeting.attendees = [{"email": ALAN, "name": "Alan Türing", "status": "accepted"}]
    made.meeting.save()

    found = {text: seen(ben_member, text) == [made.uuid] for text in ("türing", "to:bletchley", "accepted", "email")}
    assert found == {"türing": True, "to:bletchley": True, "accepted": False, "email": False}


def test_files_are_found_by_their_name(ben_member):
    made = make_activity(ben_member, Kind.DOWNLOADED, file_name="Price list.pdf")

    assert seen(ben_member, '"price LIST"') == [made.uuid]


def test_what_stands_for_anything_in_patterns_stands_for_itself(ben_member):
    made = make_activity(ben_member, subject="50% off_now")
    make_activity(ben_member, subject="50 off now")

    assert (seen(ben_member, "50%"), seen(ben_member, "off_now")) == ([made.uuid], [made.uuid])


@pytest.mark.parametrize(
    ("kind", "fields", "title", "detail"),
    [
        (Kind.SENT, {}, "Pricing", ""),
        (Kind.SENT, {"subject": ""}, "(no subject)", ""),
        (Kind.CLICKED, {"url": "https://me:secret@acme.example/a/b/?token=secret#x"}, "Pricing", "acme.example/a/b"),
        (Kind.CLICKED, {"url": ""}, "Pricing", ""),
        (Kind.DOWNLOADED, {"file_name": "Offer.pdf"}, "Offer.pdf", ""),
        (Kind.MEETING_CONFIRMED, {}, "Pricing", "Fri, 20 Nov 2026, 13:00"),
    ],
)
def test_the_line_says_what_it_is_about(ben_member, kind, fields, title, detail):
    make_activity(ben_member, kind, **fields)

    with timezone.override("Europe/Berlin"):
        (item,) = feed(ben_member).items
    assert (item.title, item.detail) == (title, detail)


def test_who_was_erased_has_no_number(ben_member):
    make_job(ben_member, recipient="erased:17")

    assert feed(ben_member).items[0].who == "an erased person"


def test_a_search_with_few_matches_looks_at_so_many_at_once_and_goes_on_where_it_stopped(ben_member):
    """Six activities, looked at in two steps of one and two: the fourth of them is the one that matches."""
    made = [
        make_activity(ben_member, subject=f"Number {n}", occurred_at=NOON - timedelta(minutes=n)) for n in range(6)
    ]

    first = feed(ben_member, '"number 3"', steps=(1, 2))
    second = feed(ben_member, '"number 3"', steps=(1, 2), after=first.older)
    third = feed(ben_member, '"number 3"', steps=(1, 2), after=second.older)

    assert (first.items, first.older, first.looked_to, first.steps) == ((), made[2].uuid, made[2].occurred_at, 2)
    assert [item.uuid for item in second.items] == [made[3].uuid]
    assert (second.older, second.looked_to) == (made[5].uuid, made[5].occurred_at)
    assert (third.items, third.older, third.looked_to) == ((), None, None)


@pytest.mark.parametrize("steps", [(1, 1, 9), (2, 9), (9,)])
def test_whatever_the_steps_a_page_is_the_same(ben_member, steps):
    made = [make_activity(ben_member, subject="even" if n % 2 == 0 else "odd").uuid for n in range(6)][::-1]

    page = feed(ben_member, "odd", steps=steps, size=2)
    rest = feed(ben_member, "odd", steps=steps, size=2, after=page.older)

    assert ([item.uuid for item in page.items], page.older) == ([made[0], made[2]], made[2])
    assert ([item.uuid for item in rest.items], rest.older, rest.looked_to) == ([made[4]], None, None)


def test_what_is_silent_costs_no_more_than_what_does_not_match(ada_member, ben_member):
    MemberSettings.objects.create(membership=ben_member, share_in_feed=False)
    own = make_activity(ada_member, occurred_at=NOON - timedelta(days=1))
    silent = [make_activity(ben_member) for _ in range(3)]

    page = feed(ada_member, steps=(1, 1))
    assert (page.items, page.older) == ((), silent[1].uuid)
    assert [item.uuid for item in feed(ada_member, steps=(1, 9)).items] == [own.uuid]


def test_news_tell_of_rows_and_of_who_shares(ada_member, ben_member):
    def news() -> tuple[str, bool]:
        return last_news(ada_member.workspace, ada_member)

    told = [news()]
    job = make_job(ben_member)
    told.append(news())
    job.state, job.salesforce_id, job.changed_at = SyncState.SYNCED, TASK_ID, timezone.now()
    job.save()
    told.append(news())
    MemberSettings.objects.create(membership=ben_member, share_in_feed=False)
    told.append(news())

    assert len({stamp for stamp, _ in told}) == 4
    assert [is_settled for _, is_settled in told] == [True, True, False, False]


def test_days_are_those_of_the_persons_time_zone(ben_member):
    made = make_activity(ben_member, occurred_at=NOON.replace(hour=23, minute=30))

    with timezone.override("Europe/Berlin"):
        assert (seen(ben_member, "sent:2026-11-20"), seen(ben_member, "sent:2026-11-21")) == ([], [made.uuid])


def test_a_day_of_25_hours_is_whole(ben_member):
    """Berlin, 25 October 2026: summer time ends, the day lasts from 22:00 UTC of the 24th to 23:00 UTC."""
    first, last = datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 22, 59, 59, tzinfo=UTC)
    before, after = first - timedelta(seconds=1), last + timedelta(seconds=1)
    made = [make_activity(ben_member, occurred_at=at) for at in (before, first, last, after)]

    with timezone.override("Europe/Berlin"):
        assert seen(ben_member, "sent:2026-10-25") == [made[2].uuid, made[1].uuid]


def test_one_pixel_and_several_recipients_is_nobodys_name(ben_member):
    message = make_message(ben_member, "Pricing", [GRACE, ALAN])
    make_activity(ben_member, Kind.OPENED, message=message)
    make_activity(ben_member, Kind.OPENED, message=message, recipient=ALAN)
    make_activity(ben_member, Kind.SENT, message=message)

    items = feed(ben_member).items
    assert [(item.who, item.more) for item in items] == [(GRACE, 1), (ALAN, 0), ("a recipient", 0)]


def test_names_stand_where_they_are_known(ben_member):
    message = Message.objects.create(workspace=ben_member.workspace, message_id="1@x", subject="Hi")
    Participant.objects.create(message=message, role="from", address=GRACE, name="Grace Hopper")
    Participant.objects.create(message=message, role="to", address=ben_member.user.email)
    make_activity(ben_member, Kind.RECEIVED, message=message)

    (item,) = feed(ben_member).items
    assert (item.who, item.preposition, item.kind_label) == ("Grace Hopper", "from", "Received")


def test_what_a_machine_did_is_marked(ben_member):
    make_activity(ben_member, Kind.OPENED, by_machine=True)
    make_activity(ben_member, Kind.OPENED)

    assert sorted(item.by_machine for item in feed(ben_member).items) == [False, True]


def test_the_state_of_several_records_is_the_one_that_needs_most(ben_member):
    activity = make_job(ben_member, SyncState.SYNCED, recipient=GRACE).activity
    failed = make_job(
        ben_member, SyncState.FAILED, activity=activity, recipient=ALAN, reason=Reason.REJECTED, salesforce_id=""
    )

    (item,) = feed(ben_member).items
    assert (item.status, item.status_label, item.tone) == (StatusGroup.ERRORS, "1 of 2 synced", "bad")
    assert (item.job, item.reason) == (failed.uuid, "Rejected by Salesforce")
    assert item.sentence == "Salesforce did not accept it."


def test_colleagues_get_no_link_to_a_row_that_they_cannot_open(ada_member, ben_member):
    job = make_job(ada_member)

    (for_ben,), (for_ada,) = feed(ben_member).items, feed(ada_member).items
    assert (for_ben.job, for_ada.job) == (None, job.uuid)
    assert for_ben.status == StatusGroup.NOT_SYNCED


def test_the_version_changes_with_an_item_and_with_its_state(ben_member):
    job = make_job(ben_member)
    first = feed(ben_member).version
    job.changed_at += timedelta(seconds=1)
    job.save()
    second = feed(ben_member).version
    make_activity(ben_member)

    assert len({first, second, feed(ben_member).version}) == 3


def test_the_chart_counts_the_last_days(ada_member, ben_member, cleo_member):
    today = NOON.date()
    for days in (0, 0, 3, 14, 15):
        make_activity(ben_member, occurred_at=NOON - timedelta(days=days))
    make_activity(cleo_member)

    with time_machine.travel(NOON, tick=False):
        bars = chart(ada_member.workspace, ada_member, today)

    assert [bar.day for bar in bars] == [today - timedelta(days=days) for days in range(14, -1, -1)]
    assert [bar.count for bar in bars] == [1, *[0] * 10, 1, 0, 0, 2]
    assert (bars[-1].y, bars[-1].height, bars[0].height) == (4, 36, 18)


def test_the_chart_of_an_empty_workspace_is_flat(ada_member):
    assert {bar.height for bar in chart(ada_member.workspace, ada_member, NOON.date())} == {1}


@pytest.mark.parametrize("rows", [1, 3])
def test_queries_do_not_grow_with_rows(ben_member, django_assert_num_queries, rows):
    for _ in range(rows):
        make_job(ben_member)

    # who shares, what is looked at, activities, jobs, participants
    with django_assert_num_queries(5):
        assert len(feed(ben_member).items) == rows
