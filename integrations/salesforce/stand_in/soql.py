"""A parser of SOQL, as far as an integration needs it: `parse(text)` gives a Query or raises ApiError.

Understood: SELECT of fields and parent fields or COUNT(), FROM one object, WHERE with AND, OR, NOT, brackets,
= != <> < <= > >= LIKE IN NOT IN, strings, numbers, dates, date-times, null, true, false; ORDER BY, LIMIT,
OFFSET. What is not understood (sub-queries, GROUP BY, functions) is refused as Salesforce refuses bad SOQL.
Positions take no part in comparisons, so that two queries of one shape and values are equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import NoReturn

from .errors import ApiError

MAX_STATEMENT = 100_000
MAX_STRING = 4_000
MAX_OFFSET = 2_000

ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
ESCAPES |= {"N": "\n", "R": "\r", "T": "\t", "B": "\b", "F": "\f"}
COMPARISONS = ("=", "!=", "<>", "<", "<=", ">", ">=")
RESERVED = {"select", "from", "where", "and", "or", "not", "like", "in", "order", "limit", "null", "true", "false"}

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
class Name:
    """A field or object as written, e.g. ("Opportunity", "Name")."""

    path: tuple[str, ...]
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Value:
    """A literal. kind: string, pattern (of LIKE, its escapes kept), number, boolean, null, date, datetime.

    A date is "YYYY-MM-DD", a date-time the UTC text that records hold: "2026-11-23T10:00:00.000+0000".
    """

    kind: str
    value: str | int | float | bool | None
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field operator value`; operator is upper-case, "<>" is written "!=", IN and NOT IN have a tuple."""

    field: Name
    operator: str
    value: Value | tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Condition


Condition = Comparison | And | Or | Not


@dataclass(frozen=True, slots=True)
class Order:
    """One term of ORDER BY."""

    field: Name
    descending: bool = False
    nulls_last: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed statement. `text` is kept for the messages of later checks."""

    fields: tuple[Name, ...]
    object: Name
    where: Condition | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    is_count: bool = False
    text: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the statement: its kind (as in TOKEN, or "end"), text and place."""

    kind: str
    text: str
    position: int


def parse(text: str) -> Query:
    """Parse a statement; raises ApiError MALFORMED_QUERY where Salesforce would."""
    if len(text) > MAX_STATEMENT:
        raise ApiError(
            "MALFORMED_QUERY", message=f"SOQL statements cannot be longer than {MAX_STATEMENT} characters."
        )
    return Parser(text).parse_query()


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


