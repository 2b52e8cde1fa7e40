"""The SOQL parser: what it understands, what it refuses and where, and that hostile values keep the shape."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.salesforce.stand_in.errors import ApiError
from integrations.salesforce.stand_in.soql import And, Comparison, Name, Not, Or, Order, Query, Value, parse


def name(text: str) -> Name:
    return Name(tuple(text.split(".")))


def text(value: str) -> Value:
    return Value("string", value)


def test_a_whole_statement() -> None:
    query = parse(
        "SELECT Id, Opportunity.Name FROM OpportunityContactRole"
        " WHERE ContactId IN ('a', 'b') AND (Opportunity.IsClosed = false OR NOT Role LIKE 'x%')"
        " ORDER BY Opportunity.CloseDate DESC NULLS LAST, Id LIMIT 5 OFFSET 3"
    )

    assert query == Query(
        fields=(name("Id"), name("Opportunity.Name")),
        object=name("OpportunityContactRole"),
        where=And(
            (
                Comparison(name("ContactId"), "IN", (text("a"), text("b"))),
                Or(
                    (
                        Comparison(name("Opportunity.IsClosed"), "=", Value("boolean", False)),
                        Not(Comparison(name("Role"), "LIKE", Value("pattern", "x%"))),
                    )
                ),
            )
        ),
        order=(Order(name("Opportunity.CloseDate"), descending=True, nulls_last=True), Order(name("Id"))),
        limit=5,
        offset=3,
    )


def test_count_has_no_fields() -> None:
    assert parse("select count() from Task") == Query((), name("Task"), is_count=True)


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("null", Value("null", None)),
        ("TRUE", Value("boolean", True)),
        ("-12", Value("number", -12)),
        ("1.5", Value("number", 1.5)),
        ("2026-11-23", Value("date", "2026-11-23")),
        ("2026-11-23T10:00:00Z", Value("datetime", "2026-11-23T10:00:00.000+0000")),
        ("2026-11-23T10:00:00.123+01:00", Value("datetime", "2026-11-23T09:00:00.000+0000")),
        ("2026-11-23T10:00:00-0500", Value("datetime", "2026-11-23T15:00:00.000+0000")),
        (r"'it\'s'", text("it's")),
        (r"'a\\b\n\t\"'", text('a\\b\n\t"')),
        (r"'\u00e9'", text("é")),
        ("''", text("")),
    ],
)
def test_literals(literal: str, value: Value) -> None:
    assert parse(f"SELECT Id FROM Task WHERE X = {literal}").where == Comparison(name("X"), "=", value)


@pytest.mark.parametrize("operator", ["=", "!=", "<", "<=", ">", ">="])
def test_comparisons(operator: str) -> None:
    assert parse(f"SELECT Id FROM Task WHERE X {operator} 1").where == Comparison(
        name("X"), operator, Value("number", 1)
    )


def test_not_equal_has_two_spellings() -> None:
    assert parse("SELECT Id FROM Task WHERE X <> 1") == parse("SELECT Id FROM Task WHERE X != 1")


def test_not_in() -> None:
    assert parse("SELECT Id FROM Task WHERE X NOT IN ('a')").where == Comparison(name("X"), "NOT IN", (text("a"),))


def test_patterns_keep_the_escapes_of_their_signs() -> None:
    assert parse(r"SELECT Id FROM Task WHERE X LIKE 'a\%b\_c\\d\'e'").where == Comparison(
        name("X"), "LIKE", Value("pattern", r"a\%b\_c\\d'e")
    )


@pytest.mark.parametrize(
    ("statement", "column", "message"),
    [
        ("SELECT FROM Task", 8, "unexpected token: 'FROM'"),
        ("SELECT Id FROM", 15, "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Task WHERE X = 1 AND Y = 2 OR Z = 3", 43, "unexpected token: 'OR'"),
        ("SELECT Id FROM Task WHERE X IN ()", 33, "unexpected token: ')'"),
        ("SELECT Id FROM Task WHERE X = 'a", 31, "unexpected token: '''"),
        (r"SELECT Id FROM Task WHERE X = 'a\q'", 33, "Invalid string literal: illegal escape"),
        (r"SELECT Id FROM Task WHERE X = '\_'", 32, "Invalid string literal: illegal escape"),
        ("SELECT Id FROM Task WHERE X = 2026-13-01", 31, "unexpected token: '2026-13-01'"),
        ("SELECT Id FROM Task LIMIT -1", 27, "unexpected token: '-1'"),
        ("SELECT Id FROM Task; DELETE", 20, "unexpected token: ';'"),
        ("SELECT Id, (SELECT Id FROM Tasks) FROM Contact", 12, "unexpected token: '('"),
        ("SELECT Id FROM Task GROUP BY Id", 21, "unexpected token: 'GROUP'"),
    ],
)
def test_malformed_statements_say_where(statement: str, column: int, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse(statement)

    lines = caught.value.message.split("\n")
    assert caught.value.code == "MALFORMED_QUERY"
    assert lines[0] == ""
    assert lines[2] == " " * (column - 1) + "^"
    assert lines[3:] == [f"ERROR at Row:1:Column:{column}", message]


def test_long_statements_show_only_the_place() -> None:
    with pytest.raises(ApiError) as caught:
        parse("SELECT Id FROM Task WHERE X IN (" + "'aaaaaaaaaa', " * 50 + ")")

    _, shown, caret, place, _ = caught.value.message.split("\n")
    assert shown[len(caret) - 1] == ")"
    assert len(shown) < 110
    assert place == "ERROR at Row:1:Column:733"


def test_deep_nesting_is_refused() -> None:
    for opened in ("(" * 20_000, "NOT " * 20_000):
        with pytest.raises(ApiError) as caught:
            parse(f"SELECT Id FROM Task WHERE {opened}")
        assert caught.value.code == "MALFORMED_QUERY"


def test_limits_of_statement_string_and_offset() -> None:
    for statement, code in (
        ("SELECT Id FROM Task" + " " * 100_000, "MALFORMED_QUERY"),
        (f"SELECT Id FROM Task WHERE X = '{'a' * 4_001}'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Task OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
    ):
        with pytest.raises(ApiError) as caught:
            parse(statement)
        assert caught.value.code == code


@given(st.text())
def test_any_text_is_parsed_or_refused(statement: str) -> None:
    with suppress(ApiError):
        assert isinstance(parse(statement), Query)


def quote(value: str) -> str:
    signs = {"\\": "\\\\", "'": "\\'", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
    return "'" + "".join(signs.get(letter, letter) for letter in value) + "'"


@given(st.lists(st.text(max_size=50), min_size=1, max_size=20))
def test_quoted_values_come_back_unchanged(values: list[str]) -> None:
    statement = f"SELECT Id FROM Contact WHERE Email IN ({','.join(map(quote, values))}) LIMIT 7"

    assert parse(statement) == Query(
        (name("Id"),),
        name("Contact"),
        Comparison(name("Email"), "IN", tuple(text(value) for value in values)),
        limit=7,
    )
