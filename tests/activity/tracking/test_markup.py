"""Tags are found where browsers find them."""

import time

import pytest

from activity.tracking.markup import decode_references, read_markup


def tags(text: str) -> list[str]:
    """The tags as they stand in the text."""
    return [text[tag.start : tag.end] for tag in read_markup(text).tags]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>Hi <b>x</b></p>", ["<p>", "<b>", "</b>", "</p>"]),
        ("<a href='>'>x</a>", ["<a href='>'>", "</a>"]),
        ("a < b <1> </ a> <>", []),
        ("<!-- <a> --><b>", ["<b>"]),
        ("<!--><a>", ["<a>"]),
        ("<!---><a>", ["<a>"]),
        ("<!-- --!><a>", ["<a>"]),
        ("<!doctype html><a>", ["<a>"]),
        ("<![if !mso]><a><![endif]>", ["<a>"]),
        ("<?xml <b?><a>", ["<a>"]),
        ("<script>'<a>'</script><b>", ["<script>", "</script>", "<b>"]),
        ("<style><a></STYLE ><b>", ["<style>", "</STYLE >", "<b>"]),
        ("<textarea><a></textareas></textarea/><b>", ["<textarea>", "</textarea/>", "<b>"]),
        ("<title><a></title><b>", ["<title>", "</title>", "<b>"]),
        ("<plaintext><a>", ["<plaintext>"]),
        ("<o:p>x</o:p>", ["<o:p>", "</o:p>"]),
        ("<a/href=x>", ["<a/href=x>"]),
    ],
)
def test_tags(text: str, expected: list[str]) -> None:
    assert tags(text) == expected


@pytest.mark.parametrize(
    ("text", "href", "raw"),
    [
        ('<a href="x y">', "x y", '"x y"'),
        ("<a href='x'>", "x", "'x'"),
        ("<a href=x/>", "x/", "x/"),
        ("<a HREF = x>", "x", "x"),
        ('<a href="a&amp;b">', "a&b", '"a&amp;b"'),
        ('<a href="first" href="second">', "first", '"first"'),
        ('<a title="href=z" href="x"id=1>', "x", '"x"'),
        ("<a =href=x href=y>", "y", "y"),
        ("<a href>", "", ""),
        ("<a href=>", "", ""),
        ("<a\nhref\n=\n'x'>", "x", "'x'"),
    ],
)
def test_attributes(text: str, href: str, raw: str) -> None:
    [tag] = read_markup(text).tags
    value = tag.attributes["href"]

    assert (value.text, text[value.start : value.end]) == (href, raw)


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("a=1&copy=2", "a=1&copy=2"),
        ("a=1&copy;2", "a=1©2"),
        ("&copy", "©"),
        ("&notit;", "&notit;"),
        ("&#x41;&#66&amp;lt;", "AB&lt;"),
        ("&;&#;& &unknown;", "&;&#;& &unknown;"),
        ("&amp;=1", "&=1"),
    ],
)
def test_references_as_in_an_attribute(text: str, decoded: str) -> None:
    assert decode_references(text) == decoded


@pytest.mark.parametrize(
    ("text", "closed"),
    [("<p>x</p>", "<p>x</p>"), ('<p><a href="x', "<p>"), ("<p><!-- x", "<p>"), ("<p><style>x", "<p>"), ("x<a", "x")],
)
def test_where_something_begins_that_never_ends(text: str, closed: str) -> None:
    assert text[: read_markup(text).closed_until] == closed


BOMBS = ["<a ", "<!--", '<a href="', "<script>", "</", "<", "<!", "&#", "<a a=a ", "<textarea></", "<a href=x>"]


@pytest.mark.parametrize("piece", BOMBS)
def test_time_grows_with_the_text_alone(piece: str) -> None:
    """A quadratic reader needs minutes for these."""
    started = time.process_time()
    read_markup(piece * (300_000 // len(piece)))

    assert time.process_time() - started < 5
