"""Addresses that people type, and addresses that servers point to."""

import pytest

from integrations.calendar.errors import HostRefused, SentElsewhere
from integrations.calendar.providers import guess, provider_of
from integrations.calendar.urls import clean_url, follow, path_in, same_path


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("cloud.example.com", "https://cloud.example.com/"),
        (" HTTPS://Cloud.Example.com./remote.php/dav ", "https://cloud.example.com/remote.php/dav"),
        ("cloud.example.com:8443/dav", "https://cloud.example.com:8443/dav"),
        ("https://b\u00fccher.example/", "https://xn--bcher-kva.example/"),
        ("https://example.com:443/a?b#c", "https://example.com/a"),
        ("https://[2001:db8::1]/", "https://[2001:db8::1]/"),
    ],
)
def test_what_people_type(text: str, url: str) -> None:
    assert clean_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "", "http://example.com/", "ftp://example.com/", "file:///etc/passwd", "https://", "https:///x",
        "https://ben:secret@example.com/", "https://example.com@evil.example/", "https://a b/", "https://a\\b/",
        "https://exa\r\nmple.com/", "https://example.com:99999/", "https://example.com:x/", "https://" + "a" * 600,
        "javascript:alert(1)", "https://[::1/", "https://" + "x" * 64 + ".example/",
    ],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(HostRefused):
        clean_url(text)


@pytest.mark.parametrize(
    ("base", "href", "url"),
    [
        ("https://a.example.com/x/", "/y/", "https://a.example.com/y/"),
        ("https://a.example.com/x/", "y", "https://a.example.com/x/y"),
        ("https://caldav.icloud.com/", "https://p42-caldav.icloud.com:443/1/calendars/", "https://p42-caldav.icloud.com/1/calendars/"),
        ("https://example.co.uk/", "https://dav.example.co.uk/", "https://dav.example.co.uk/"),
        ("https://127.0.0.1:5232/", "/ben/", "https://127.0.0.1:5232/ben/"),
    ],
)  # fmt: skip
def test_a_server_may_point_within_its_site(base: str, href: str, url: str) -> None:
    assert follow(base, href) == url


@pytest.mark.parametrize(
    ("base", "href"),
    [
        ("https://example.com/", "https://example.org/"),
        ("https://a.co.uk/", "https://b.co.uk/"),
        ("https://a.github.io/", "https://b.github.io/"),
        ("https://example.com/", "//evil.example/"),
        ("https://example.com/", "https://example.com.evil.example/"),
        ("https://example.com/", "https://example.com:8443/"),
        ("https://127.0.0.1/", "https://127.0.0.2/"),
        ("https://127.0.0.1:5232/", "https://127.0.0.1:5233/"),
        ("https://localhost/", "https://localhost.localdomain/"),
    ],
)
def test_a_server_may_not_point_elsewhere(base: str, href: str) -> None:
    with pytest.raises(SentElsewhere):
        follow(base, href)


@pytest.mark.parametrize(
    ("href", "path"),
    [
        ("/c/a.ics", "/c/a.ics"),
        ("a.ics", "/c/a.ics"),
        ("https://x.example/c/a%40b.ics", "/c/a%40b.ics"),
        ("/c/", None),
        ("/c/d/a.ics", None),
        ("/d/a.ics", None),
        ("/c/../d/a.ics", None),
        ("https://y.example/c/a.ics", None),
        ("/c/" + "a" * 600, None),
        ("/c/a\0b", None),
        ("//[", None),
    ],
)
def test_only_what_lies_in_the_calendar_is_of_it(href: str, path: str | None) -> None:
    assert path_in("https://x.example/c/", href) == path


def test_two_ways_to_write_a_path_are_one() -> None:
    assert same_path("/c/ben%40acme%2Eexample/%c3%a4.ics") == same_path("/c/ben@acme.example/%C3%A4.ics")
    assert same_path("/c/a.ics") != same_path("/c/b.ics")


@pytest.mark.parametrize(
    ("address", "key", "url"),
    [
        ("ben@icloud.com", "icloud", "https://caldav.icloud.com/"),
        ("ben@me.com", "icloud", "https://caldav.icloud.com/"),
        ("ben@fastmail.com", "fastmail", "https://caldav.fastmail.com/"),
        ("ben@yahoo.co.jp", "yahoo", "https://caldav.calendar.yahoo.com/"),
        ("ben@gmail.com", "google", ""),
        ("ben@hotmail.co.uk", "microsoft", ""),
        ("ben@acme.example", "other", "https://acme.example/"),
        ("ben", "other", ""),
    ],
)
def test_providers_are_guessed_from_the_address(address: str, key: str, url: str) -> None:
    provider = guess(address)
    assert (provider.key, provider.url) == (key, url)


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://p42-caldav.icloud.com/1/", "icloud"),
        ("https://www.google.com/calendar/dav/", "google"),
        ("https://apidata.googleusercontent.com/caldav/v2/", "google"),
        ("https://outlook.office365.com/", "microsoft"),
        ("https://cloud.acme.example/remote.php/dav", "other"),
    ],
)
def test_providers_are_known_by_their_servers(url: str, key: str) -> None:
    assert provider_of(url).key == key
