"""A workspace's own domains, as people type them."""

import re

from workspaces.free_mail import is_free_mail

MOST = 50
DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])")


def clean_domains(typed: str) -> list[str]:
    """Return the domains of a text, separated by space or comma, in lower case and ASCII, each once, in order.

    Raises ValueError with a sentence for the person: not a domain, a public mail provider's, too many.
    """
    domains = list(dict.fromkeys(_clean(word) for word in re.split(r"[\s,;]+", typed) if word))
    if len(domains) > MOST:
        raise ValueError(f"Please enter {MOST} domains at most.")
    return domains


def _clean(word: str) -> str:
    domain = word.strip().lower().rpartition("@")[2].rstrip(".")
    try:
        ascii_domain = domain.encode("idna").decode()
    except UnicodeError:
        ascii_domain = ""
    if not DOMAIN.fullmatch(ascii_domain):
        raise ValueError(f"“{word[:80]}” is not a domain. A domain looks like acme.com.")
    if is_free_mail(ascii_domain):
        raise ValueError(
            f"{ascii_domain} belongs to a public mail provider: everybody's mail there would count as internal."
        )
    return ascii_domain
