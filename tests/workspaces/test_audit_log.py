"""The audit log page and its paging."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.people import log_in
from workspaces import audit
from workspaces.audit_pages import detail_words, read_page
from workspaces.models import AuditEntry

PAGE = "/w/acme/admin/audit-log/"


@pytest.fixture
def long_log(acme, ada):
    """120 entries, three in every second, beside the one of the workspace's creation, which is older."""
    AuditEntry.objects.filter(workspace=acme).delete()
    start = datetime(2026, 11, 1, tzinfo=UTC)
    AuditEntry.objects.bulk_create(
        AuditEntry(
            workspace=acme,
            actor=ada,
            action="settings.saved",
            target=str(number),
            created_at=start + timedelta(seconds=number // 3),
        )
        for number in range(120)
    )


def targets(page):
    """The entries' targets."""
    return [entry.target for entry in page.entries]


def test_pages_follow_one_another_in_both_directions(acme, long_log):
    first = read_page(acme)
    second = read_page(acme, older_than=first.older)
    third = read_page(acme, older_than=second.older)
    everything = targets(first) + targets(second) + targets(third)
    assert [len(page.entries) for page in (first, second, third)] == [50, 50, 20]
    assert len(set(everything)) == 120
    assert [int(target) // 3 for target in everything] == [number // 3 for number in reversed(range(120))]
    assert (first.newer, third.older) == ("", "")
    assert read_page(acme, newer_than=third.newer) == second
    assert read_page(acme, newer_than=second.newer) == first


@pytest.mark.parametrize("cursor", ["", "x", "~", "2026-11-01~x", "2026-11-01T00:00:00~" + "0" * 32, "\0"])
def test_a_cursor_that_is_none_shows_the_newest(acme, long_log, cursor):
    assert read_page(acme, older_than=cursor) == read_page(acme)
    assert read_page(acme, newer_than=cursor) == read_page(acme)


def test_the_page_filters_by_action_and_person(acme, ada, ben, cleo):
    audit.record("settings.saved", workspace=acme, actor=ben, target="bens")
    audit.record("api_key.created", workspace=acme, actor=ada, target="key")
    browser = log_in(ada)

    def shown(**query):
        return [row["entry"].target for row in browser.get(PAGE, query).context["rows"]]

    assert shown(action="settings.saved") == ["bens"]
    assert shown(person=str(ben.uuid)) == ["bens", "ben@acme.example"]
    assert shown(person=str(ben.uuid), action="api_key.created") == []
    everything = ["key", "bens", "ben@acme.example", "Acme"]
    assert shown() == everything
    assert shown(action="nothing", person=str(cleo.uuid), older="junk") == everything
    assert shown(person="junk") == everything


def test_the_page_leads_on_and_keeps_the_filter(acme, ada, long_log):
    browser = log_in(ada)
    page = browser.get(PAGE, {"action": "settings.saved"})
    older = page.context["page"].older
    text = page.content.decode()
    assert 'rel="next"' in text
    assert "?action=settings.saved&amp;older=" in text
    second = browser.get(PAGE, {"action": "settings.saved", "older": older}).content.decode()
    assert 'rel="prev"' in second
    assert 'rel="next"' in second


def test_the_page_shows_what_was_done_in_words(acme, ada, ben, globex):
    audit.record("workspace.changed", workspace=acme, target="<Acme>", details={"retention_days": [15, 30]})
    text = log_in(ada).get(PAGE).content.decode()
    assert "Workspace settings changed" in text
    assert "&lt;Acme&gt;" in text
    assert "retention days: 15 → 30" in text
    assert "Globex" not in text


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({}, ""),
        ({"role": "Sales", "admin": True}, "role: Sales · admin: yes"),
        ({"admin": False}, "admin: no"),
        ({"own_domains": [[], ["a.example", "b.example"]]}, "own domains: none → a.example, b.example"),
        ({"kinds": ["sent", "opened", "clicked"]}, "kinds: sent, opened, clicked"),
        ({"version": 3}, "version: 3"),
        ({"former": "", "role": "Sales"}, "role: Sales"),
        ({"log_opened": [True, False]}, "log opened: yes → no"),
    ],
)
def test_details_in_words(details, words):
    assert detail_words(details) == words


def test_the_page_takes_as_many_queries_for_fifty_as_for_one(acme, ada, django_assert_num_queries):
    browser = log_in(ada)
    browser.get(PAGE)
    with django_assert_num_queries(7):
        browser.get(PAGE)
    for number in range(60):
        audit.record("settings.saved", workspace=acme, actor=ada, target=str(number))
    with django_assert_num_queries(7):
        browser.get(PAGE)
