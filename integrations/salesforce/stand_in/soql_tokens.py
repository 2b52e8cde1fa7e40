"""Cutting SOQL into tokens, and reading what strings and other literals mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from .errors import ApiError
from .moments import utc_text
from .soql_tree import Value

ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
ESCAPES |= {"N": "\n", "R": "\r", "T": "\t", "B": "\b", "F": "\f"}

TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<string>'(?:[^'\\\n\r]|\\.)*')
      | (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
      | (?P<date>\d{4}-\d\d-\d\d)(?![\w-])
      | (?P<number>[+-]?\d+(?:\.\d+)?)(?!\w)
      | (?P<name>[A-Za-z]\w*(?:\.[A-Za-z]\w*)*)
      | (?P<sign><=|>=|!=|<>|[=<>(),])""",
    re.VERBOSE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the statement: its kind (as in TOKEN, or "end"), text and place."""

    kind: str
    text: str
    position: int


def explain(text: str, position: int, message: str) -> str:
    """Put a message under the place in the statement, as Salesforce does."""
    row_start = text.rfind("\n", 0, position) + 1
    row = text.count("\n", 0, position) + 1
    start = max(row_start, position - 60)
    shown = text[start : position + 40].split("\n")[0]
    column = position - row_start + 1
    return f"\n{shown}\n{' ' * (position - start)}^\nERROR at Row:{row}:Column:{column}\n{message}"


def split_tokens(text: str) -> list[Token]:
    """Cut a statement into tokens, with an "end" token last."""
    tokens, position = [], 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            message = explain(text, position, f"unexpected token: '{text[position]}'")
            raise ApiError("MALFORMED_QUERY", message=message)
        if match.lastgroup != "space":
            tokens.append(Token(match.lastgroup or "", match.group(), position))
        position = match.end()
    return [*tokens, Token("end", "<EOF>", len(text))]


def read_escapes(token: Token, statement: str, *, is_pattern: bool) -> str:
    """Return what a quoted string means; a pattern of LIKE keeps its backslashes before \\, % and _."""
    inner, out, at = token.text[1:-1], [], 0
    while at < len(inner):
        letter = inner[at]
        if letter != "\\":
            out.append(letter)
            at += 1
            continue
        piece, used = read_escape(inner, at)
        if piece is None and not (is_pattern and inner[at + 1] in "_%"):
            message = explain(statement, token.position + 1 + at, "Invalid string literal: illegal escape")
            raise ApiError("MALFORMED_QUERY", message=message)
        out.append("\\" + inner[at + 1] if is_pattern and inner[at + 1] in "_%\\" else piece or "")
        at += used
    return "".join(out)


def read_escape(inner: str, at: int) -> tuple[str | None, int]:
    """Return the character that an escape at this place stands for (None: unknown) and the escape's length."""
    code = inner[at + 1]
    if code in "uU":
        digits = inner[at + 2 : at + 6]
        is_hex = len(digits) == 4 and all(each in "0123456789abcdefABCDEF" for each in digits)
        return (chr(int(digits, 16)), 6) if is_hex else (None, 2)
    return ESCAPES.get(code), 2


def read_plain(token: Token) -> Value | None:
    """Return the value of a token that is no string, or None where it is none."""
    words = {"null": ("null", None), "true": ("boolean", True), "false": ("boolean", False)}
    if token.kind == "name" and token.text.lower() in words:
        return Value(*words[token.text.lower()], token.position)
    if token.kind == "number":
        return Value("number", float(token.text) if "." in token.text else int(token.text), token.position)
    if token.kind not in ("date", "datetime"):
        return None
    try:
        text = utc_text(token.text) if token.kind == "datetime" else date.fromisoformat(token.text).isoformat()
    except (ValueError, OverflowError):
        return None
    return Value(token.kind, text, token.position)
