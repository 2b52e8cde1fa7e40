"""WebDAV's multistatus answers (RFC 4918 §13), read with bounds: no DTD, no entities, so deep, so many elements."""

import re
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from integrations.calendar.errors import AnswerTooLarge, NotCalendars

DAV, CALDAV, SERVER = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}", "{http://calendarserver.org/ns/}"
DEPTH = 30
ELEMENTS = 200_000
MOST_ITEMS = 20_000
TAG_BYTES = 64 * 1024
_CHUNK = 32 * 1024
_STATUS = re.compile(r"HTTP/[\d.]+ (\d{3})")


@dataclass(frozen=True, slots=True)
class Item:
    """One `response`: of what, its status (200 where only properties are told), the properties that were found."""

    href: str
    status: int
    props: dict[str, Element] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """A property's text; empty where there is none."""
        found = self.props.get(name)
        return (found.text or "").strip() if found is not None else ""

    def hrefs(self, name: str) -> list[str]:
        """The hrefs in a property."""
        found = self.props.get(name)
        if found is None:
            return []
        return [each.text.strip() for each in found.iter(f"{DAV}href") if each.text and each.text.strip()]


@dataclass(frozen=True, slots=True)
class Multistatus:
    """The whole answer, with the sync-token of a sync-collection report."""

    items: tuple[Item, ...]
    sync_token: str = ""


class _Bounded:
    """Builds the tree of ElementTree, up to a depth and a number of elements."""

    def __init__(self) -> None:
        self._open: list[Element] = []
        self._count = 0
        self._root: Element | None = None
        self._texts: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > ELEMENTS or len(self._open) >= DEPTH:
            raise AnswerTooLarge
        self._put_text()
        element = Element(tag)
        if self._open:
            self._open[-1].append(element)
        else:
            self._root = element
        if tag == f"{CALDAV}comp":
            element.set("name", attributes.get("name", ""))
        self._open.append(element)

    def end(self, tag: str) -> None:
        self._put_text()
        self._open.pop()

    def data(self, text: str) -> None:
        self._texts.append(text)

    def close(self) -> Element | None:
        return self._root

    def _put_text(self) -> None:
        if self._open and self._texts and self._open[-1].text is None:
            self._open[-1].text = "".join(self._texts)
        self._texts.clear()


def parse(body: bytes) -> Element:
    """The root element. Raises NotCalendars for what is no XML, AnswerTooLarge beyond the bounds."""
    parser: Any = DefusedXMLParser(target=_Bounded(), forbid_dtd=True)
    try:
        for start in range(0, len(body), _CHUNK):
            chunk = body[start : start + _CHUNK]
            parser.feed(chunk)
            # What expat has not taken yet is one tag that does not end.
            if start + len(chunk) - parser.parser.CurrentByteIndex > TAG_BYTES:
                raise AnswerTooLarge
        root = parser.close()
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise NotCalendars from None
    if root is None:
        raise NotCalendars
    return root


def read_multistatus(body: bytes) -> Multistatus:
    """The answer's items in their order. Raises NotCalendars, AnswerTooLarge."""
    root = parse(body)
    if root.tag != f"{DAV}multistatus":
        raise NotCalendars
    responses = root.findall(f"{DAV}response")
    if len(responses) > MOST_ITEMS:
        raise AnswerTooLarge
    items = [item for response in responses for item in _items_of(response)]
    return Multistatus(tuple(items), (root.findtext(f"{DAV}sync-token") or "").strip())


def _items_of(response: Element) -> list[Item]:
    """One item for each href: a response with a status may name several."""
    status, props = _status_of(response), {}
    for propstat in response.findall(f"{DAV}propstat"):
        if 200 <= _status_of(propstat) < 300:
            for prop in propstat.findall(f"{DAV}prop"):
                props |= {each.tag: each for each in prop}
    return [Item((each.text or "").strip(), status, props) for each in response.findall(f"{DAV}href")]


def _status_of(element: Element) -> int:
    found = _STATUS.match((element.findtext(f"{DAV}status") or "").strip())
    return int(found[1]) if found else 200
