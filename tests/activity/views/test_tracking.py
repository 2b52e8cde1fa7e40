"""The addresses in tracked messages, as programs outside ask for them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ

from activity.models import TrackedMessage, TrackingHit
from activity.sources import hits
from activity.views import tracking
from tests.activity.tracked import APPLE_PROXY, CHROME, FILE, HTML, OFFER, TERMS, item, paths, register_one, visit
from tests.activity.tracking.redirects import EVIL, PAYLOADS
from tests.faults.random_tokens import random_token
from tests.people import log_in
from workspaces.models import User, Workspace


@pytest.fixture(autouse=True)
def fresh_limits() -> Iterator[None]:
    """Each test begins with full buckets."""
    tracking.ADDRESSES.clear()
    tracking.TOKENS.clear()
    yield
    tracking.ADDRESSES.clear()


@pytest.fixture
def html(acme_with_domain: Workspace, ben: User) -> str:
    """What Nora got."""
    return register_one(acme_with_domain).copies[0].html


def path_of(html: str, purpose: str) -> str:
    return paths(html, purpose)[0]


def noted() -> list[tuple[str, int, bool]]:
    return list(TrackingHit.objects.order_by("pk").values_list("purpose", "position", "says_machine"))


# --- The pixel --------------------------------------------------------------------------------------------


def test_the_pixel_is_the_same_whatever_the_token(html: str) -> None:
    real = visit(path_of(html, "o"))
    token = path_of(html, "o").removeprefix("/t/o/").removesuffix(".gif")
    others = [
        random_token(),
        token[:-1] + "é",
        token.swapcase(),
        "x",
        "x" * 3000,
        "%00",
        "..",
        path_of(html, "c")[5:],
    ]
    answers = [visit(f"/t/o/{other}.gif") for other in others]

    assert (real.status_code, len(real.content), real.content[:6]) == (200, 43, b"GIF89a")
    assert {(each.status_code, each.content, str(sorted(each.headers.items()))) for each in answers} == {
        (200, real.content, str(sorted(real.headers.items())))
    }
    assert noted() == [("o", 0, False)], "only the real one"


def test_headers_of_the_pixel(html: str) -> None:
    headers = visit(path_of(html, "o")).headers
    wanted = ("Content-Type", "Cache-Control", "Referrer-Policy", "Cross-Origin-Resource-Policy", "X-Robots-Tag")

    assert {name: headers[name] for name in wanted} == {
        "Content-Type": "image/gif",
        "Cache-Control": "no-store, private",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Robots-Tag": "noindex, nofollow",
    }


def test_an_expired_pixel_is_the_same_and_notes_nothing(html: str) -> None:
    fresh = visit(path_of(html, "o")).content
    TrackedMessage.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    TrackingHit.objects.all().delete()

    assert visit(path_of(html, "o")).content == fresh
    assert noted() == []


# --- Links and files --------------------------------------------------------------------------------------


def test_links_lead_to_what_was_registered(html: str) -> None:
    found = [visit(path) for path in (*paths(html, "c"), *paths(html, "d"))]

    assert [(each.status_code, each["Location"], each.content) for each in found] == [
        (302, OFFER, b""),
        (302, TERMS, b""),
        (302, FILE, b""),
    ]
    assert {each["Cross-Origin-Resource-Policy"] for each in found} == {"same-origin"}
    assert {each["Referrer-Policy"] for each in found} == {"no-referrer"}
    assert {each["Cache-Control"] for each in found} == {"no-store, private"}
    assert noted() == [("c", 1, False), ("c", 2, False), ("d", 0, False)]


def test_a_token_works_for_its_own_purpose_only(html: str) -> None:
    tokens = {purpose: path_of(html, purpose)[5:].removesuffix(".gif") for purpose in "ocd"}
    for purpose, token in tokens.items():
        for other in set("cd") - {purpose}:
            assert visit(f"/t/{other}/{token}").status_code == 404
        visit(f"/t/o/{token}.gif")

    assert noted() == [("o", 0, False)]


def test_an_unknown_link_is_a_page_that_leads_nowhere(html: str) -> None:
    answer = visit(f"/t/c/{random_token()}")
    page = answer.content.decode()

    assert answer.status_code == 404
    assert "This link does not work any more" in page
    assert [word for word in ("<a ", "<script", "<form", "http", "Acme") if word in page] == []


@pytest.mark.parametrize(
    "path", ["/t/", "/t/c/", "/t/x/abc", "/t/c/a/b", "/t/o/abc", "/t/c/%00", "/t/c/..%2f..%2fadmin", "/t/c/é" * 50]
)
def test_everything_else_there_is_the_same_page(db: None, path: str) -> None:
    assert visit(path).content == visit("/t/c/x").content
    assert visit(path).status_code == 404


def test_an_expired_link_is_an_unknown_one(html: str) -> None:
    TrackedMessage.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    answers = [visit(path) for path in (path_of(html, "c"), path_of(html, "d"), f"/t/c/{random_token()}")]

    assert {(each.status_code, each.content) for each in answers} == {(404, answers[0].content)}
    assert noted() == []


@pytest.mark.parametrize("where", ["{0}", "{1}{0}", "{1}?next={0}", "{1}?url={0}&u={0}", "{1}/{0}", "{1}#{0}"])
def test_no_payload_leads_to_an_unregistered_target(html: str, where: str) -> None:
    """Sixty payloads: as the token, behind a real one, and as a parameter of a real link."""
    real = path_of(html, "c")[5:]
    for payload in PAYLOADS:
        answer = Client().generic("GET", "/t/c/" + where.format(payload, real))

        assert (answer.status_code, answer.get("Location")) in ((404, None), (302, OFFER)), payload
        assert EVIL not in answer.content.decode()


def test_a_payload_as_a_link_is_left_alone(acme_with_domain: Workspace, ben: User) -> None:
    """What the sender wrote stays what it was: no redirect of ours leads there."""
    text = "".join(f'<a href="{payload}">x</a>' for payload in PAYLOADS)
    copy = register_one(acme_with_domain, item(html=text, files=[])).copies[0]

    assert paths(copy.html, "c") == []
    assert copy.html.startswith(text)
    assert TrackedMessage.objects.get().targets == []


# --- Who asks ---------------------------------------------------------------------------------------------


def test_no_cookie_and_no_session(html: str, ben: User) -> None:
    browser = log_in(ben)
    for path in (path_of(html, "o"), path_of(html, "c"), "/t/c/unknown"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = browser.get(path, headers={"User-Agent": CHROME})

        assert not answer.cookies
        assert "Vary" not in answer
        assert [
            query for query in queries.captured_queries if "session" in query["sql"] or "user" in query["sql"]
        ] == []


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_these_addresses_are_only_read(html: str, method: str) -> None:
    answers = [visit(path_of(html, purpose), method=method).status_code for purpose in "ocd"]

    assert answers == [405, 405, 405]
    assert noted() == []


def test_machines_say_who_they_are(html: str) -> None:
    visit(path_of(html, "o"), agent=APPLE_PROXY)
    head = visit(path_of(html, "c"), method="head")

    assert (head.status_code, head["Location"]) == (302, OFFER)
    assert noted() == [("o", 0, True), ("c", 1, True)]


def test_a_flood_at_one_address_is_answered_and_not_noted(html: str) -> None:
    answers = [visit(path_of(html, "c")) for _ in range(tracking.TOKENS.burst + 15)]

    assert {(each.status_code, each["Location"]) for each in answers} == {(302, OFFER)}
    assert tracking.TOKENS.burst <= len(noted()) <= tracking.TOKENS.burst + 10


def test_a_flood_from_one_network_costs_no_query(html: str) -> None:
    fresh = visit(path_of(html, "o")).content
    while tracking.ADDRESSES.take("127.0.0.1"):
        pass
    tracking.ADDRESSES._left["127.0.0.1"] = (-1_000.0, tracking.ADDRESSES.clock())
    with CaptureQueriesContext(connection) as queries:
        pixel, link = visit(path_of(html, "o")), visit(path_of(html, "c"))

    assert (pixel.status_code, pixel.content) == (200, fresh)
    assert (link.status_code, link["Retry-After"]) == (429, "10")
    assert "One moment, please" in link.content.decode()
    assert list(queries) == []


# --- What it costs ----------------------------------------------------------------------------------------


def test_a_hit_is_two_queries(html: str) -> None:
    visit(path_of(html, "o"))  # wakes the queue
    with CaptureQueriesContext(connection) as queries:
        visit(path_of(html, "c"))

    assert len(queries) == 2


def test_the_queue_is_woken_once_for_many_hits(html: str) -> None:
    hits._last_wake_up = float("-inf")
    for path in (path_of(html, "o"), *paths(html, "c")):
        visit(path)

    [task] = OrmQ.objects.all()
    assert task.func() == hits.SETTLE_HITS
    assert timedelta(seconds=5) < task.lock - timezone.now() < timedelta(seconds=15)


def test_the_html_of_the_tests_has_what_it_says() -> None:
    assert [each in HTML for each in (OFFER, TERMS, FILE)] == [True] * 3
