"""Who is a machine, and what is the same visit."""

from datetime import UTC, datetime, timedelta

import pytest

from activity.tracking.machines import FOLD, TOO_SOON, Hit, is_by_machine, is_repeated, says_machine

SENT = datetime(2026, 11, 20, 12, tzinfo=UTC)
LATER = SENT + timedelta(hours=1)
OUTLOOK = "Mozilla/4.0 (compatible; ms-office; MSOffice 16)"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"


@pytest.mark.parametrize(
    "agent", [OUTLOOK, CHROME, GMAIL, "YahooMailProxy; https://help.yahoo.com/kb/", "okhttp/4.9"]
)
def test_people_open_with_these(agent: str) -> None:
    assert not says_machine("GET", {"User-Agent": agent})


@pytest.mark.parametrize(
    "agent",
    [
        "",
        "Mozilla/5.0",
        " mozilla/5.0 ",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "curl/8.5.0",
        "python-requests/2.32",
        CHROME.replace("Chrome", "HeadlessChrome"),
        "Barracuda Sentinel (EE)",
        "facebookexternalhit/1.1",
        "WhatsApp/2.23",
    ],
)
def test_machines_open_with_these(agent: str) -> None:
    assert says_machine("GET", {"User-Agent": agent})


def test_who_asks_for_the_head_alone_reads_nothing() -> None:
    assert says_machine("HEAD", {"User-Agent": CHROME})


@pytest.mark.parametrize(
    ("name", "value"),
    [("Purpose", "prefetch"), ("Sec-Purpose", "prefetch;prerender"), ("X-Purpose", "preview"), ("X-Moz", "prefetch")],
)
def test_browsers_say_when_they_fetch_in_advance(name: str, value: str) -> None:
    assert says_machine("GET", {"User-Agent": CHROME, name: value})


@pytest.mark.parametrize(
    ("seconds", "by_machine"), [(-3600, True), (0, True), (9.9, True), (10, False), (3600, False)]
)
def test_nobody_reads_a_message_before_it_has_arrived(seconds: float, by_machine: bool) -> None:
    hit = Hit("o", 0, SENT + timedelta(seconds=seconds))

    assert is_by_machine(hit, SENT, [hit], targets=3) is by_machine
    assert timedelta(seconds=10) == TOO_SOON


def test_what_a_request_says_of_itself_decides() -> None:
    hit = Hit("o", 0, LATER, says_machine=True)

    assert is_by_machine(hit, SENT, [hit], targets=0)


@pytest.mark.parametrize(
    ("clicks", "targets", "by_machine"),
    [
        ([0], 1, False),
        ([0, 0], 1, False),
        ([0], 2, False),
        ([0, 3], 2, True),
        ([0, 6], 2, False),
        ([0, 1, 2], 4, False),
        ([0, 1, 2, 3], 4, True),
        ([0, 1, 2, 3], 40, False),
        ([0, 1, 2, 3, 4], 40, True),
    ],
)
def test_nobody_follows_all_links_at_once(clicks: list[int], targets: int, by_machine: bool) -> None:
    """`clicks`: the second in which each link was followed; 0 twice is one link twice."""
    positions = range(len(clicks)) if clicks != [0, 0] else [0, 0]
    hits = [Hit("c", place, LATER + timedelta(seconds=at)) for place, at in zip(positions, clicks, strict=True)]

    assert [is_by_machine(hit, SENT, hits, targets) for hit in hits] == [by_machine] * len(hits)


def test_the_pixel_that_is_loaded_along_is_the_machines_too() -> None:
    pixel = Hit("o", 0, LATER)
    clicks = [Hit("c", 0, LATER), Hit("d", 1, LATER)]

    assert is_by_machine(pixel, SENT, [pixel, *clicks], targets=2)
    assert not is_by_machine(pixel, SENT, [pixel, clicks[0]], targets=2)


@pytest.mark.parametrize(("minutes", "repeated"), [(0, True), (9.9, True), (10, False), (-9.9, True), (-10, False)])
def test_ten_minutes_are_one_visit(minutes: float, repeated: bool) -> None:
    assert is_repeated(LATER, [LATER + timedelta(minutes=minutes)]) is repeated
    assert not is_repeated(LATER, [])
    assert timedelta(minutes=10) == FOLD
