"""Text as Salesforce takes it. Pure. Lengths are in UTF-16 units, which is how Salesforce counts them."""

import hashlib
import re
import unicodedata

ELLIPSIS = "…"
LONGEST_CHARACTER = 32
INDEXED_BYTES = 2_000
"""What surely fits into a row of an index (PostgreSQL refuses more than 2,704 bytes)."""
_KEPT_OF_AN_ID = 200
# Joiners, variation selectors and skin tones belong to the character before them.
_EXTENDERS = frozenset("\u200d\ufe0e\ufe0f") | {chr(code) for code in range(0x1F3FB, 0x1F400)}

# Control characters, half surrogate pairs, line and paragraph separators.
_CONTROL = "\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029"
_NOT_PRINTABLE = re.compile(f"[{_CONTROL}]")
_SPACES = re.compile(rf"[\s{_CONTROL}]+")
_REFUSED_BY_POSTGRESQL = re.compile("[\x00\ud800-\udfff]")


def utf16_length(text: str) -> int:
    """The length in UTF-16 units: characters beyond the basic plane (most emoji) count two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def as_id(text: str) -> str:
    """Somebody else's id, as an index takes it: of a longer one the beginning, with a digest that tells it apart.

    The same id gives the same one, also when it was shortened before.
    """
    if text.isascii() and len(text) <= INDEXED_BYTES:
        return text
    whole = text.encode("utf-8", "surrogatepass")
    return text if len(whole) <= INDEXED_BYTES else f"{text[:_KEPT_OF_AN_ID]}…{hashlib.sha256(whole).hexdigest()}"


def cut(text: str, limit: int, ending: str = ELLIPSIS) -> str:
    """The text, or as much of it as fits into `limit` units with `ending` behind; never half a character.

    Returns at most `limit` units, also where the ending alone would not fit.
    """
    if len(text) * 2 <= limit or utf16_length(text) <= limit:
        return text
    room = limit - utf16_length(ending)
    if room <= 0:
        return _fitting(text, limit)
    return _fitting(text, room).rstrip() + ending


def _fitting(text: str, room: int) -> str:
    """The longest start that fits and does not end within a combined character."""
    whole = _count_fitting(text, room)
    end = whole
    # A pile of marks longer than any real character is cut where it is.
    while max(0, whole - LONGEST_CHARACTER) < end < len(text) and (_extends(text[end]) or text[end - 1] == "\u200d"):
        end -= 1
    return text[: end or whole]


def _count_fitting(text: str, room: int) -> int:
    """How many characters fit into so many units."""
    start = text[:room]  # each takes one unit at least
    if start.isascii():
        return len(start)
    units = start.encode("utf-16-le", "surrogatepass")[: 2 * room]
    if len(units) >= 2 and 0xD8 <= units[-1] <= 0xDB:
        units = units[:-2]  # the first half of a pair
    return len(units.decode("utf-16-le", "surrogatepass"))


def _extends(character: str) -> bool:
    return character in _EXTENDERS or bool(unicodedata.combining(character))


def one_line(text: str) -> str:
    """The text on one line: runs of white space and control characters become one space."""
    return _SPACES.sub(" ", text).strip()


def many_lines(text: str) -> str:
    """The text with plain line ends and without control characters other than tab."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return _NOT_PRINTABLE.sub("", plain).strip()


def without_control(text: str) -> str:
    """The text as PostgreSQL takes it: no NUL and no half surrogate."""
    if text.isascii() and "\0" not in text:
        return text
    return _REFUSED_BY_POSTGRESQL.sub("", text)
