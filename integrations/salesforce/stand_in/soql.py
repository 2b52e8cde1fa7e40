"""A parser of SOQL, as far as an integration needs it: `parse(text)` gives a Query or raises ApiError.

Understood: SELECT of fields and parent fields or COUNT(), FROM one object, WHERE with AND, OR, NOT, brackets,
= != <> < <= > >= LIKE IN NOT IN, strings, numbers, dates, date-times, null, true, false; ORDER BY, LIMIT,
OFFSET. What is not understood (sub-queries, GROUP BY, functions) is refused as Salesforce refuses bad SOQL.
Positions take no part in comparisons, so that two queries of one shape and values are equal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from .errors import ApiError
from .soql_tokens import Token, explain, read_escapes, read_plain, split_tokens
from .soql_tree import And, Comparison, Condition, Name, Not, Or, Order, Query, Value

__all__ = ["And", "Comparison", "Condition", "Name", "Not", "Or", "Order", "Query", "Value", "explain", "parse"]

MAX_STATEMENT = 100_000
MAX_STRING = 4_000
MAX_OFFSET = 2_000

COMPARISONS = ("=", "!=", "<>", "<", "<=", ">", ">=")
RESERVED = {"select", "from", "where", "and", "or", "not", "like", "in", "order", "limit", "null", "true", "false"}


def parse(text: str) -> Query:
    """Parse a statement; raises ApiError MALFORMED_QUERY where Salesforce would."""
    if len(text) > MAX_STATEMENT:
        raise ApiError(
            "MALFORMED_QUERY", message=f"SOQL statements cannot be longer than {MAX_STATEMENT} characters."
        )
    try:
        return Parser(text).parse_query()
    except RecursionError:
        raise ApiError("MALFORMED_QUERY", message="The WHERE clause is nested too deeply") from None


class Parser:
    """Recursive descent over the tokens of one statement."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = split_tokens(text)
        self.at = 0

    # -- tokens

    @property
    def token(self) -> Token:
        """The token that is next."""
        return self.tokens[self.at]

    def is_word(self, word: str) -> bool:
        """Whether a word is next, in whatever case."""
        return self.token.kind == "name" and self.token.text.lower() == word

    def take(self) -> Token:
        """Step over the next token and return it."""
        token = self.token
        self.at += 1
        return token

    def take_word(self, word: str) -> bool:
        """Step over a word if it is next."""
        found = self.is_word(word)
        self.at += found
        return found

    def take_sign(self, sign: str) -> bool:
        """Step over a sign if it is next."""
        found = self.token.kind == "sign" and self.token.text == sign
        self.at += found
        return found

    def need_word(self, word: str) -> None:
        """Step over a word that must be next."""
        if not self.take_word(word):
            self.fail()

    def need_sign(self, sign: str) -> None:
        """Step over a sign that must be next."""
        if not self.take_sign(sign):
            self.fail()

    def fail(self, message: str | None = None) -> NoReturn:
        """Refuse the statement at the next token."""
        token = self.token
        raise ApiError(
            "MALFORMED_QUERY",
            message=explain(self.text, token.position, message or f"unexpected token: '{token.text}'"),
        )

    # -- statement

    def parse_query(self) -> Query:
        """Read the whole statement."""
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
        """Step over COUNT() if it is next."""
        if not self.is_word("count") or self.tokens[self.at + 1].text != "(":
            return False
        self.at += 2
        self.need_sign(")")
        return True

    def parse_list(self, parse_one: Callable[[], object]) -> tuple:
        """Read one or more things with commas between."""
        found = [parse_one()]
        while self.take_sign(","):
            found.append(parse_one())
        return tuple(found)

    def parse_name(self) -> Name:
        """Read the name of a field or object."""
        token = self.token
        if token.kind != "name" or token.text.lower() in RESERVED:
            self.fail()
        self.at += 1
        return Name(tuple(token.text.split(".")), token.position)

    def parse_order_by(self) -> tuple[Order, ...]:
        """Read ORDER BY, if it is there."""
        if not self.take_word("order"):
            return ()
        self.need_word("by")
        return self.parse_list(self.parse_order)

    def parse_order(self) -> Order:
        """Read one term of ORDER BY; empty values come first unless NULLS LAST."""
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
        """Read a word with its whole number, e.g. LIMIT 5, if it is there."""
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
        """Read one condition: NOT …, (…), or a comparison."""
        if self.take_word("not"):
            return Not(self.parse_condition())
        if self.take_sign("("):
            inner = self.parse_conditions()
            self.need_sign(")")
            return inner
        return self.parse_comparison()

    def parse_comparison(self) -> Comparison:
        """Read one comparison."""
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
        """Read the list of IN."""
        self.need_sign("(")
        values = self.parse_list(self.parse_value)
        self.need_sign(")")
        return values

    def parse_value(self, *, is_pattern: bool = False) -> Value:
        """Read one literal; a pattern must be quoted."""
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
