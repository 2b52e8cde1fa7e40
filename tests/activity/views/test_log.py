"""The Activity Log's page, its live part and its export."""

import csv
import io
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.utils import timezone

from activity.models import Kind, Reason, SyncState
from tests.activity.rows import GRACE, NOON, make_job
from tests.people import log_in

LOG = "/w/acme/activity-log/"
LIVE, EXPORT = f"{LOG}live/", f"{LOG}export/"
HTMX = {"HX-Request": "true"}


def rows_of(response) -> list:
    return [row.uuid for row in response.context["page"].rows]


def test_it_works(ben, ben_member):
    job = make_job(ben_member, SyncState.SKIPPED, reason=Reason.NO_MATCH)

    response = log_in(ben).get(LOG)

    assert response.status_code == 200
    assert response.templates[0].name == "activity/log.html"
    assert rows_of(response) == [job.uuid]
    assert b"Nobody in Salesforce has this address." in response.content
    assert f'href="{LOG}{job.uuid}/"'.encode() in response.content
    assert b"style=" not in response.content
    assert b"<script>" not in response.content


def test_the_time_is_the_persons(ben, ben_member):
    ben.time_zone = "America/New_York"
    ben.save()
    make_job(ben_member)

    assert b">20 Nov, 07:00<" in log_in(ben).get(LOG).content


def test_a_member_sees_only_the_own_rows_whatever_the_address_says(ada_member, ben, ben_member):
    his = make_job(ben_member)
    make_job(ada_member)

    for whose in ("everyone", str(ada_member.uuid), "nonsense"):
        assert rows_of(log_in(ben).get(LOG, {"whose": whose})) == [his.uuid]


def test_an_admin_sees_own_rows_everybodys_or_one_members(ada, ada_member, ben_member, cleo_member):
    hers, his = make_job(ada_member), make_job(ben_member, created_at=NOON + timedelta(seconds=1))
    make_job(cleo_member)
    browser = log_in(ada)

    assert rows_of(browser.get(LOG)) == [hers.uuid]
    everybody = browser.get(LOG, {"whose": "everyone"})
    assert rows_of(everybody) == [his.uuid, hers.uuid]
    assert b'<td data-label="Member">Ben</td>' in everybody.content
    assert rows_of(browser.get(LOG, {"whose": str(ben_member.uuid)})) == [his.uuid]
    assert rows_of(browser.get(LOG, {"whose": str(cleo_member.uuid)})) == [hers.uuid]


def test_a_private_row_shows_an_admin_neither_recipient_nor_subject_nor_link(ada, ben_member):
    job = make_job(ben_member, private=True, subject="Sent (New): My diagnosis")

    content = log_in(ada).get(LOG, {"whose": "everyone"}).content.decode()

    assert "kept private" in content
    assert GRACE not in content
    assert "My diagnosis" not in content
    assert f"{LOG}{job.uuid}/" not in content


@pytest.mark.parametrize(
    "query",
    [
        {"status": "errors"},
        {"activity": "opened"},
        {"type": "Event"},
        {"reason": "plan"},
        {"recipient": " <ALAN@bletchley> "},
        {"since": "2026-11-21"},
        {"until": "2026-11-19"},
    ],
)
def test_each_filter_stands_in_the_address(ben, ben_member, query):
    make_job(ben_member)
    wanted = {
        "status": {"state": SyncState.FAILED, "reason": Reason.REJECTED},
        "activity": {"kind": Kind.OPENED},
        "type": {"kind": Kind.MEETING_CONFIRMED},
        "reason": {"state": SyncState.HELD, "reason": Reason.PLAN},
        "recipient": {"recipient": "alan@bletchley.example"},
        "since": {"created_at": NOON + timedelta(days=1)},
        "until": {"created_at": NOON - timedelta(days=1)},
    }[next(iter(query))]
    if "recipient" in query:
        query = {"recipient": " <ALAN@bletchley.example> "}
    found = make_job(ben_member, **wanted)

    assert rows_of(log_in(ben).get(LOG, query)) == [found.uuid]


def test_days_are_whole_days_where_the_person_lives(ben, ben_member):
    ben.time_zone = "Europe/Berlin"
    ben.save()
    late = make_job(ben_member, created_at=NOON.replace(hour=23, minute=30))
    browser = log_in(ben)

    assert rows_of(browser.get(LOG, {"since": "2026-11-21", "until": "2026-11-21"})) == [late.uuid]
    assert rows_of(browser.get(LOG, {"until": "2026-11-20"})) == []


