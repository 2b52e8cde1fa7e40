"""Addresses of calendar servers: what people type, and where a server may point to."""

import re
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

import tldextract

from integrations.calendar.errors import HostRefused, NotCalendars, SentElsewhere

HTTPS_PORT = 443
LONGEST = 500
NOT_A_URL = "This is not the address of a server. It looks like https://calendar.example.com/"
ONLY_HTTPS = "Touchline reads calendars over https only, so that nobody can read your password on the way."
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.I)
_HOST_AND_PORT = re.compile(r"[a-z0-9.-]+:\d", re.I)
_registrable = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


def clean_url(text: str) -> str:
    """What somebody typed, as an https URL with a path. Raises HostRefused."""
    text = text.strip()
    if _SCHEME.match(text) is None or _HOST_AND_PORT.match(text):
        text = f"https://{text}"
    return _join(_split(text))


def follow(base: str, href: str) -> str:
    """Where a server points to, made absolute. Raises SentElsewhere unless it is of the same site as `base`."""
    try:
        target = _split(urljoin(base, href.strip()))
    except (ValueError, HostRefused):
        raise NotCalendars from None
    if not _is_same_site(_split(base), target):
        raise SentElsewhere(target.hostname or "")
    return _join(target)


def path_in(collection: str, href: str) -> str | None:
    """The path of a resource directly in a collection, as the server writes it; None for anything else."""
    try:
        found, home = urlsplit(urljoin(collection, href.strip())), urlsplit(collection)
    except ValueError:
        return None
    inside = same_path(found.path).removeprefix(same_path(home.path))
    is_inside = found.netloc == home.netloc and inside != same_path(found.path) and inside and "/" not in inside
    return found.path if is_inside and len(found.path) <= LONGEST and found.path.isprintable() else None


def same_path(path: str) -> str:
    """A path in one of the ways to write it: servers differ in what they percent-encode."""
    return quote(unquote(path, errors="replace"), safe="/@:!$&'()*+,;=~")


def _split(text: str) -> SplitResult:
    if len(text) > LONGEST or "\\" in text or not text.isprintable() or " " in text:
        raise HostRefused(NOT_A_URL)
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").rstrip(".").encode("idna").decode("ascii").lower()
        port = parts.port or HTTPS_PORT
    except (ValueError, UnicodeError):
        raise HostRefused(NOT_A_URL) from None
    if parts.scheme != "https":
        raise HostRefused(ONLY_HTTPS)
    if not host or "@" in parts.netloc:
        raise HostRefused(NOT_A_URL)
    bare = f"[{host}]" if ":" in host else host
    return parts._replace(netloc=bare if port == HTTPS_PORT else f"{bare}:{port}")


def _join(parts: SplitResult) -> str:
    return parts._replace(path=parts.path or "/", query="", fragment="").geturl()


def _is_same_site(here: SplitResult, there: SplitResult) -> bool:
    """The same host and port, or port 443 and one registrable domain: iCloud spreads people over many hosts."""
    if here.netloc == there.netloc:
        return True
    sites = {_registrable(parts.hostname or "").top_domain_under_public_suffix for parts in (here, there)}
    return here.port is None and there.port is None and len(sites) == 1 and sites != {""}
