"""E-mail addresses in their one form: lower case, the domain in ASCII (RFC 5321, RFC 5890)."""

import re
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

# What nearly all addresses look like; everything else goes to the thorough and slower check.
_PLAIN = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,32}(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,32}){0,1}"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?\.){1,4}[a-z]{2,20}\Z",
    re.ASCII,
)
NOT_AN_ADDRESS = "This is not an e-mail address."


@lru_cache(10_000)  # most mail goes to whom mail went before
def normalize_address(text: str) -> str:
    """The address in lower case with its domain in ASCII; raises ValueError when it is none."""
    plain = text.strip().lower()
    if _PLAIN.match(plain) and "--" not in plain:
        return plain
    try:
        checked = validate_email(text.strip(), check_deliverability=False, globally_deliverable=False)
    except (EmailNotValidError, UnicodeError):
        raise ValueError(NOT_AN_ADDRESS) from None
    if not checked.ascii_domain or "\0" in text:
        raise ValueError(NOT_AN_ADDRESS)
    return f"{checked.local_part}@{checked.ascii_domain}".lower()
