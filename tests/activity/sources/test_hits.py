"""Hits become activities: who did it, what is folded, what a machine did, and what is forgotten."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from activity.erasure import erase_address
from activity.models import (
    Activity,
    LoggingSettings,
    Message,
    Reason,
    SyncJob,
    TrackedCopy,
    TrackedMessage,
    TrackingHit,
)
from activity.retention import forget_old
from activity.sources.hits import LOCK, find_all, settle_hits
from activity.tracking.tokens import Purpose
from integrations.models import Connection
from tests.activity.stories import NORA, PETER, log, report, sent, states
from tests.activity.tracked import (
    APPLE_PROXY,
    FILE,
    OFFER,
    TERMS,
    happened,
    item,
    paths,
    register_one,
    settle,
    shift_hits,
    to_two,
    visit,
)
from tests.faults.random_tokens import probe
from tests.stand_in_fixtures import TestedStandIn
from workspaces import members
from workspaces.models import Membership, User, Workspace


def pixel_of(registered, number: int = 0) -> str:
    return paths(registered.copies[number].html, "o")[0]


def log_these(workspace: Workspace, **switches: bool) -> None:
    for role in workspace.roles.all():
        LoggingSettings.objects.update_or_create(role=role, defaults=switches)


# --- What becomes of them ---------------------------------------------------------------------------------


def test_an_open_a_click_and_a_download(acme_with_domain: Workspace, ben: User) -> None:
    html = register_one(acme_with_domain).copies[0].html
    for path in (paths(html, "o")[0], paths(html, "c")[0], paths(html, "d")[0]):
        visit(path)
    shift_hits(seconds=60)
    TrackingHit.objects.filter(purpose="c").update(at=timezone.now() - timedelta(seconds=50))
    TrackingHit.objects.filter(purpose="d").update(at=timezone.now() - timedelta(seconds=40))

    assert settle_hits() == 3
    activities = Activity.objects.order_by("occurred_at")
    assert list(activities.values_list("kind", "url", "file_name", "source", "owner__user__email", "by_machine")) == [
        ("opened", "", "", "tracking", "ben@acme.example", False),
        ("clicked", OFFER, "", "tracking", "ben@acme.example", False),
        ("downloaded", "", "list.pdf", "tracking", "ben@acme.example", False),
    ]
    assert {activity.message.message_id for activity in activities} == {"m1@acme.example"}
    assert set(SyncJob.objects.values_list("recipient", flat=True)) == {NORA}, "the only recipient there is"


def test_settling_waits_until_it_can_judge(acme_with_domain: Workspace, ben: User) -> None:
    visit(pixel_of(register_one(acme_with_domain)))

    assert (settle_hits(), happened()) == (0, [])
    assert (settle(), happened()) == (1, [("opened", "", False)])
    assert (settle(), happened()) == (0, [("opened", "", False)])


def test_each_recipient_is_known_by_their_own_copy(acme_with_domain: Workspace, ben: User) -> None:
    registered = register_one(acme_with_domain, to_two(pixel="per_recipient"))
    assert [copy.recipient for copy in registered.copies] == [NORA, PETER]
    visit(pixel_of(registered, 1))
    settle()
    visit(paths(registered.copies[0].html, "c")[1])
    settle()

    assert happened() == [("opened", PETER, False), ("clicked", NORA, False)]
    assert list(SyncJob.objects.order_by("pk").values_list("recipient", flat=True)) == [PETER, NORA]


def test_one_pixel_and_several_recipients_is_nobodys(acme_with_domain: Workspace, ben: User) -> None:
    log_these(acme_with_domain, log_opened=True)
    visit(pixel_of(register_one(acme_with_domain, to_two())))
    settle()

    assert happened() == [("opened", "", False)]
    assert states() == [("skipped", Reason.RECIPIENT_UNKNOWN)]


def test_repeated_hits_are_one_visit(acme_with_domain: Workspace, ben: User) -> None:
    path = pixel_of(register_one(acme_with_domain))
    for _ in range(3):
        visit(path)
    assert settle() == 1
    visit(path)
    assert settle() == 0
    shift_hits(minutes=10)
    visit(path)

    assert settle() == 1
    assert happened() == [("opened", "", False)] * 2


def test_other_links_and_other_copies_are_other_visits(acme_with_domain: Workspace, ben: User) -> None:
    registered = register_one(
        acme_with_domain, to_two(pixel="per_recipient", html=f'<a href="{OFFER}">x</a>', files=[])
    )
    for copy in registered.copies:
        visit(paths(copy.html, "o")[0])
        visit(paths(copy.html, "c")[0])

    assert settle() == 4


def test_a_member_who_left_gets_nothing(acme_with_domain: Workspace, ben_member: Membership) -> None:
    visit(pixel_of(register_one(acme_with_domain)))
    members.remove(ben_member, by=None)

    assert (settle(), happened()) == (0, [])
    assert not TrackingHit.objects.filter(settled_at=None).exists()


# --- Machines ---------------------------------------------------------------------------------------------


def test_a_head_request_is_a_machines(acme_with_domain: Workspace, ben: User) -> None:
    registered = register_one(acme_with_domain)
    visit(pixel_of(registered), method="head")
    visit(paths(registered.copies[0].html, "c")[0], method="head")
    settle()

    assert sorted(happened()) == [("clicked", "", True), ("opened", "", True)]


def test_a_machine_hides_no_person(acme_with_domain: Workspace, ben: User) -> None:
    """The proxy loads the pixel first, Nora a minute later: both are seen."""
    path = pixel_of(register_one(acme_with_domain))
    visit(path, agent=APPLE_PROXY)
    settle()
    visit(path)
    settle()

    assert sorted(happened()) == [("opened", "", False), ("opened", "", True)]


def test_right_after_sending_only_machines_open(acme_with_domain: Workspace, ben: User) -> None:
    path = pixel_of(register_one(acme_with_domain, ago=65))
    visit(path)
    settle()

    assert happened() == [("opened", "", True)]


def test_the_report_says_when_it_was_sent(acme_with_domain: Workspace, ben: User) -> None:
    """Registered for an hour, sent a moment ago: what came before was Ben's own preview."""
    path = pixel_of(register_one(acme_with_domain))
    visit(path)
    TrackingHit.objects.update(at=timezone.now() - timedelta(seconds=30))
    report(acme_with_domain, sent())
    Activity.objects.update(occurred_at=timezone.now())
    settle_hits()

    assert sorted(happened()) == [("opened", "", True), ("sent", "", False)]


