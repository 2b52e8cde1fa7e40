"""Queries keep their shape whatever the values hold."""

from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta, timezone
from enum import IntEnum

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from integrations.salesforce.people import EMAIL_LENGTH
from integrations.salesforce.soql import build_query, in_chunks, is_sendable, unique
from integrations.salesforce.stand_in import soql as parser

BOUNDARY_CHARACTERS = (
    "'\"\\%_()[]{},;:=<>!?&|~*^+-#/\n\r\t\b\f\x00\x0b\x1b\x7f\x85\u2028\u2029\ufeff\u200b’＇éß𝒳\ud800"
)
FRAGMENTS = (
    "ada@example.com",
    "' OR Id != '",
    "') OR (Email LIKE '%",
    "\\' OR 1=1 --",
    "\\",
    "\\\\'",
    "'; DELETE",
    "{addresses}",
    "{0}",
    "{x:literal}",
    "null",
    "2026-11-23T10:00:00Z",
    "o'brien@example.com",
    "u0027",
    "\\u0027",
    "&q=SELECT",
    "%27",
)
hostile_text = st.lists(
    st.one_of(
        st.sampled_from(FRAGMENTS),
        st.text(st.sampled_from(BOUNDARY_CHARACTERS), max_size=5),
        st.text(max_size=10),
    ),
    max_size=6,
).map("".join)


def shape(node: object) -> object:
    """A parsed query without the values of its strings: what an injected value must not change."""
    if isinstance(node, parser.Value):
        return (node.kind, None if node.kind == "string" else node.value)
    if isinstance(node, tuple):
        return tuple(shape(part) for part in node)
    if is_dataclass(node):
        return (type(node).__name__, *(shape(part) for part in parts_of(node)))
    return node


def parts_of(node: object) -> list[object]:
    """The fields that make up a node; positions and the text itself take no part."""
    return [getattr(node, part.name) for part in fields(node) if part.compare]


def address_query(addresses: list[str]) -> str:
    clauses = "WHERE Email IN {addresses} AND Name = {name} AND IsDeleted = {no} ORDER BY Id LIMIT {limit}"
    return build_query(
        "Contact", ("Id", "Account.Name"), clauses, addresses=addresses, name=addresses[0], no=False, limit=5
    )


PLAIN_SHAPE = {count: shape(parser.parse(address_query(["x"] * count))) for count in range(1, 101)}


def strings_of(node: object) -> list[str]:
    if isinstance(node, parser.Value):
        return [node.value] if node.kind == "string" else []
    if isinstance(node, tuple):
        return [text for part in node for text in strings_of(part)]
    if is_dataclass(node):
        return [text for part in parts_of(node) for text in strings_of(part)]
    return []


@settings(max_examples=100, deadline=None)
@given(st.lists(hostile_text, min_size=100, max_size=100))
@example(["'"] * 100)
@example(["\\"] * 100)
@example(["') OR (Id != '"] * 100)
def test_10_000_hostile_addresses_keep_the_shape_of_the_query(addresses: list[str]) -> None:
    sendable = [address for address in addresses if is_sendable(address)]
    if not sendable:
        return
    query = parser.parse(address_query(sendable))

    assert shape(query) == PLAIN_SHAPE[len(sendable)]
    assert strings_of(query.where) == [*sendable, sendable[0]]


def test_a_query_as_it_is_sent() -> None:
    query = build_query(
        "Contact",
        ("Id", "Account.Name"),
        "WHERE Email IN {addresses} AND IsDeleted = {no} AND SystemModstamp >= {since} AND Birthdate = {day} "
        "ORDER BY Id LIMIT {limit}",
        addresses=["o'brien@example.com", 'a\\"b\n'],
        no=False,
        since=datetime(2026, 11, 23, 11, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=1))),
        day=date(2026, 11, 23),
        limit=7,
    )

    assert query == (
        "SELECT Id, Account.Name FROM Contact WHERE Email IN ('o\\'brien@example.com','a\\\\\\\"b\\n') "
        "AND IsDeleted = false AND SystemModstamp >= 2026-11-23T10:00:00+00:00 AND Birthdate = 2026-11-23 "
        "ORDER BY Id LIMIT 7"
    )


def test_a_query_without_clauses() -> None:
    assert build_query("TaskStatus", ("ApiName",)) == "SELECT ApiName FROM TaskStatus"


class Number(IntEnum):
    ONE = 1


@pytest.mark.parametrize(
    "value",
    [
        None,
        1.5,
        b"x",
        [],
        (),
        ("a",),
        {"a"},
        {"a": 1},
        [1],
        ["a", None],
        datetime(2026, 11, 23),  # noqa: DTZ001 - the point
        Number.ONE,
        object(),
    ],
)
def test_values_of_other_types_are_refused(value: object) -> None:
    with pytest.raises(TypeError):
        build_query("Contact", ("Id",), "WHERE Name = {value}", value=value)


@pytest.mark.parametrize("text", ["a\x00b", "\x1b", "\x7f", "\ud800", "x" * 4_001])
def test_text_that_salesforce_cannot_take_is_refused(text: str) -> None:
    for value in (text, ["ada@example.com", text]):
        with pytest.raises(ValueError, match="text that a query cannot hold"):
            build_query("Contact", ("Id",), "WHERE Name = {value}", value=value)


@pytest.mark.parametrize(
    "placeholder", ["{value:literal}", "{value:like}", "{value!r}", "{value.x}", "{value[0]}", "{}", "{0}"]
)
def test_ways_around_the_escaping_are_refused(placeholder: str) -> None:
    with pytest.raises(ValueError, match="placeholders are plain names"):
        build_query("Contact", ("Id",), f"WHERE Name = {placeholder}", value="x")


@pytest.mark.parametrize(
    "name", ["", "Id FROM User", "Id,Name", "1d", "Id;", "Id'", "A.", ".A", "A..B", "Ïd", "Id\n"]
)
def test_columns_and_objects_look_like_names(name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        build_query("Contact", (name,))
    with pytest.raises(ValueError, match="not the name"):
        build_query(name, ("Id",))


def test_an_object_is_not_a_path() -> None:
    with pytest.raises(ValueError, match="not the name of a Salesforce object"):
        build_query("Account.Name", ("Id",))


def test_a_query_longer_than_salesforce_takes_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than Salesforce allows"):
        build_query("Contact", ("Id",), "WHERE Name IN {names}", names=["x" * 3_999] * 26)


def test_the_longest_possible_list_of_addresses_fits() -> None:
    build_query("Contact", ("Id",), "WHERE Email IN {a}", a=["'" * EMAIL_LENGTH] * 200)


def test_chunks() -> None:
    assert [list(chunk) for chunk in in_chunks([1, 2, 3, 4, 5], 2)] == [[1, 2], [3, 4], [5]]
    assert list(in_chunks([], 2)) == []


def test_unique_keeps_the_order() -> None:
    assert unique(["b", "a", "b"]) == ["b", "a"]
