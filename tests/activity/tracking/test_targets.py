"""Where a link may lead."""

import pytest

from activity.tracking.targets import LONGEST_TARGET, read_target
from tests.activity.tracking.redirects import PAYLOADS


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("https://x.example", "https://x.example/"),
        ("HTTPS://X.Example/A?b=C#d", "https://x.example/A?b=C#d"),
        ("  https://x.example/a\n", "https://x.example/a"),
        ("https://x.exam\n\tple/a", "https://x.example/a"),
        ("http://x.example:8080/", "http://x.example:8080/"),
        ("https://x.example?q=1", "https://x.example/?q=1"),
        ("https://x.example/a b", "https://x.example/a%20b"),
        ("https://x.example/%41%2f?a=%26", "https://x.example/%41%2f?a=%26"),
        ("https://x.example/ü?ö=ß", "https://x.example/%C3%BC?%C3%B6=%C3%9F"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://127.0.0.1/", "https://127.0.0.1/"),
        ("https://[::1]:8443/", "https://[::1]:8443/"),
        ("http://wiki/page", "http://wiki/page"),
        ("https://x.example/?to=https://y.example/@z", "https://x.example/?to=https://y.example/@z"),
        ("https://x.example/" + "a" * (LONGEST_TARGET - 18), "https://x.example/" + "a" * (LONGEST_TARGET - 18)),
    ],
)
def test_web_addresses_lead_on(text: str, target: str) -> None:
    assert read_target(text) == target


@pytest.mark.parametrize("text", PAYLOADS)
def test_what_browsers_would_have_to_guess_is_no_target(text: str) -> None:
    assert read_target(text) is None


def test_sixty_payloads_and_more() -> None:
    assert len(set(PAYLOADS)) >= 60


@pytest.mark.parametrize("character", ["\\", "\x00", "\x01", "\x7f", "\x85", "\u2028", "\ud800"])
def test_an_unclear_character_anywhere_makes_it_no_target(character: str) -> None:
    assert [read_target(f"https://x.example/{place}") for place in (f"a{character}b", f"?q={character}b", "a")] == [
        None,
        None,
        "https://x.example/a",
    ]


@pytest.mark.parametrize("text", ["https://x.example/" + "a" * LONGEST_TARGET, "https://x.example/" + "ü" * 400])
def test_what_is_too_long_is_no_target(text: str) -> None:
    assert read_target(text) is None


@pytest.mark.parametrize("text", ["https://x.example/a", "https://bücher.example/ü b?c#d", "http://[::1]/"])
def test_a_target_is_its_own_target(text: str) -> None:
    target = read_target(text)

    assert target is not None
    assert read_target(target) == target
