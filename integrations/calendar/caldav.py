"""A CalDAV client that only reads (RFC 4791, discovery by RFC 6764, changes by RFC 6578).

All methods raise CalendarError, whatever a server does. Paths of resources stay as the server writes them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from urllib.parse import urlsplit

from integrations.calendar.errors import (
    AnswerTooLarge,
    CollectionGone,
    LoginRefused,
    NotCalendars,
    SentElsewhere,
    TokenInvalid,
)
from integrations.calendar.multistatus import (
    CALDAV,
    DAV,
    SERVER,
    Item,
    Multistatus,
    read_multistatus,
)
from integrations.calendar.urls import follow, path_in, same_path
from integrations.calendar.web import Answer, Web

MOST_HOMES = 3
MOST_CALENDARS = 100
MOST_ADDRESSES = 20
FETCHED_AT_ONCE = 20
_NAMESPACES = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:s="http://calendarserver.org/ns/"'
_REFUSED = frozenset({403, 404, 405, 409, 410, 501})
_GONE = frozenset({403, 404, 410})


@dataclass(frozen=True, slots=True)
class Collection:
    """A calendar on the server that can hold appointments, and the name that its owner gave it."""

    url: str
    name: str


@dataclass(frozen=True, slots=True)
class Account:
    """What was found: the calendars, and the e-mail addresses that are the person's own there (lower case)."""

    collections: tuple[Collection, ...]
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a calendar. Empty where the server has no such thing."""

    sync_token: str
    ctag: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed since a token: paths with their etags, and the paths of what was deleted."""

    changed: dict[str, str]
    removed: tuple[str, ...]
    sync_token: str
    is_whole: bool = True
    """False: the server has more to tell, from `sync_token` on."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource: `data` is its iCalendar text; None when it is gone, or too large to be read."""

    path: str
    etag: str = ""
    data: bytes | None = field(default=None, repr=False)
    is_gone: bool = False


class CalDav:
    """A person's account on a calendar server. Not for several threads."""

    def __init__(self, web: Web) -> None:
        self._web = web

    def break_off(self) -> None:
        """End what is under way at once, also from another thread."""
        self._web.break_off()

    def close(self) -> None:
        """Close the connections."""
        self._web.close()

    # --- Discovery ----------------------------------------------------------------------------------------

    def find_account(self, url: str) -> Account:
        """Find the calendars from what a person knows: a server, a principal, a home or one calendar."""
        refusal: NotCalendars | SentElsewhere = NotCalendars()
        for candidate in _candidates(url):
            try:
                if found := self._look_at(candidate):
                    return found
            except (NotCalendars, SentElsewhere) as error:
                refusal = error if isinstance(error, SentElsewhere) else refusal
        raise refusal

    def _look_at(self, url: str) -> Account | None:
        where, item = self._properties(
            url, f"<d:current-user-principal/><c:calendar-home-set/><d:resourcetype/><d:displayname/>{_CALENDAR}"
        )
        if item is None:
            return None
        homes, addresses = _follow_all(where, item.hrefs(f"{CALDAV}calendar-home-set")), ()
        principal = next(iter(item.hrefs(f"{DAV}current-user-principal")), "")
        if not principal and _says_unauthenticated(item):
            raise LoginRefused
        if principal:
            homes, addresses = self._read_principal(follow(where, principal), homes)
        calendars = tuple(self._calendars_in(homes))
        if not calendars and (this := _collection_of(where, item)):
            calendars = (this,)
        return Account(calendars[:MOST_CALENDARS], addresses) if calendars or homes else None

    def _read_principal(self, url: str, homes: list[str]) -> tuple[list[str], tuple[str, ...]]:
        where, item = self._properties(url, "<c:calendar-home-set/><c:calendar-user-address-set/>")
        if item is None:
            return homes, ()
        found = _follow_all(where, item.hrefs(f"{CALDAV}calendar-home-set"))
        named = item.hrefs(f"{CALDAV}calendar-user-address-set")
        mails = (each[7:].lower() for each in named if each.lower().startswith("mailto:") and each.count("@") == 1)
        return found or homes, tuple(dict.fromkeys(mails))[:MOST_ADDRESSES]

    def _calendars_in(self, homes: Iterable[str]) -> Iterator[Collection]:
        for home in list(homes)[:MOST_HOMES]:
            answer = self._web.ask("PROPFIND", home, _propfind(f"<d:resourcetype/><d:displayname/>{_CALENDAR}"), "1")
            for item in _multistatus(answer).items if answer.status == 207 else ():
                if found := _collection_of(answer.url, item):
                    yield found

    def _properties(self, url: str, names: str) -> tuple[str, Item | None]:
        """Where the answer came from, and the properties of this one resource; None where nothing knows WebDAV."""
        answer = self._web.ask("PROPFIND", url, _propfind(names))
        if answer.status in _REFUSED:
            return answer.url, None
        items = _multistatus(answer).items
        return answer.url, items[0] if items else None

    # --- Changes ------------------------------------------------------------------------------------------

    def standing(self, url: str) -> Standing:
        """The calendar's state now. Raises CollectionGone."""
        answer = self._web.ask("PROPFIND", url, _propfind("<d:sync-token/><s:getctag/>"))
        item = next(iter(_told(answer).items), None)
        if item is None or item.status in _GONE:
            raise CollectionGone
        return Standing(item.text(f"{DAV}sync-token"), item.text(f"{SERVER}getctag"))

    def changes(self, url: str, sync_token: str) -> Changes:
        """What changed since the token. Raises TokenInvalid, CollectionGone."""
        answer = self._web.ask("REPORT", url, _SYNC.format(token=escape(sync_token)))
        if answer.status in (400, 403, 405, 409, 412, 415, 501, 507):
            raise TokenInvalid  # or there is no such report: then a token is not asked for again
        found = _told(answer)
        if not found.sync_token or len(found.sync_token) > 1000:
            raise TokenInvalid
        changed, removed, is_whole = {}, [], True
        for item in found.items:
            path = path_in(answer.url, item.href)
            if path is None:
                is_whole &= item.status != 507
            elif item.status in _GONE:
                removed.append(path)
            else:
                changed[path] = item.text(f"{DAV}getetag")[:200]
        return Changes(changed, tuple(removed), found.sync_token, is_whole or found.sync_token == sync_token)

    def coming(self, url: str, start: datetime, end: datetime) -> dict[str, str]:
        """Paths and etags of the appointments that take place from `start` to `end`, repeated ones too."""
        answer = self._web.ask("REPORT", url, _COMING.format(start=_stamp(start), end=_stamp(end)), "1")
        found = [(path_in(answer.url, item.href), item) for item in _told(answer).items]
        return {path: item.text(f"{DAV}getetag")[:200] for path, item in found if path and item.status == 200}

    def fetch(self, url: str, paths: Sequence[str]) -> Iterator[Resource]:
        """The resources, in batches; what the server says nothing of, or cannot read itself, is left out."""
        for start in range(0, len(paths), FETCHED_AT_ONCE):
            yield from self._fetch_batch(url, paths[start : start + FETCHED_AT_ONCE])

    def _fetch_batch(self, url: str, paths: Sequence[str]) -> list[Resource]:
        try:
            return self._multiget(url, paths)
        except AnswerTooLarge:
            if len(paths) == 1:
                return [Resource(paths[0])]
            return [found for path in paths for found in self._fetch_batch(url, [path])]

    def _multiget(self, url: str, paths: Sequence[str]) -> list[Resource]:
        hrefs = "".join(f"<d:href>{escape(path)}</d:href>" for path in paths)
        answer = self._web.ask("REPORT", url, _MULTIGET.format(hrefs=hrefs), "1")
        asked = {same_path(path): path for path in paths}
        found = {}
        for item in _told(answer).items:
            path = asked.get(same_path(path_in(answer.url, item.href) or ""))
            data = item.text(f"{CALDAV}calendar-data").encode(errors="replace")
            if path and (data or item.status in _GONE):
                found[path] = Resource(path, item.text(f"{DAV}getetag")[:200], data or None, is_gone=not data)
        return list(found.values())


