"""Where a tracking link may lead: absolute http and https addresses that every browser reads the same way.

What browsers repair by guessing (backslashes, missing slashes, user names before the host) is not taken, so nobody is
sent to a place that the sender did not see.
"""

import ipaddress
import re

import idna
from django.utils.encoding import iri_to_uri

LONGEST_TARGET = 2_000
NOT_A_TARGET = "This is not a link that begins with http:// or https:// and names a host, without a user name."

# The URL Standard strips these at both ends, and tabs and line ends everywhere.
_EDGES = "".join(map(chr, range(0x21)))
_REMOVED = re.compile(r"[\t\r\n]")
_PARTS = re.compile(r"(https?)://([^/?#]+)([/?#].*)?\Z", re.IGNORECASE | re.DOTALL)
_UNCLEAR = re.compile(r"[\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.?\Z")
_NUMBER = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)\.?\Z")


def read_target(text: str) -> str | None:
    """The address that a browser would open, in ASCII; None when it is not one that we lead to."""
    text = _REMOVED.sub("", text.strip(_EDGES))
    found = _PARTS.match(text)
    if found is None or _UNCLEAR.search(text) or len(text) > LONGEST_TARGET:
        return None
    scheme, authority, rest = found[1].lower(), found[2], found[3] or "/"
    host = _read_authority(authority)
    if host is None:
        return None
    target = f"{scheme}://{host}{iri_to_uri(rest if rest.startswith('/') else '/' + rest)}"
    return target if len(target) <= LONGEST_TARGET else None


def _read_authority(authority: str) -> str | None:
    """Host and port in ASCII; None for a user name, a wrong port, or a host that is none."""
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:@\[\]]+)(?::([0-9]{1,5}))?", authority)
    if found is None or (found[2] and not 0 < int(found[2]) < 65_536):
        return None
    host = _read_host(found[1])
    return f"{host}:{int(found[2])}" if host and found[2] else host


def _read_host(host: str) -> str | None:
    if host.startswith("["):
        return _read_ip(host[1:-1], ipaddress.IPv6Address, "[{}]")
    try:
        name = host.lower() if host.isascii() else idna.encode(host, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        return None
    if not _HOST.match(name) or len(name) > 253:
        return None
    # Browsers take a name that ends in a number for an IPv4 address, in many spellings: only the plain one is clear.
    last = name.rstrip(".").rpartition(".")[2]
    return _read_ip(name, ipaddress.IPv4Address, "{}") if _NUMBER.match(last) else name


def _read_ip(text: str, kind: type, form: str) -> str | None:
    try:
        return form.format(kind(text))
    except ValueError:
        return None
