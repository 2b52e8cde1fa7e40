"""The search line of the Live Feed."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activity.feed_search import IS_KINDS, FeedSearch, parse_search
from activity.models import Kind

TODAY = date(2026, 11, 23)


def parsed(text: str) -> FeedSearch:
    return parse_search(text, TODAY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", FeedSearch()),
        ("hello world", FeedSearch(words=["hello", "world"])),
        ('"price list"', FeedSearch(words=["price list"])),
        ("is:opened", FeedSearch(kinds={Kind.OPENED})),
        ("IS:Opened is:clicked", FeedSearch(kinds={Kind.OPENED, Kind.CLICKED})),
        ("is:meeting", FeedSearch(kinds={Kind.MEETING_CONFIRMED, Kind.MEETING_CANCELED})),
        ("is:private is:unsynced", FeedSearch(is_private=True, is_unsynced=True)),
        ("to:Grace@Hopper.example", FeedSearch(to=["grace@hopper.example"])),
        ("to:a@b.c to:d.e", FeedSearch(to=["a@b.c", "d.e"])),
        ("from:me", FeedSearch(sender=["me"])),
        ('subject:"price list" grace', FeedSearch(subjects=["price list"], words=["grace"])),
        ("sent:2026-11-01", FeedSearch(since=date(2026, 11, 1), until=date(2026, 11, 1))),
        ("sent:today", FeedSearch(since=TODAY, until=TODAY)),
        ("sent:yesterday..today", FeedSearch(since=date(2026, 11, 22), until=TODAY)),
        ("sent:2026-11-01..2026-11-10", FeedSearch(since=date(2026, 11, 1), until=date(2026, 11, 10))),
        ("sent:2026-11-10..2026-11-01", FeedSearch(since=date(2026, 11, 1), until=date(2026, 11, 10))),
        ("sent:2026-11-01..", FeedSearch(since=date(2026, 11, 1))),
        ("sent:..2026-11-10", FeedSearch(until=date(2026, 11, 10))),
        ("https://acme.example", FeedSearch(words=["https://acme.example"])),
        ("Re: pricing", FeedSearch(words=["re:", "pricing"])),
        ('subject:"never closed', FeedSearch(subjects=["never closed"])),
    ],
)
def test_a_line_is_read(text, expected):
    assert parsed(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("is:nonsense", "“is:nonsense” is not known."),
        ("sent:soon", "Write a date like sent:2026-11-23,"),
        ("sent:..", "Write a date like sent:2026-11-23,"),
        ("sent:9999-12-31", "Write a date like sent:2026-11-23,"),
        ("sent:2026-13-01", "Write a date like sent:2026-11-23,"),
        ('to:""', "Say what after “to:”."),
    ],
)
def test_what_is_not_understood_is_named_and_filters_nothing(text, problem):
    found = parsed(text)

    assert [each[: len(problem)] for each in found.problems] == [problem]
    found.problems.clear()
    assert found == FeedSearch()


def test_every_kind_can_be_asked_for():
    assert {kind for kinds in IS_KINDS.values() for kind in kinds} == set(Kind)


@pytest.mark.parametrize(
    ("text", "reads"), [("is:opened", False), ("sent:today", False), ("to:a@b.c", True), ("x", True)]
)
def test_it_is_known_which_searches_read_what_is_private(text, reads):
    assert parsed(text).reads_content is reads


@given(st.text(max_size=600))
def test_no_text_breaks_it_and_nothing_gets_a_nul_byte(text):
    found = parsed(text)

    values = found.words + found.subjects + found.to + found.sender
    assert all(value and "\0" not in value for value in values)
    assert found.since is None or found.until is None or found.since <= found.until
