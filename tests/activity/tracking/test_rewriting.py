"""Links lead through us, a pixel ends the message, and nothing else is touched."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as lxml_html

from activity.tracking.markup import read_markup
from activity.tracking.rewriting import read_template
from tests.activity.tracking.polyglots import LINK, POLYGLOTS
from tests.activity.tracking.redirects import PAYLOADS

PIXEL_URL = "https://t.example/t/o/p.gif"
PIXEL = f'<img src="{PIXEL_URL}" width="1" height="1" alt="">'
OURS = "https://t.example/t/"


def rewrite(text: str, most: int = 500) -> str:
    """The text with links to /t/c/0, /t/c/1, … in the order of their targets."""
    template = read_template(text, most=most, is_ours=lambda target: target.startswith(OURS))
    links = {target: f"{OURS}c/{number}" for number, target in enumerate(template.targets)}
    return template.fill(links, PIXEL_URL)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>Hi</p>", f"<p>Hi</p>{PIXEL}"),
        ("<html><body>Hi</body></html>", f"<html><body>Hi{PIXEL}</body></html>"),
        ("<html>Hi</html>\n", f"<html>Hi{PIXEL}</html>\n"),
        ("Hi<!-- no end", f"Hi{PIXEL}<!-- no end"),
        ('Hi<a href="x', f'Hi{PIXEL}<a href="x'),
        ('<a href="https://x.example/">x</a>', f'<a href="{OURS}c/0">x</a>{PIXEL}'),
        ("<a href='https://x.example/'>x</a>", f'<a href="{OURS}c/0">x</a>{PIXEL}'),
        ("<a id=1 href=https://x.example/ class=b>x</a>", f'<a id=1 href="{OURS}c/0" class=b>x</a>{PIXEL}'),
        ('<map><area HREF="https://x.example/"></map>', f'<map><area HREF="{OURS}c/0"></map>{PIXEL}'),
        (
            "<a href=https://x.example/>1</a><a href=https://y.example/>2</a><a href=https://x.example>3</a>",
            f'<a href="{OURS}c/0">1</a><a href="{OURS}c/1">2</a><a href="{OURS}c/0">3</a>{PIXEL}',
        ),
    ],
)
def test_what_is_changed(text: str, expected: str) -> None:
    assert rewrite(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        '<a href="mailto:ben@acme.example">x</a>',
        '<a href="tel:+49301234">x</a>',
        '<a href="#top">x</a>',
        '<a href="/relative">x</a>',
        '<a href="">x</a>',
        "<a name=top>x</a>",
        '<a href="https://x.example/" data-touchline="untracked">x</a>',
        '<a href="https://x.example/" DATA-TOUCHLINE=" Untracked ">x</a>',
        '<a href="https://x.example/">Unsubscribe</a>',
        '<a href="https://x.example/"><b>un&#115;ubscribe</b> here</a>',
        '<a href="https://x.example/"><img alt="Opt out"></a>',
        '<a href="https://x.example/">Newsletter abmelden</a>',
        '<a href="https://x.example/">Se désabonner</a>',
        '<a href="https://x.example/unsubscribe?u=1">here</a>',
        f'<a href="{OURS}c/older">x</a>',
        '<link href="https://x.example/a.css"><img src="https://x.example/a.png">',
        "<!-- <a href='https://x.example/'>x</a> -->",
        '<form action="https://x.example/"></form>',
    ],
)
def test_what_is_left_alone(text: str) -> None:
    assert rewrite(text) == text + PIXEL


def test_only_the_way_out_itself_is_left_alone() -> None:
    text = '<a href="https://x.example/">Offer</a> or <a href="https://y.example/">unsubscribe</a>'

    assert read_template(text, most=9, is_ours=lambda _: False).targets == ("https://x.example/",)


def test_beyond_the_limit_links_stay_as_they_are() -> None:
    text = "".join(f'<a href="https://x.example/{number}">x</a>' for number in (1, 2, 3, 1))

    assert rewrite(text, most=2) == (
        f'<a href="{OURS}c/0">x</a><a href="{OURS}c/1">x</a>'
        f'<a href="https://x.example/3">x</a><a href="{OURS}c/0">x</a>{PIXEL}'
    )


WORDS = ["annulla", "manage ", "manage your ", "cancelar la ", "opt-", "darse de ", "unsubscri", "annulla l’", "é"]


@pytest.mark.parametrize("word", WORDS)
def test_time_grows_with_the_text_alone(word: str) -> None:
    """The words of a way out, begun again and again: a pattern that goes back needs minutes for these."""
    begun = word * (300_000 // len(word))
    started = time.process_time()
    rewrite(f'<a title="{begun}" href="https://x.example/{begun[:1500]}">{begun}</a>')

    assert time.process_time() - started < 5


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_link_that_is_no_clear_web_address_is_left_alone(payload: str) -> None:
    text = f'<a href="{payload}">x</a>'

    assert read_template(text, most=9, is_ours=lambda _: False).targets == ()


def structure(text: str) -> list[tuple[str, dict[str, str]]]:
    """Every element as another parser (libxml2's) sees it, in document order, without addresses and our pixel."""
    root = lxml_html.document_fromstring(f"<div>{text}</div>".replace("\0", ""))
    elements = [each for each in root.iter() if isinstance(each.tag, str) and each.get("src") != PIXEL_URL]
    return [
        (each.tag, {name: "" if name == "href" else value for name, value in each.attrib.items()})
        for each in elements
    ]


@pytest.mark.parametrize("text", POLYGLOTS)
def test_polyglots_keep_their_structure(text: str) -> None:
    changed = rewrite(text)

    assert changed.count(PIXEL) == 1
    assert structure(changed) == structure(text)


@pytest.mark.parametrize("text", POLYGLOTS)
def test_without_tracking_the_text_is_what_it_was(text: str) -> None:
    template = read_template(text, most=500, is_ours=lambda _: False)
    tags = {tag.attributes["href"].start: tag for tag in read_markup(text).tags if "href" in tag.attributes}
    rebuilt, at = "", 0
    for piece, place in zip(template.pieces, (*template.places, None), strict=True):
        assert text.startswith(piece, at)
        rebuilt, at = rebuilt + piece, at + len(piece)
        if place is not None:
            value = tags[at].attributes["href"]
            rebuilt, at = rebuilt + text[value.start : value.end], value.end

    assert rebuilt == text


def test_a_hundred_polyglots() -> None:
    assert len(set(POLYGLOTS)) >= 100
    assert sum("https://x.example/a?b=1&c=2" in read_template(each, most=9, is_ours=lambda _: False).targets
               for each in POLYGLOTS) >= 80, "most of the links are found"  # fmt: skip
    assert all(LINK in each for each in POLYGLOTS)


@given(
    st.lists(
        st.sampled_from([LINK, "<!--", "-->", "<b", ">", "'", '"', "</a>", "<style>", "</style>", "x", "</body>"])
    )
)
def test_any_soup_keeps_every_byte(pieces: list[str]) -> None:
    text = "".join(pieces)
    template = read_template(text, most=9, is_ours=lambda _: False)
    original = {"https://x.example/a?b=1&c=2": "https://x.example/a?b=1&c=2"}

    assert template.fill(original, PIXEL_URL).replace(PIXEL, "", 1) == text