@pytest.mark.parametrize(
    "query",
    [
        {"status": "nonsense"},
        {"activity": "x\0"},
        {"type": "Lead"},
        {"reason": "'--"},
        {"recipient": "a\0b"},
        {"recipient": "x" * 400},
        {"since": "soon"},
        {"until": "9999-12-32"},
        {"after": "nonsense"},
        {"before": "1"},
    ],
)
def test_what_is_not_understood_filters_nothing(ben, ben_member, query):
    job = make_job(ben_member)

    assert rows_of(log_in(ben).get(LOG, query)) == [job.uuid]


@pytest.mark.parametrize("query", [{"since": "0001-01-01"}, {"until": "9999-12-31"}, {"since": "9999-12-31"}])
def test_days_at_the_end_of_the_calendar_break_nothing(ben, query):
    assert log_in(ben).get(LOG, query).status_code == 200


def test_an_empty_log_says_what_will_come_and_a_filtered_one_how_to_clear_it(ben, ben_member):
    browser = log_in(ben)
    assert b"Nothing here yet" in browser.get(LOG).content

    make_job(ben_member)
    nothing = browser.get(LOG, {"activity": "opened"})
    assert b"Nothing matches" in nothing.content
    assert nothing.context["clear_url"] == LOG


def test_counts_keep_the_other_filters(ben, ben_member):
    make_job(ben_member)
    make_job(ben_member, SyncState.SYNCED, kind=Kind.OPENED)

    stats = log_in(ben).get(LOG, {"activity": "opened", "status": "errors"}).context["stats"]

    assert [(stat["label"], str(stat["value"]), stat["current"]) for stat in stats] == [
        ("All", "1", False),
        ("Not Synced", "0", False),
        ("Synced", "1", False),
        ("Errors", "0", True),
    ]
    assert parse_qs(urlsplit(stats[2]["href"]).query) == {"activity": ["opened"], "status": ["synced"]}


def test_pages_are_linked_and_keep_the_filters(ben, ben_member):
    jobs = [make_job(ben_member, created_at=NOON + timedelta(seconds=second)) for second in range(51)][::-1]
    browser = log_in(ben)

    first = browser.get(LOG, {"activity": "sent"})
    second = browser.get(first.context["older_url"])

    assert rows_of(first) == [job.uuid for job in jobs[:50]]
    assert rows_of(second) == [jobs[50].uuid]
    assert "activity=sent" in second.context["newer_url"]
    assert rows_of(browser.get(second.context["newer_url"])) == rows_of(first)
    assert (first.context["newer_url"], second.context["older_url"]) == ("", "")
    assert (bool(first.context["live_url"]), second.context["live_url"]) == (True, "")


def test_htmx_gets_the_list_alone(ben, ben_member):
    make_job(ben_member)

    response = log_in(ben).get(LOG, headers=HTMX)

    assert response.templates[0].name == "activity/_log.html"
    assert b"<html" not in response.content


def test_a_post_is_refused(ben):
    assert log_in(ben).post(LOG).status_code == 405


@pytest.mark.parametrize("page", [LOG, LIVE, EXPORT])
def test_outsiders_and_strangers_stay_out(client, cleo, acme, page):
    assert log_in(cleo).get(page).status_code == 404
    assert client.get(page).status_code == 302


