"""Which servers may be connected to: public addresses on port 993, and what the operator lists beside them.

The addresses that were checked are those that are connected to, so that a name cannot change in between (SSRF by
DNS rebinding).
"""

import ipaddress
import re
import socket
from collections.abc import Collection

from integrations.mailbox.errors import HostRefused, Unreachable

IMAPS_PORT = 993
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*\Z")
NOT_A_HOST = "This is not the name of a server. It looks like imap.example.com."
PRIVATE = "Touchline does not connect to this server: its address belongs to a private network."
MOST_ADDRESSES = 4
"""Of one name: each that does not answer is waited for."""
PORT = "Touchline connects to mail servers on port 993 (IMAP over TLS) only."


def clean_host(text: str) -> str:
    """The host in lower case and ASCII. Raises HostRefused when it is no host name or address."""
    try:
        host = text.strip().rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise HostRefused(NOT_A_HOST) from None
    if not _HOST.match(host):
        raise HostRefused(NOT_A_HOST)
    return host


def resolve(host: str, port: int, extra_hosts: Collection[str] = ()) -> list[str]:
    """The IP addresses of a host that may be connected to, in the resolver's order.

    extra_hosts: `host:port` that are allowed whatever their address. Raises HostRefused, or Unreachable when nobody
    knows the name. One private address among several refuses the host; of many the first MOST_ADDRESSES are returned.
    """
    if port != IMAPS_PORT and f"{host}:{port}" not in extra_hosts:
        raise HostRefused(PORT)
    return find_addresses(host, port, extra_hosts)


def find_addresses(host: str, port: int, extra_hosts: Collection[str] = ()) -> list[str]:
    """As `resolve`, for any port: for protocols that have another one."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise Unreachable("Nobody knows a server of this name. Check its spelling.") from None
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if f"{host}:{port}" not in extra_hosts and not all(is_public(address) for address in addresses):
        raise HostRefused(PRIVATE)
    return addresses[:MOST_ADDRESSES]


def is_public(address: str) -> bool:
    """Whether an IP address lies in the public internet; addresses that carry another one inside are looked into."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    inner = _embedded(ip) if isinstance(ip, ipaddress.IPv6Address) else None
    if inner is not None:
        return is_public(str(inner))
    # Reserved: all of IPv6 that is not global unicast, such as IPv4-compatible addresses and local NAT64.
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or getattr(ip, "is_site_local", False))


def _embedded(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address in a mapped, 6to4 or NAT64 (RFC 6052) address."""
    if ip in ipaddress.ip_network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour
