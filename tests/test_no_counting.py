"""No page counts the rows of a table that grows with the activity, and none skips rows: both cost more with each row.

A count over a subquery with a LIMIT reads no further than that.
"""

import re
from urllib.parse import urlencode

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from activity.models import Kind, Reason, SyncState
from tests.activity.rows import make_job
from tests.permission_world import World, make_world
from tests.test_permissions import ROUTES, admin_pages, ask

GROWING = re.compile(
    r'"(activity_(message|participant|meeting|activity|syncjob|logchange|duejob|syncattempt|decisiontrace|knownmeeting'
    r'|loggedrecord|ledgerentry|tracked\w+|trackinghit)|workspaces_auditentry)"'
)
COUNTS = re.compile(r"\bCOUNT\s*\(|\bOFFSET\b", re.IGNORECASE)
BOUNDED = re.compile(r"SELECT COUNT\(\*\) FROM \(SELECT .* LIMIT \d+\) subquery", re.IGNORECASE)
FILTERS = (
    {"status": "errors"},
    {"status": "not_synced", "whose": "everyone"},
    {"activity": "sent", "type": "Task", "reason": "rejected"},
    {"since": "2026-11-01", "until": "2026-11-30"},
    {"recipient": "grace"},
    {"recipient": "grace", "whose": "everyone"},
)
SEARCHES = ("is:unsynced", "is:opened", "to:grace", "subject:pricing", "sent:2026-11-20", "hopper")


def is_counting(sql: str | None) -> bool:
    return bool(sql) and bool(COUNTS.search(sql) and GROWING.search(sql) and not BOUNDED.fullmatch(sql))


def counting(browser: Client, path: str, method: str = "GET") -> list[str]:
    """The statements of this request that count or skip."""
    with CaptureQueriesContext(connection) as queries:
        assert ask(browser, method, path).status_code < 500
    return [query["sql"] for query in queries if is_counting(query["sql"])]


def without_empty(found: dict[str, list[str]]) -> dict[str, list[str]]:
    return {path: statements for path, statements in found.items() if statements}


@pytest.fixture
def world(db: None) -> World:
    """With a row of each kind that a page treats in a way of its own."""
    world = make_world()
    owner = world.here.owner
    make_job(owner, SyncState.FAILED, reason=Reason.REJECTED, error_code="X")
    make_job(owner, SyncState.HELD, reason=Reason.PLAN, kind=Kind.OPENED)
    make_job(owner, SyncState.SKIPPED, reason=Reason.NO_MATCH)
    return world


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_route_counts(world: World, method: str) -> None:
    found = {}
    for line in ROUTES:
        with transaction.atomic():
            path = line.path("acme", line.things_of(world.here))
            found[line.route] = counting(world.browsers["ben"], path, method)
            found[line.route] += counting(world.browsers["ada"], path, method)
            transaction.set_rollback(True)

    assert len(found) > 80
    assert without_empty(found) == {}


def test_no_filter_and_no_search_makes_a_page_count(world: World) -> None:
    log, feed, ada = "/w/acme/activity-log/", "/w/acme/live-feed/", world.browsers["ada"]
    jobs = list(world.here.workspace.sync_jobs.all())
    paths = [
        *[f"{log}{job.uuid}/" for job in jobs],
        *[f"{log}?{urlencode(filters)}" for filters in FILTERS],
        *[f"{log}?{urlencode({cursor: jobs[1].uuid, 'whose': 'everyone'})}" for cursor in ("after", "before")],
        *[f"{feed}?{urlencode({'q': search})}" for search in SEARCHES],
    ]

    assert without_empty({path: counting(ada, path) for path in paths}) == {}


def test_no_page_of_the_admin_counts(world: World) -> None:
    sam = world.browsers["sam"]

    assert without_empty({path: counting(sam, path) for path in admin_pages()}) == {}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ('SELECT COUNT(*) AS "__count" FROM "activity_syncjob"', True),
        ('SELECT "state", COUNT("activity_syncjob"."id") FROM "activity_syncjob" GROUP BY 1', True),
        ('SELECT "id" FROM "activity_activity" LIMIT 50 OFFSET 100', True),
        ('SELECT COUNT(*) FROM (SELECT "id" AS "col1" FROM "activity_syncjob" LIMIT 1000) subquery', False),
        (None, False),  # a savepoint has no text
        ('SELECT SUM("rows") FROM "activity_rowcount"', False),
        ('SELECT COUNT(*) AS "__count" FROM "integrations_connection"', False),
    ],
)
def test_what_is_counting(sql: str | None, expected: bool) -> None:
    assert is_counting(sql) is expected
