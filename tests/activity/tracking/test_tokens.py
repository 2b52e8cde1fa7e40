"""Tokens: long, bound to their purpose, not to be made from one another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activity.tracking.tokens import Purpose, Token, is_genuine, make_token, new_key, new_lookup, read_token

COPY, KEY = new_lookup(), new_key()


@given(st.integers(0, 65_535), st.sampled_from(Purpose))
def test_a_token_says_what_it_was_made_for(position: int, purpose: Purpose) -> None:
    text = make_token(COPY, KEY, purpose, position)
    token = read_token(text)

    assert token is not None
    assert (len(text), token.copy, token.position) == (40, COPY, position)
    assert [each for each in Purpose if is_genuine(token, KEY, each)] == [purpose]


def test_no_token_is_made_from_another() -> None:
    token = read_token(make_token(COPY, KEY, Purpose.CLICK, 1))
    assert token is not None
    others = [
        Token(token.copy, 2, token.tag),
        Token(token.copy, 257, token.tag),
        Token(token.copy, 1, token.tag[:-1] + bytes([token.tag[-1] ^ 1])),
        Token(token.copy, 1, b""),
    ]

    assert [is_genuine(each, KEY, Purpose.CLICK) for each in others] == [False] * 4
    assert not is_genuine(token, new_key(), Purpose.CLICK)


@given(st.integers(0, 39), st.sampled_from("ABab09-_"))
def test_any_other_character_makes_it_another_token(place: int, character: str) -> None:
    text = make_token(COPY, KEY, Purpose.OPEN)
    changed = text[:place] + character + text[place + 1 :]
    token = read_token(changed)

    assert token is not None
    genuine = token.copy == COPY and is_genuine(token, KEY, Purpose.OPEN)
    assert genuine is (changed == text)


@pytest.mark.parametrize(
    "text", ["", "x", "A" * 39, "A" * 41, "A" * 39 + "=", "A" * 39 + "\n", "A" * 39 + "/", "é" * 40, "A" * 40 + "\n"]
)
def test_what_is_no_token(text: str) -> None:
    assert read_token(text) is None


def test_lookups_and_keys_do_not_repeat() -> None:
    assert len({new_lookup() for _ in range(1_000)} | {new_key() for _ in range(1_000)}) == 2_000
    assert len({each.version for each in (new_lookup() for _ in range(200))}) > 1, "all 128 bits are random"
