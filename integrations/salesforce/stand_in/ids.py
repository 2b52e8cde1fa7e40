"""Salesforce record ids: 3 characters of object prefix, 12 of number, 3 that make them safe to compare."""

import string

DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
CHECK = string.ascii_uppercase + "012345"


def id18(text: str) -> str | None:
    """Return the 18-character form of a 15- or 18-character id, or None where it is neither.

    For each block of 5 characters, bit k is set where character k is A-Z; the number picks a check letter.
    """
    if not text.isascii() or not text.isalnum() or len(text) not in (15, 18):
        return None
    full = text[:15] + check_letters(text[:15])
    return full if len(text) == 15 or text[15:].upper() == full[15:] else None


def check_letters(id15: str) -> str:
    """Return the three check letters of a 15-character id."""
    return "".join(
        CHECK[sum(1 << k for k, letter in enumerate(id15[start : start + 5]) if letter.isupper())]
        for start in (0, 5, 10)
    )


def make_id(prefix: str, instance: str, number: int) -> str:
    """Return the 18-character id number `number` of an object, e.g. prefix "00T", instance "A1"."""
    text = ""
    while number:
        number, rest = divmod(number, 62)
        text = DIGITS[rest] + text
    id15 = prefix + instance + text.rjust(12 - len(instance), "0")
    return id15 + check_letters(id15)
