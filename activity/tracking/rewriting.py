"""Puts tracking into the HTML of a message: links lead through us, a pixel ends it, the rest stays as it was."""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from activity.tracking.markup import Markup, Tag, read_markup
from activity.tracking.targets import read_target

LINKS = frozenset({"a", "area"})
MARK, UNTRACKED = "data-touchline", "untracked"
"""`<a href="…" data-touchline="untracked">` stays as it is."""

# A way out must work even if we do not: the words that stand on it, and those in its address.
_WAY_OUT = re.compile(
    r"unsubscrib|opt[\s-]?out|manage\s+(?:your\s+)?(?:e-?mail\s+)?preferences|abmeld|abbestell|d[ée]sabonn|d[ée]sinscri"
    r"|darse\s+de\s+baja|cancelar\s+(?:la\s+)?suscripci|cancelar\s+(?:a\s+)?(?:inscri|subscri)|disiscri"
    r"|annulla\w{0,9}\s+(?:l['’]\s?)?iscrizion|uitschrijv|afmeld|avregistrer|wypisz|отпис|退订|退訂|取消订阅|配信停止|配信解除|수신거부",
    re.IGNORECASE,
)
_LONGEST_LINK_TEXT = 2_000


@dataclass(frozen=True, slots=True)
class Template:
    """A message's HTML, cut where addresses go: `pieces` and, between them, a target each or None for the pixel.

    `targets` are what the links lead to, each once, in the order of their first link.
    """

    pieces: tuple[str, ...]
    places: tuple[str | None, ...]

    @property
    def targets(self) -> tuple[str, ...]:
        """The addresses that links are led through us to."""
        return tuple(dict.fromkeys(place for place in self.places if place is not None))

    def fill(self, links: Mapping[str, str], pixel: str) -> str:
        """The HTML with `links` (target to our address) and the pixel's address."""
        parts = [self.pieces[0]]
        for place, piece in zip(self.places, self.pieces[1:], strict=True):
            address = html.escape(pixel if place is None else links[place])
            parts += [
                f'<img src="{address}" width="1" height="1" alt="">' if place is None else f'"{address}"',
                piece,
            ]
        return "".join(parts)


def read_template(text: str, *, most: int, is_ours: Callable[[str], bool]) -> Template:
    """Cut the HTML where its links and its pixel go.

    Left alone are links that are no web address (mailto:, tel:, #anchors, relative ones), ways out of a mailing,
    those marked `data-touchline="untracked"`, those that lead to us already, and what is more than `most` targets.
    """
    markup = read_markup(text)
    seen: set[str] = set()
    cuts: list[tuple[int, int, str | None]] = []
    for tag, target in _tracked_links(text, markup):
        if is_ours(target) or (target not in seen and len(seen) >= most):
            continue
        seen.add(target)
        cuts.append((tag.attributes["href"].start, tag.attributes["href"].end, target))
    place = _place_of_pixel(markup)
    cuts = sorted([*cuts, (place, place, None)], key=lambda cut: cut[:2])
    edges = [0, *(edge for start, end, _ in cuts for edge in (start, end)), len(text)]
    pieces = tuple(text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True))
    return Template(pieces, tuple(target for _, _, target in cuts))


def _tracked_links(text: str, markup: Markup) -> list[tuple[Tag, str]]:
    """The links that are to lead through us, each with its target."""
    anchors = [tag for tag in markup.tags if tag.name in LINKS]
    ends = [*(tag.start for tag in anchors), markup.closed_until]
    found = []
    for tag, end in zip(anchors, ends[1:], strict=True):
        href = tag.attributes.get("href")
        if tag.is_end or href is None or _is_marked(tag):
            continue
        target = read_target(href.text)
        shown = text[tag.start : min(end, tag.end + _LONGEST_LINK_TEXT)]
        if target and not _WAY_OUT.search(target) and not _WAY_OUT.search(html.unescape(shown)):
            found.append((tag, target))
    return found


def _is_marked(tag: Tag) -> bool:
    mark = tag.attributes.get(MARK)
    return mark is not None and mark.text.strip().lower() == UNTRACKED


def _place_of_pixel(markup: Markup) -> int:
    """Before the last </body> or </html>; without one, before whatever is begun and never ends, else at the end."""
    for name in ("body", "html"):
        ends = [tag.start for tag in markup.tags if tag.is_end and tag.name == name]
        if ends:
            return ends[-1]
    return markup.closed_until
