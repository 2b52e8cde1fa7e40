"""Where the tags of an HTML text stand, as browsers find them: the tokenizer of the HTML Standard (§13.2.5).

It says places and changes nothing, so that who rewrites leaves everything else byte for byte as it was. It needs one
pass, whatever the text: what is not closed reaches to the end. Left out is the double escape of scripts
(`<script><!--<script>`), which mail programs do not run.
"""

import html
import html.entities
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# Their content is text: nothing in it is a tag but their own end.
RAW_TEXT = frozenset({"iframe", "noembed", "noframes", "plaintext", "script", "style", "textarea", "title", "xmp"})

_SPACE = r"\t\n\f\r "
_NAME = re.compile(rf"[A-Za-z][^{_SPACE}/>]*")
_BEFORE_ATTRIBUTE = re.compile(rf"[{_SPACE}/]*")
_ATTRIBUTE = re.compile(rf"[^{_SPACE}/>][^{_SPACE}/>=]*")
_EQUALS = re.compile(rf"[{_SPACE}]*=[{_SPACE}]*")
_UNQUOTED = re.compile(rf"[^{_SPACE}>]*")
_COMMENT_END = re.compile(r"--!?>")
_REFERENCE = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9A-Fa-f]+;?|[A-Za-z][A-Za-z0-9]*;?)=?")


@dataclass(frozen=True, slots=True)
class Value:
    """The value of an attribute: what it says, and where it stands with its quotes."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Tag:
    """A start or end tag, its name in lower case; of attributes that stand twice the first one counts."""

    name: str
    is_end: bool
    start: int
    end: int
    attributes: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Markup:
    """The tags of a text in their order. From `closed_until` on, something is begun that never ends."""

    tags: tuple[Tag, ...]
    closed_until: int


def read_markup(text: str) -> Markup:
    """Find the tags."""
    reader = _Reader(text)
    return Markup(tuple(reader.tags()), reader.closed_until)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.closed_until = len(text)

    def tags(self) -> Iterator[Tag]:
        at = 0
        while (at := self.text.find("<", at)) >= 0:
            begun = at
            tag, at = self._construct(at)
            if tag is not None:
                yield tag
                if tag.name in RAW_TEXT and not tag.is_end:
                    at = self._end_of_raw_text(tag)
            if at < 0:
                self.closed_until = begun
                return

    def _construct(self, at: int) -> tuple[Tag | None, int]:
        """What the "<" at this place begins, and where to go on; -1 when it never ends."""
        follows = self.text[at + 1 : at + 3]
        if follows[:1].isascii() and follows[:1].isalpha():
            return self._tag(at, at + 1, is_end=False)
        if follows[:1] == "/" and follows[1:].isascii() and follows[1:].isalpha():
            return self._tag(at, at + 2, is_end=True)
        if self.text.startswith("<!--", at):
            return None, self._end_of_comment(at)
        if follows[:1] in ("!", "?") or (follows[:1] == "/" and len(follows) == 2):
            return None, self._after(">", at + 2)
        return None, at + 1

    def _end_of_comment(self, at: int) -> int:
        for empty in ("<!-->", "<!--->"):
            if self.text.startswith(empty, at):
                return at + len(empty)
        found = _COMMENT_END.search(self.text, at + 4)
        return found.end() if found else -1

    def _end_of_raw_text(self, tag: Tag) -> int:
        """Where the element's end tag begins."""
        if tag.name == "plaintext":
            return -1
        found = re.compile(rf"</{tag.name}(?=[{_SPACE}/>])", re.IGNORECASE | re.ASCII).search(self.text, tag.end)
        return found.start() if found else -1

    def _after(self, mark: str, at: int) -> int:
        found = self.text.find(mark, at)
        return found + 1 if found >= 0 else -1

    def _tag(self, start: int, at: int, *, is_end: bool) -> tuple[Tag | None, int]:
        name = _NAME.match(self.text, at)
        at = name.end()
        attributes: dict[str, Value] = {}
        while True:
            at = _BEFORE_ATTRIBUTE.match(self.text, at).end()
            if at >= len(self.text):
                return None, -1
            if self.text[at] == ">":
                return Tag(name[0].lower(), is_end, start, at + 1, attributes), at + 1
            found = _ATTRIBUTE.match(self.text, at)
            value, at = self._value(found.end())
            if at < 0:
                return None, -1
            attributes.setdefault(found[0].lower(), value)

    def _value(self, at: int) -> tuple[Value, int]:
        """The value after an attribute's name, and where to go on; -1 when its quotes are never closed."""
        equals = _EQUALS.match(self.text, at)
        if equals is None:
            return Value("", at, at), at
        start = equals.end()
        quote = self.text[start : start + 1]
        if quote in ('"', "'") and quote:
            end = self._after(quote, start + 1)
            return Value(decode_references(self.text[start + 1 : end - 1]), start, end), end
        end = _UNQUOTED.match(self.text, start).end()
        return Value(decode_references(self.text[start:end]), start, end), end


def decode_references(text: str) -> str:
    """Resolve character references as in an attribute (§13.2.5.73): `&copy=1` in an address is no ©."""
    return _REFERENCE.sub(_resolve, text) if "&" in text else text


def _resolve(reference: re.Match[str]) -> str:
    text = reference[0].removesuffix("=")
    rest = reference[0][len(text) :]
    if text[1] == "#":
        return html.unescape(text) + rest
    if text[1:] not in html.entities.html5 or (rest and not text.endswith(";")):
        return reference[0]
    return html.entities.html5[text[1:]] + rest
