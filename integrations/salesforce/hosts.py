"""Which hosts may be spoken to.

Our client secret goes to the login host and a person's access token to the instance host. Both addresses come
from outside (a form, a token answer), so both must pass `HostRule` before a byte is sent. Only hosts that
Salesforce alone can hand out are accepted: `*.my.salesforce.com` and the two login hosts. `*.force.com` and
`*.my.site.com` serve content of Salesforce's customers and are refused. A DNS answer that points such a name
elsewhere is stopped by the TLS certificate, which is always checked; one that points into a private network, before
that (`transport.py`).
"""

import re
from dataclasses import dataclass, field

from integrations.salesforce.error_classes import HostNotAllowed

LOGIN_HOSTS = frozenset({"login.salesforce.com", "test.salesforce.com"})
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "[::1]", "localhost"})

# Everything before the path is letters, digits, dots, hyphens and one port, so that no two URL parsers can
# disagree on which part is the host: no userinfo, backslash, percent escape, whitespace, control character or
# other alphabet. \Z and not $, because $ also accepts a newline at the end.
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]{1,253}|\[::1\])(?::(?P<port>[1-9][0-9]{0,4}))?(?P<rest>/.*)?\Z",
    re.IGNORECASE | re.ASCII,
)
_PATH = re.compile(r"/[!\"$-\[\]-~]*\Z", re.ASCII)  # printable ASCII without space, backslash and fragment
_LABEL = r"(?!-)(?!xn--)[a-z0-9-]{1,63}(?<!-)"
_PARTITION = "sandbox|develop|scratch|demo|patch|trailblaze|free|staging"
_MY_DOMAIN_HOST = re.compile(rf"{_LABEL}(?:\.(?:{_PARTITION}))?\.my\.salesforce\.com\Z", re.ASCII)
_TYPED_NAME = re.compile(rf"{_LABEL}(?:\.(?:{_PARTITION}))?\Z", re.ASCII)

# What people copy from their browser while they work in Salesforce, and the API host of the same org.
_WEB_SUFFIXES = (".lightning.force.com", ".my.salesforce-setup.com", ".my.salesforce.com")


@dataclass(frozen=True, slots=True)
class HostRule:
    """The accepted hosts. `extra_hosts` holds `host:port` (lower case, IPv6 in brackets) for a stand-in
    Salesforce.

    An extra host needs https and exactly that port; plain http is accepted only where its name is the
    loopback address, so that no token ever crosses a network in clear. Its address may be a private one.
    """

    extra_hosts: frozenset[str] = field(default_factory=frozenset)

    def check_login(self, url: str) -> str:
        """The canonical base URL (`https://host[:port]`) of a login host; raises HostNotAllowed."""
        return self._check(url, LOGIN_HOSTS, with_path=False)

    def check_instance(self, url: str) -> str:
        """The canonical base URL of an API host; the shared login hosts are not one. Raises HostNotAllowed."""
        return self._check(url, frozenset(), with_path=False)

    def check_request(self, url: str) -> str:
        """The canonical base URL of a whole request address (path and query allowed); raises HostNotAllowed."""
        return self._check(url, LOGIN_HOSTS, with_path=True)

    def is_extra(self, base_url: str) -> bool:
        """Whether a canonical base URL is one of the extra hosts; theirs always names the port."""
        return base_url.partition("://")[2] in self.extra_hosts

    def _check(self, url: str, shared_hosts: frozenset[str], *, with_path: bool) -> str:
        match = _URL.match(url) if isinstance(url, str) else None
        if match is None:
            raise HostNotAllowed
        rest = match["rest"] or "/"
        if not (_PATH.match(rest) if with_path else rest == "/"):
            raise HostNotAllowed
        scheme, host = match["scheme"].lower(), match["host"].lower()
        port = int(match["port"] or (443 if scheme == "https" else 80))
        if f"{host}:{port}" in self.extra_hosts and (scheme == "https" or host in LOOPBACK_HOSTS):
            return f"{scheme}://{host}:{port}"
        if (scheme, port) == ("https", 443) and (host in shared_hosts or _MY_DOMAIN_HOST.match(host)):
            return f"https://{host}"
        raise HostNotAllowed


def my_domain_url(text: str, rule: HostRule | None = None) -> str:
    """The login URL for what a person typed in the My Domain box: the name, the host, or any address of their
    org.

    `acme`, `acme--uat.sandbox`, `acme.my.salesforce.com` and
    `https://acme.lightning.force.com/lightning/page/home` are all understood. An extra host of the rule is
    taken only when written as a full URL. Raises HostNotAllowed with a sentence that says what to type.
    """
    rule = rule or HostRule()
    typed = text.strip()
    host = re.sub(r"\Ahttps://|/.*\Z", "", typed.lower()) if typed.isascii() else ""
    for suffix in _WEB_SUFFIXES:
        host = host.removesuffix(suffix)
    if _TYPED_NAME.match(host):
        return rule.check_instance(f"https://{host}.my.salesforce.com")
    try:
        return rule.check_instance(typed)
    except HostNotAllowed:
        pass
    raise HostNotAllowed(
        user_message="This is not a Salesforce My Domain. Type its name, for example acme, or its address, "
        "for example "
        "acme.my.salesforce.com. You find it in Salesforce under Setup › My Domain."
    )
