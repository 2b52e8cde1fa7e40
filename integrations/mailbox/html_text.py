"""HTML to the text that a person reads, in one pass: no tree is built, nothing is fetched, links keep their words."""

import html
import re

from integrations.mailbox.limits import HTML_CHARACTERS

_BLOCK = re.compile(
    r"address|article|aside|blockquote|center|d[dlt]|div|fieldset|figcaption|figure|footer|form|h[1-6]|header|hr|main"
    r"|nav|[ou]l|p|pre|section|table|tbody|tfoot|thead|tr"
)
_UNSEEN = frozenset({"head", "noscript", "object", "script", "style", "svg", "template", "title"})
_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9:-]*)")
_SPACE = re.compile(r"[ \t\r\n\f\xa0\u200b\u200c\u200d\ufeff]+")
_LINES = re.compile(r"\n{3,}")


def to_text(source: str) -> str:
    """The readable text; at most the first HTML_CHARACTERS are looked at."""
    return _Reader(source[:HTML_CHARACTERS]).read()


class _Reader:
    def __init__(self, source: str) -> None:
        self.source, self.at, self.out = source, 0, [""]
        self._lower = source.lower()
        self._unclosed: set[str] = set()  # looked for once, not again for each of thousands

    def read(self) -> str:
        while self.at < len(self.source):
            found = self.source.find("<", self.at)
            self._say(self.source[self.at : found if found >= 0 else None])
            if found < 0:
                break
            self.at = found
            self._markup()
        lines = (line.strip() for line in "".join(self.out).split("\n"))
        return _LINES.sub("\n\n", "\n".join(lines)).strip()

    def _say(self, text: str) -> None:
        text = _SPACE.sub(" ", html.unescape(text))
        if text and not (text == " " and self.out[-1].endswith((" ", "\n", "\t"))):
            self.out.append(text.lstrip() if self.out[-1].endswith(("\n", " ")) else text)

    def _markup(self) -> None:
        """At a `<`: skip a comment, declaration or tag; a lone one is text."""
        if self.source.startswith("<!--", self.at):
            self._skip_behind("-->")
        elif self.source.startswith(("<!", "<?"), self.at):
            self._skip_behind(">")
        elif found := _TAG.match(self.source, self.at):
            self._tag(found[1].lower(), is_end=self.source[self.at + 1] == "/")
        else:
            self.out.append("<")
            self.at += 1

    def _tag(self, name: str, *, is_end: bool) -> None:
        self.at = self._end_of_tag()
        if name in _UNSEEN and not is_end:
            closing = -1 if name in self._unclosed else self._lower.find(f"</{name}", self.at)
            if closing >= 0:
                self.at = closing
            elif name == "head":  # one that is never closed ends where the body begins
                self._unclosed.add(name)
            else:
                self.at = len(self.source)
        elif name == "br":
            self.out.append("\n")
        elif name == "li" and not is_end:
            self.out.append("\n- ")
        elif name in ("td", "th") and is_end:
            self.out.append(" ")
        elif _BLOCK.fullmatch(name):
            self.out.append("\n\n" if name == "p" else "\n")

    def _end_of_tag(self) -> int:
        """Behind the tag's `>`; one in quotation marks belongs to an attribute."""
        plain = self.source.find(">", self.at)
        if plain < 0:
            return len(self.source)
        at, limit = self.at, min(len(self.source), self.at + 4096)
        quote = ""
        while at < limit:
            sign = self.source[at]
            if quote:
                quote = "" if sign == quote else quote
            elif sign in "\"'" and self.source[at - 1] in "= ":
                quote = sign
            elif sign == ">":
                return at + 1
            at += 1
        return plain + 1

    def _skip_behind(self, end: str) -> None:
        found = self.source.find(end, self.at)
        self.at = len(self.source) if found < 0 else found + len(end)