def test_a_wrong_clock_of_the_sender_makes_nobody_a_machine(acme_with_domain: Workspace, ben: User) -> None:
    path = pixel_of(register_one(acme_with_domain))
    report(acme_with_domain, sent())
    Activity.objects.update(
        occurred_at=timezone.now() + timedelta(days=1), created_at=timezone.now() - timedelta(minutes=30)
    )
    visit(path)
    settle()

    assert ("opened", "", False) in happened()


def test_who_follows_all_links_at_once_is_a_scanner(acme_with_domain: Workspace, ben: User) -> None:
    html = register_one(acme_with_domain).copies[0].html
    for path in (*paths(html, "c"), *paths(html, "d"), *paths(html, "o")):
        visit(path)
    settle()

    assert {by_machine for _, _, by_machine in happened()} == {True}
    assert len(happened()) == 4


def test_machines_stay_out_of_salesforce_unless_the_role_wants_them(acme_with_domain: Workspace, ben: User) -> None:
    log_these(acme_with_domain, log_opened=True)
    first, second = register_one(acme_with_domain), register_one(acme_with_domain, item(id="2"))
    visit(pixel_of(first), agent=APPLE_PROXY)
    settle()
    log_these(acme_with_domain, log_machine_opens=True)
    visit(pixel_of(second), agent=APPLE_PROXY)
    settle()

    assert states() == [("skipped", Reason.MACHINE), ("held", Reason.NO_SYNC_USER)]


# --- All the way ------------------------------------------------------------------------------------------


def test_an_open_becomes_a_task(
    acme: Workspace, bens_connection: Connection, salesforce: TestedStandIn, ben_member: Membership
) -> None:
    log_these(acme, log_opened=True, log_clicked=True)
    html = register_one(acme).copies[0].html
    report(acme, sent(1))
    visit(paths(html, "o")[0])
    settle()
    visit(paths(html, "c")[1])
    settle()
    log(bens_connection)

    tasks = [record["Subject"] for record in salesforce.org.rows("Task")]
    assert sorted(tasks) == [f"Clicked: {TERMS}", "Opened: Offer 1", "Sent (New): Offer 1"]