class Parser:
    """Recursive descent over the tokens of one statement."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = split_tokens(text)
        self.at = 0

    # -- tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def is_word(self, word: str) -> bool:
        return self.token.kind == "name" and self.token.text.lower() == word

    def take(self) -> Token:
        token = self.token
        self.at += 1
        return token

    def take_word(self, word: str) -> bool:
        found = self.is_word(word)
        self.at += found
        return found

    def take_sign(self, sign: str) -> bool:
        found = self.token.kind == "sign" and self.token.text == sign
        self.at += found
        return found

    def need_word(self, word: str) -> None:
        if not self.take_word(word):
            self.fail()

    def need_sign(self, sign: str) -> None:
        if not self.take_sign(sign):
            self.fail()

    def fail(self, message: str | None = None) -> NoReturn:
        token = self.token
        raise ApiError(
            "MALFORMED_QUERY",
            message=explain(self.text, token.position, message or f"unexpected token: '{token.text}'"),
        )

    # -- statement

    def parse_query(self) -> Query:
        self.need_word("select")
        is_count = self.take_count()
        fields = () if is_count else self.parse_list(self.parse_name)
        self.need_word("from")
        name = self.parse_name()
        where = self.parse_conditions() if self.take_word("where") else None
        order = self.parse_order_by()
        limit = self.parse_integer("limit")
        offset = self.parse_integer("offset") or 0
        if self.token.kind != "end":
            self.fail()
        if offset > MAX_OFFSET:
            raise ApiError("NUMBER_OUTSIDE_VALID_RANGE", message="Maximum SOQL offset allowed is 2000")
        return Query(fields, name, where, order, limit, offset, is_count, self.text)

    def take_count(self) -> bool:
        if not self.is_word("count") or self.tokens[self.at + 1].text != "(":
            return False
        self.at += 2
        self.need_sign(")")
        return True

    def parse_list(self, parse_one: Callable[[], object]) -> tuple:
        found = [parse_one()]
        while self.take_sign(","):
            found.append(parse_one())
        return tuple(found)

    def parse_name(self) -> Name:
        token = self.token
        if token.kind != "name" or token.text.lower() in RESERVED:
            self.fail()
        self.at += 1
        return Name(tuple(token.text.split(".")), token.position)

    def parse_order_by(self) -> tuple[Order, ...]:
        if not self.take_word("order"):
            return ()
        self.need_word("by")
        return self.parse_list(self.parse_order)

    def parse_order(self) -> Order:
        name = self.parse_name()
        descending = self.take_word("desc")
        if not descending:
            self.take_word("asc")
        nulls_last = False
        if self.take_word("nulls"):
            nulls_last = self.take_word("last")
            if not nulls_last:
                self.need_word("first")
        return Order(name, descending, nulls_last)

    def parse_integer(self, word: str) -> int | None:
        if not self.take_word(word):
            return None
        token = self.token
        if token.kind != "number" or not token.text.isdigit():
            self.fail()
        self.at += 1
        return int(token.text)

    # -- conditions

    def parse_conditions(self) -> Condition:
        """Read parts joined by AND or by OR; mixing both needs brackets, as in Salesforce."""
        parts = [self.parse_condition()]
        word = next((each for each in ("and", "or") if self.is_word(each)), None)
        while word and self.take_word(word):
            parts.append(self.parse_condition())
        if self.is_word("and") or self.is_word("or"):
            self.fail()
        if len(parts) == 1:
            return parts[0]
        return And(tuple(parts)) if word == "and" else Or(tuple(parts))

    def parse_condition(self) -> Condition:
        if self.take_word("not"):
            return Not(self.parse_condition())
        if self.take_sign("("):
            inner = self.parse_conditions()
            self.need_sign(")")
            return inner
        return self.parse_comparison()

    def parse_comparison(self) -> Comparison:
        name = self.parse_name()
        if self.take_word("like"):
            return Comparison(name, "LIKE", self.parse_value(is_pattern=True))
        if self.take_word("in"):
            return Comparison(name, "IN", self.parse_values())
        if self.take_word("not"):
            self.need_word("in")
            return Comparison(name, "NOT IN", self.parse_values())
        if self.token.kind != "sign" or self.token.text not in COMPARISONS:
            self.fail()
        operator = self.take().text
        return Comparison(name, "!=" if operator == "<>" else operator, self.parse_value())

    def parse_values(self) -> tuple[Value, ...]:
        self.need_sign("(")
        values = self.parse_list(self.parse_value)
        self.need_sign(")")
        return values

    def parse_value(self, *, is_pattern: bool = False) -> Value:
        token = self.token
        if token.kind == "string":
            self.at += 1
            text = read_escapes(token, self.text, is_pattern=is_pattern)
            if len(text) > MAX_STRING:
                raise ApiError("MALFORMED_QUERY", message="Maximum length of criteria in WHERE clause is 4000")
            return Value("pattern" if is_pattern else "string", text, token.position)
        plain = None if is_pattern else read_plain(token)
        if plain is None:
            self.fail()
        self.at += 1
        return plain


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


def utc_text(text: str) -> str:
    """Turn an ISO date-time with offset into the text that records hold; raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a date-time needs an offset")
    return moment_text(moment)


def moment_text(moment: datetime) -> str:
    """Return an aware date-time as records hold it: UTC, whole seconds, comparable as text."""
    return moment.astimezone(UTC).isoformat()[:19] + ".000+0000"
