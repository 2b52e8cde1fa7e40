"""Text as Salesforce takes it. Pure. Lengths are in UTF-16 units, which is how Salesforce counts them."""

import unicodedata

ELLIPSIS = "…"
LONGEST_CHARACTER = 32
# Joiners, variation selectors and skin tones belong to the character before them.
_EXTENDERS = frozenset("\u200d\ufe0e\ufe0f") | {chr(code) for code in range(0x1F3FB, 0x1F400)}


def utf16_length(text: str) -> int:
    """The length in UTF-16 units: characters beyond the basic plane (most emoji) count two."""
    return len(text) + sum(1 for character in text if character > "\uffff")


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
    used = end = 0
    for character in text:
        used += 2 if character > "\uffff" else 1
        if used > room:
            break
        end += 1
    whole = end
    # A pile of marks longer than any real character is cut where it is.
    while max(0, whole - LONGEST_CHARACTER) < end < len(text) and (_extends(text[end]) or text[end - 1] == "\u200d"):
        end -= 1
    return text[: end or whole]


def _extends(character: str) -> bool:
    return character in _EXTENDERS or bool(unicodedata.combining(character))


def one_line(text: str) -> str:
    """The text on one line: runs of white space and control characters become one space."""
    return " ".join("".join(" " if _is_control(character) else character for character in text).split())


def many_lines(text: str) -> str:
    """The text with plain line ends and without control characters other than tab."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(character for character in plain if character in "\n\t" or not _is_control(character)).strip()


def _is_control(character: str) -> bool:
    # Cc: control; Cs: half a surrogate pair; Zl, Zp: line and paragraph separators.
    return character < " " or (character > "~" and unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"))


def without_control(text: str) -> str:
    """The text as PostgreSQL takes it: no NUL and no half surrogate."""
    return "".join(character for character in text if character != "\0" and not "\ud800" <= character <= "\udfff")