# --- What is forgotten ------------------------------------------------------------------------------------


def test_a_message_is_known_while_its_links_work(acme_with_domain: Workspace, ben: User) -> None:
    path = pixel_of(register_one(acme_with_domain))
    old = timezone.now() - timedelta(days=100)
    Message.objects.update(created_at=old)
    forget_old()
    assert Message.objects.exists()

    TrackedMessage.objects.update(expires_at=timezone.now())
    visit(path)
    forget_old()
    assert (TrackedMessage.objects.count(), TrackedCopy.objects.count(), TrackingHit.objects.count()) == (0, 0, 0)
    assert not Message.objects.exists()


def test_hits_are_forgotten_after_an_hour(acme_with_domain: Workspace, ben: User) -> None:
    visit(pixel_of(register_one(acme_with_domain)))
    settle()
    TrackingHit.objects.update(settled_at=timezone.now() - timedelta(hours=2))
    settle_hits()

    assert not TrackingHit.objects.exists()


@pytest.mark.parametrize("pixel", ["one", "per_recipient"])
def test_nothing_more_is_noted_of_somebody_who_was_erased(acme_with_domain: Workspace, ben: User, pixel: str) -> None:
    """Nor is what they do taken for the other recipient's."""
    registered = register_one(acme_with_domain, to_two(pixel=pixel))
    erase_address(acme_with_domain, PETER)
    answer = visit(paths(registered.copies[-1].html, "c")[0])
    visit(pixel_of(registered, -1))

    assert (answer.status_code, answer["Location"]) == (302, OFFER)
    assert not TrackingHit.objects.exists()
    assert PETER not in repr(list(TrackedCopy.objects.values()))


def test_nothing_of_a_request_is_kept_but_its_time(acme_with_domain: Workspace, ben: User) -> None:
    visit(pixel_of(register_one(acme_with_domain)), agent="canary-agent", Referer="https://canary.example/")

    assert "canary" not in repr(list(TrackingHit.objects.values()))


# --- Tokens -----------------------------------------------------------------------------------------------


def test_random_tokens_hit_nothing(acme_with_domain: Workspace, ben: User) -> None:
    """A sample; tests/faults/random_tokens.py tries a million."""
    register_one(acme_with_domain, to_two(pixel="per_recipient"))

    assert probe(2_000) == 0


def test_a_probe_would_find_what_there_is(acme_with_domain: Workspace, ben: User) -> None:
    html = register_one(acme_with_domain).copies[0].html
    tokens = [path.rpartition("/")[2] for path in (*paths(html, "c"), *paths(html, "d"))]

    assert [found.url for found in find_all(Purpose.CLICK, tokens)] == [OFFER, TERMS]
    assert [found.url for found in find_all(Purpose.DOWNLOAD, tokens)] == [FILE]
    assert find_all(Purpose.OPEN, tokens) == []


# --- When things go wrong ---------------------------------------------------------------------------------


def test_one_workspaces_fault_does_not_stop_the_others(
    acme_with_domain: Workspace, ben: User, globex: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    """Acme's target is gone, which cannot be: its hit waits, Globex's is settled."""
    html = register_one(acme_with_domain).copies[0].html
    other = register_one(globex, item(user="cleo@globex.example"))
    visit(paths(html, "c")[0])
    visit(pixel_of(other))
    TrackedMessage.objects.filter(workspace=acme_with_domain).update(targets=[])

    assert settle() == 1
    assert [activity.workspace for activity in Activity.objects.all()] == [globex]
    assert TrackingHit.objects.get(settled_at=None).purpose == "c"
    assert "could not be turned into activities" in caplog.text


def test_two_workers_do_not_settle_the_same(acme_with_domain: Workspace, ben: User) -> None:
    visit(pixel_of(register_one(acme_with_domain)))
    with database_of_another_worker() as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK, acme_with_domain.pk])
        assert settle() == 0
        other.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK, acme_with_domain.pk])

    assert settle() == 1


@contextmanager
def database_of_another_worker() -> Iterator[CursorWrapper]:
    """A cursor on a connection of its own."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            yield cursor
    finally:
        other.close()
