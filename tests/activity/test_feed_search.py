"""The search line of the Live Feed."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activity.feed_search import IS_KINDS, FeedSearch, parse_search
from activity.models import Kind

TODAY = date(2026, 11, 23)
YEAR_2000, YEAR_2999 = date(2000, 1, 1), date(2999, 12, 31)


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
        ("Re:pricing", FeedSearch(words=["re:pricing"])),
        ("- pricing -50% e-mail", FeedSearch(words=["-", "pricing", "-50%", "e-mail"])),
        ("Straße", FeedSearch(words=["straße"])),
        ("sent:2026-02", FeedSearch(since=date(2026, 2, 1), until=date(2026, 2, 28))),
        ("sent:2026-02..2026-03-05", FeedSearch(since=date(2026, 2, 1), until=date(2026, 3, 5))),
        ("sent:2026-03-05..2026-02", FeedSearch(since=date(2026, 2, 1), until=date(2026, 3, 5))),
        ("sent:2026-03..2026-02", FeedSearch(since=date(2026, 2, 1), until=date(2026, 3, 31))),
        ('subject:"never closed', FeedSearch(subjects=["never closed"])),
    ],
)
def test_a_line_is_read(text, expected):
    assert parsed(text) == expected


DATES = "Write a date like sent:2026-11-23, a month like sent:2026-11, or a range like sent:2026-11-01..2026-11-23."
KINDS = "Try one of: opened, clicked, downloaded, replied, received, sent, meeting, bounced, private, unsynced."


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("is:nonsense", f"“is:nonsense” is not known. {KINDS}"),
        ("is:open", "“is:open” is not known. Did you mean “is:opened”?"),
        ("is:", "Say what after “is:”, without a space between."),
        ('to:""', "Say what after “to:”, without a space between."),
        ("sent:soon", f"“sent:soon” is not understood. {DATES}"),
        ("sent:..", f"“sent:..” is not understood. {DATES}"),
        ("sent:9999-12-31", f"“sent:9999-12-31” is not understood. {DATES}"),
        ("sent:9999-12", f"“sent:9999-12” is not understood. {DATES}"),
        ("sent:2026-13-01", f"“sent:2026-13-01” is not understood. {DATES}"),
        ("sent:2026-13", f"“sent:2026-13” is not understood. {DATES}"),
        ("-is:opened", "Things cannot be left out with a minus yet: “-is:” is ignored."),
        ('-subject:"price list"', "Things cannot be left out with a minus yet: “-subject:” is ignored."),
    ],
)
def test_what_is_not_understood_is_named_and_filters_nothing(text, problem):
    assert parsed(text) == FeedSearch(problems=[problem])


def test_of_two_times_the_last_counts_and_that_is_said():
    said = "Only the last “sent:” counts. For several days write a range, with two dots."

    assert parsed("sent:today sent:2026-11-01") == FeedSearch(
        since=date(2026, 11, 1), until=date(2026, 11, 1), problems=[said]
    )


OPERATORS = "Operators are is:, to:, from:, subject:, sent:."


@pytest.mark.parametrize(
    ("text", "word", "advice"),
    [
        ("form:me", "form:me", "Did you mean “from:me”?"),
        ("before:2026-11-01", "before:2026-11-01", "Did you mean “sent:..2026-11-01”?"),
        ("SINCE:yesterday", "since:yesterday", "Did you mean “sent:yesterday..”?"),
        ('about:"price list"', "about:price list", 'Did you mean “subject:"price list"”?'),
        ("has:attachment", "has:attachment", OPERATORS),
    ],
)
def test_what_looks_like_an_operator_is_taken_for_text_and_that_is_said(text, word, advice):
    operator, _, value = text.lower().partition(":")
    hint = f"“{operator}:” is no operator, so “{operator}:{value}” is searched for as text. {advice}"

    assert parsed(text) == FeedSearch(words=[word], hints=[hint])


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


def quoted(value: str) -> str:
    return f'"{value}"'


VALUES = (
    st.text(st.characters(exclude_characters='"\0'), min_size=1, max_size=20)
    .map(lambda text: " ".join(text.lower().split()))
    .filter(lambda value: value == value.lower().strip() != "")
)
LISTS = st.lists(VALUES, max_size=3)


@given(
    kinds=st.sets(st.sampled_from(sorted(IS_KINDS))),
    to=LISTS,
    sender=LISTS,
    subjects=LISTS,
    words=LISTS,
    day=st.dates(YEAR_2000, YEAR_2999),
    random=st.randoms(),
)
def test_whatever_is_written_is_read_back_in_any_order(kinds, to, sender, subjects, words, day, random):
    """Within one operator the order is kept; everything else may stand anywhere."""
    groups = [
        [f"is:{kind}" for kind in kinds],
        [f"TO:{quoted(value)}" for value in to],
        [f"from:{quoted(value)}" for value in sender],
        [f"Subject:{quoted(value)}" for value in subjects],
        [quoted(value) for value in words],
        [f"sent:{day}"],
    ]
    random.shuffle(groups)
    line = " ".join(term for group in groups for term in group)

    expected = FeedSearch(
        kinds={kind for name in kinds for kind in IS_KINDS[name]},
        to=to,
        sender=sender,
        subjects=subjects,
        words=words,
        since=day,
        until=day,
    )
    assert parsed(line) == expected


@given(st.text('is:to from"-.sent20261ubject', max_size=60))
def test_everything_said_is_a_sentence_and_every_term_counts(text):
    """Text near the operators: nothing is dropped without a word."""
    found = parsed(text)

    said = found.problems + found.hints
    assert all(sentence.endswith((".", "?")) for sentence in said)
    assert not text.replace('"', "").strip() or found != FeedSearch()