_CALENDAR = "<c:supported-calendar-component-set/>"
_SYNC = (
    f'<?xml version="1.0" encoding="utf-8"?><d:sync-collection {_NAMESPACES}><d:sync-token>{{token}}</d:sync-token>'
    "<d:sync-level>1</d:sync-level><d:prop><d:getetag/></d:prop></d:sync-collection>"
)
_COMING = (
    f'<?xml version="1.0" encoding="utf-8"?><c:calendar-query {_NAMESPACES}><d:prop><d:getetag/></d:prop><c:filter>'
    '<c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT"><c:time-range start="{start}" end="{end}"/>'
    "</c:comp-filter></c:comp-filter></c:filter></c:calendar-query>"
)
_MULTIGET = (
    f'<?xml version="1.0" encoding="utf-8"?><c:calendar-multiget {_NAMESPACES}><d:prop><d:getetag/><c:calendar-data/>'
    "</d:prop>{hrefs}</c:calendar-multiget>"
)


def _propfind(names: str) -> str:
    return f'<?xml version="1.0" encoding="utf-8"?><d:propfind {_NAMESPACES}><d:prop>{names}</d:prop></d:propfind>'


def _candidates(url: str) -> list[str]:
    """What was typed where it has a path, then the well-known address, then the server's root."""
    parts = urlsplit(url)
    root = parts._replace(path="/", query="", fragment="").geturl()
    return [*([url] if parts.path.strip("/") else []), f"{root}.well-known/caldav", root]


def _multistatus(answer: Answer) -> Multistatus:
    if answer.status != 207:
        raise NotCalendars(server_text=f"HTTP status {answer.status}")
    return read_multistatus(answer.body)


def _told(answer: Answer) -> Multistatus:
    """What a calendar that was there before says. Raises CollectionGone when it is there no more."""
    if answer.status in _GONE:
        raise CollectionGone(server_text=f"HTTP status {answer.status}")
    return _multistatus(answer)


def _follow_all(base: str, hrefs: Iterable[str]) -> list[str]:
    return [follow(base, href) for href in hrefs]


def _says_unauthenticated(item: Item) -> bool:
    principal = item.props.get(f"{DAV}current-user-principal")
    return principal is not None and principal.find(f"{DAV}unauthenticated") is not None


def _collection_of(base: str, item: Item) -> Collection | None:
    """The calendar that the item is, unless it is something else or cannot hold appointments."""
    kinds = item.props.get(f"{DAV}resourcetype")
    if kinds is None or kinds.find(f"{CALDAV}calendar") is None:
        return None
    components = item.props.get(f"{CALDAV}supported-calendar-component-set")
    names = {each.get("name", "").upper() for each in components} if components is not None else set()
    if names and "VEVENT" not in names:
        return None
    try:
        url = follow(base, item.href)
    except (NotCalendars, SentElsewhere):
        return None
    if not url.endswith("/"):
        url += "/"
    named = " ".join("".join(sign if sign.isprintable() else " " for sign in item.text(f"{DAV}displayname")).split())
    return Collection(url, (named or url.rstrip("/").rsplit("/", 1)[-1])[:200])


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