class TestLive:
    """What the open page asks for every few seconds."""

    @pytest.fixture
    def browser(self, ben):
        return log_in(ben)

    def test_nothing_new_is_an_empty_answer_for_one_probe(self, browser, ben_member, django_assert_num_queries):
        make_job(ben_member)
        live = browser.get(LOG).context["live_url"]

        with django_assert_num_queries(4):  # session, person, membership, the probe
            response = browser.get(live, headers=HTMX)

        assert (response.status_code, response.content) == (204, b"")

    def test_a_fresh_change_is_looked_at_but_told_only_when_it_shows(self, browser, ben_member):
        make_job(ben_member, changed_at=timezone.now())
        live = browser.get(LOG).context["live_url"]

        assert browser.get(live, headers=HTMX).status_code == 204

    def test_a_new_row_and_a_change_are_told(self, browser, ben_member):
        job = make_job(ben_member, SyncState.UNKNOWN)
        live = browser.get(LOG).context["live_url"]
        job.state, job.salesforce_id, job.changed_at = SyncState.SYNCED, "00T000000000001AAA", timezone.now()
        job.save()

        changed = browser.get(live, headers=HTMX)
        assert (changed.status_code, changed.templates[0].name) == (200, "activity/_log.html")
        assert [row.state for row in changed.context["page"].rows] == ["synced"]

        new = make_job(ben_member, created_at=NOON + timedelta(hours=1), changed_at=timezone.now())
        assert rows_of(browser.get(changed.context["live_url"], headers=HTMX)) == [new.uuid, job.uuid]

    def test_a_change_that_comes_to_light_late_is_told_too(self, browser, ben_member):
        now = timezone.now()
        first, late = make_job(ben_member, changed_at=now), make_job(ben_member)
        live = browser.get(LOG).context["live_url"]
        late.changed_at = now - timedelta(seconds=30)
        late.save()

        assert set(rows_of(browser.get(live, headers=HTMX))) == {first.uuid, late.uuid}

    def test_the_filters_hold_and_others_rows_make_no_noise(self, browser, ada_member, ben_member):
        opened = make_job(ben_member, kind=Kind.OPENED)
        live = browser.get(LOG, {"activity": "opened"}).context["live_url"]
        make_job(ada_member, changed_at=timezone.now())
        assert browser.get(live, headers=HTMX).status_code == 204

        make_job(ben_member, changed_at=timezone.now())
        assert rows_of(browser.get(live, headers=HTMX)) == [opened.uuid]

    def test_a_row_that_leaves_the_filter_leaves_the_list(self, browser, ben_member):
        job = make_job(ben_member)
        live = browser.get(LOG, {"status": "not_synced"}).context["live_url"]
        job.state, job.salesforce_id, job.changed_at = SyncState.SYNCED, "00T000000000001AAA", timezone.now()
        job.save()

        response = browser.get(live, headers=HTMX)
        assert (response.status_code, rows_of(response)) == (200, [])

    @pytest.mark.parametrize("version", ["", "x", ".", "a.b.c", "01a208a3-868a-78da-9a13-16fef563cffc"])
    def test_an_odd_version_gets_the_list(self, browser, ben_member, version):
        make_job(ben_member)

        assert browser.get(LIVE, {"v": version}, headers=HTMX).status_code == 200


class TestExport:
    """The list as CSV."""

    def table(self, browser, **query) -> list[list[str]]:
        response = browser.get(EXPORT, query)
        text = b"".join(response.streaming_content).decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text)))

    def test_it_holds_the_filtered_rows_in_the_persons_time(self, ben, ben_member):
        ben.time_zone = "Europe/Berlin"
        ben.save()
        make_job(ben_member)
        make_job(ben_member, SyncState.SKIPPED, kind=Kind.OPENED, reason=Reason.NO_MATCH, subject="Opened: Hi")

        assert self.table(log_in(ben), activity="opened") == [
            ["Status", "Time", "Activity", "Type", "Recipient", "Subject", "Reason", "Member"],
            [
                "Not Synced",
                "2026-11-20 13:00:00+01:00",
                "Opened",
                "Task",
                GRACE,
                "Opened: Hi",
                "Nobody in Salesforce has this address.",
                "Ben",
            ],
        ]

    def test_it_is_a_file_of_its_day(self, ben):
        with time_machine.travel(NOON, tick=False):
            response = log_in(ben).get(EXPORT)

        assert response["Content-Type"] == "text/csv; charset=utf-8"
        assert response["Content-Disposition"] == 'attachment; filename="activity-log-2026-11-20.csv"'

    @pytest.mark.parametrize(
        ("subject", "marked"),
        [(text, f"'{text}") for text in ("=1+1", "+1", "-1", "@SUM(A1)", "＝1")] + [("\t=1", "'\t'=1")],
    )
    def test_nothing_is_run_as_a_formula(self, ben, ben_member, subject, marked):
        make_job(ben_member, subject=subject, recipient=f"{subject}@x.example")

        (line,) = self.table(log_in(ben))[1:]
        assert (line[5], line[4]) == (marked, f"{marked}@x.example")

    def test_quotes_commas_and_lines_stay_in_their_cell(self, ben, ben_member):
        make_job(ben_member, subject='a "b", c\nd 🎉 عرض')

        assert self.table(log_in(ben))[1][5] == 'a "b", c\nd 🎉 عرض'

    def test_what_is_private_stays_private(self, ada, ben_member):
        make_job(ben_member, private=True)

        (line,) = self.table(log_in(ada), whose="everyone")[1:]
        assert (line[4], line[5], line[6], line[7]) == ("", "", "Kept private", "Ben")


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("query", [{}, {"whose": "everyone"}])
def test_the_page_takes_as_many_queries_for_one_row_as_for_many(
    ada, ada_member, ben_member, django_assert_num_queries, rows, query
):
    for _ in range(rows):
        make_job(ada_member)
        make_job(ben_member)
    browser = log_in(ada)
    browser.get(LOG)

    # session, person, membership, members to choose from, last change, rows, counts, workspaces of the switcher,
    # the number of the unresolved
    with django_assert_num_queries(9):
        browser.get(LOG, query)
