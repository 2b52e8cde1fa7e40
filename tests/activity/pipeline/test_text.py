"""Text as Salesforce takes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activity.pipeline.text import INDEXED_BYTES, as_id, cut, many_lines, one_line, utf16_length, without_control

TEXT = st.text(alphabet=st.characters(codec="utf-8"))


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("short", 5, "short"),
        ("longer", 5, "long…"),
        ("word and more", 6, "word…"),
        ("👍👍👍", 6, "👍👍👍"),
        ("👍👍👍", 5, "👍👍…"),
        ("👍👍👍", 4, "👍…"),
        ("Hi 👩\u200d👩\u200d👧 there", 8, "Hi…"),
        ("e\u0301e\u0301e\u0301", 4, "e\u0301…"),
        ("abc", 1, "a"),
        ("", 0, ""),
    ],
)
def test_cut(text: str, limit: int, expected: str) -> None:
    assert cut(text, limit) == expected


@given(text=TEXT, limit=st.integers(0, 60), ending=st.sampled_from(["…", "", "\n[The rest was cut.]"]))
def test_what_is_cut_fits_and_begins_like_the_text(text: str, limit: int, ending: str) -> None:
    result = cut(text, limit, ending)

    assert utf16_length(result) <= limit
    if utf16_length(text) <= limit:
        assert result == text
    else:
        assert text.startswith(result.removesuffix(ending))


@given(text=TEXT)
def test_the_length_is_that_of_utf_16(text: str) -> None:
    assert utf16_length(text) == len(text.encode("utf-16-le")) // 2


@given(text=st.text())
def test_one_line_is_one_line(text: str) -> None:
    line = one_line(text)

    assert len(line.splitlines()) <= 1
    assert line == line.strip()
    assert line.isprintable() or all(character.isprintable() or character > "~" for character in line)


def test_lines_are_kept_and_control_characters_dropped() -> None:
    assert many_lines("\x00a\r\nb\rc\td\x1b \n") == "a\nb\nc\td"


def test_what_postgresql_refuses_is_dropped() -> None:
    assert without_control("a\0b\ud800c\n") == "abc\n"


@given(st.text(max_size=998))
def test_an_id_fits_into_an_index_and_stays_the_same(text: str) -> None:
    short = as_id(text)

    assert len(short.encode("utf-8", "surrogatepass")) <= INDEXED_BYTES
    assert as_id(short) == short
    assert (short == text) == (len(text.encode("utf-8", "surrogatepass")) <= INDEXED_BYTES)


def test_long_ids_are_told_apart() -> None:
    assert as_id("\u3042" * 900 + "1") != as_id("\u3042" * 900 + "2")
