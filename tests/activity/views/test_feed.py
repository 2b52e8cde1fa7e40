"""The Live Feed's page."""

from datetime import timedelta

import pytest
from django.utils import timezone

from activity.models import Activity, Kind, SyncState
from activity.own_settings import save_sharing
from activity.queries.feed import STEPS
from tests.activity.rows import GRACE, NOON, make_activity, make_job
from tests.people import log_in

FEED = "/w/acme/live-feed/"
HTMX = {"HX-Request": "true"}


def items_of(response) -> list:
    return [item.uuid for item in response.context["page"].items]


def test_it_works(ben, ben_member):
    job = make_job(ben_member, SyncState.SYNCED, subject="Pricing")

    response = log_in(ben).get(FEED)
    content = response.content.decode()

    assert items_of(response) == [job.activity.uuid]
    assert f"/w/acme/activity-log/{job.uuid}/" in content
    assert GRACE in content
    assert "<svg viewBox" in content
    assert "style=" not in content


def test_what_is_private_stays_private(ada, ben_member):
    make_job(ben_member, private=True, subject="My diagnosis")

    content = log_in(ada).get(FEED).content.decode()

    assert "kept private" in content
    assert "My diagnosis" not in content
    assert GRACE not in content


def test_a_search_stands_in_the_address_and_says_what_it_does_not_know(ben, ben_member):
    make_activity(ben_member)
    opened = make_activity(ben_member, Kind.OPENED)

    response = log_in(ben).get(FEED, {"q": "is:opened is:nonsense"})

    assert items_of(response) == [opened.uuid]
    assert "“is:nonsense” is not known." in response.content.decode()


def test_an_empty_feed_and_an_empty_search_say_different_things(ben, ben_member):
    browser = log_in(ben)
    assert b"Nothing here yet" in browser.get(FEED).content
    make_activity(ben_member)
    assert b"Nothing matches" in browser.get(FEED, {"q": "nonsense"}).content


@pytest.mark.parametrize("query", [{"q": "x" * 501}, {"q": "a\0b"}, {"after": "nonsense"}, {"q": "%'\"("}])
def test_odd_addresses_break_nothing(ben, ben_member, query):
    make_activity(ben_member)

    assert log_in(ben).get(FEED, query).status_code == 200


def test_pages_are_linked_with_the_search_and_only_the_first_goes_on_by_itself(ben, ben_member):
    for second in range(51):
        make_activity(ben_member, occurred_at=NOON + timedelta(seconds=second))
    browser = log_in(ben)

    first = browser.get(FEED, {"q": "is:sent"})
    second = browser.get(first.context["older_url"])

    assert (len(items_of(first)), len(items_of(second))) == (50, 1)
    assert second.context["newest_url"] == f"{FEED}?q=is%3Asent"
    assert (bool(first.context["live_url"]), second.context["live_url"]) == (True, "")


def test_the_open_page_follows_activities_and_their_states(ben, ben_member):
    job = make_job(ben_member)
    browser = log_in(ben)
    live = browser.get(FEED, {"q": "is:sent"}).context["live_url"]
    assert browser.get(live, headers=HTMX).status_code == 204

    job.state, job.salesforce_id, job.changed_at = SyncState.SYNCED, "00T000000000001AAA", timezone.now()
    job.save()
    changed = browser.get(live, headers=HTMX)
    assert (changed.status_code, b"<html" in changed.content, b"Synced" in changed.content) == (200, False, True)

    new = make_activity(ben_member, occurred_at=NOON + timedelta(hours=1))
    assert items_of(browser.get(changed.context["live_url"], headers=HTMX)) == [new.uuid, job.activity.uuid]


def test_nothing_is_read_while_nothing_happens(ben, ben_member, django_assert_num_queries):
    """Of a change that is long settled the open page learns by a few probes: the list itself is not read."""
    make_job(ben_member)
    browser = log_in(ben)
    live = browser.get(FEED, {"q": "is:sent"}).context["live_url"]

    # session, person, membership; last change, who shares
    with django_assert_num_queries(5):
        assert browser.get(live, headers=HTMX).status_code == 204


def test_who_stops_sharing_vanishes_from_open_pages(ada, ada_member, ben_member):
    make_job(ben_member)
    browser = log_in(ada)
    live = browser.get(FEED).context["live_url"]

    save_sharing(ben_member, False)

    assert items_of(browser.get(live, headers=HTMX)) == []


def test_a_search_that_costs_much_asks_less_often(ben, ben_member):
    """More activities than the first steps look at, and none of them matches."""
    message = make_activity(ben_member).message
    same = {"workspace": ben_member.workspace, "owner": ben_member, "occurred_at": NOON, "source": "api"}
    Activity.objects.bulk_create(Activity(**same, kind=Kind.OPENED, message=message) for _ in range(sum(STEPS[:3])))
    browser = log_in(ben)

    found, rare = browser.get(FEED, {"q": "is:opened"}), browser.get(FEED, {"q": "is:bounced"})

    assert (found.context["live_seconds"], rare.context["live_seconds"]) == (3, 15)
    assert 'hx-trigger="every 15s, live:refresh"' in rare.content.decode()


def test_a_search_too_long_to_read_says_so(ben, ben_member):
    make_activity(ben_member)

    content = log_in(ben).get(FEED, {"q": "x" * 501}).content.decode()

    assert "This search is not understood: it can have 500 characters at most." in content


def test_beyond_the_last_there_is_a_way_back(ben, ben_member):
    last = make_activity(ben_member)

    response = log_in(ben).get(FEED, {"after": last.uuid})

    assert "There is nothing older." in response.content.decode()
    assert response.context["newest_url"] == FEED


def test_htmx_gets_what_depends_on_the_search_alone(ben, ben_member):
    assert log_in(ben).get(FEED, headers=HTMX).templates[0].name == "activity/_found.html"


@pytest.mark.parametrize("page", [FEED, f"{FEED}live/"])
def test_outsiders_stay_out(client, cleo, acme, page):
    assert log_in(cleo).get(page).status_code == 404
    assert client.get(page).status_code == 302


@pytest.mark.parametrize("rows", [1, 3])
def test_queries_do_not_grow_with_rows(ben, ben_member, django_assert_num_queries, rows):
    for _ in range(rows):
        make_job(ben_member)
    browser = log_in(ben)
    browser.get(FEED)

    # session, person, membership; last change, who shares (twice), what is looked at, activities, jobs,
    # participants; saved searches; chart (two), workspaces, the number of the unresolved
    with django_assert_num_queries(15):
        browser.get(FEED)
