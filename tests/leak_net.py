"""A net under the whole suite: a test in which a secret reaches a log line, mail, page or database value fails.

Searched for are canaries: the secrets of tests/settings.py and of the mailboxes, and whatever has the shape of a
token or key. Searched is what the product gives away, as it leaves: every log record down to DEBUG, as our logging
formats it but without its mask, which is the last net and not the first; every mail; head and body of every answer,
the Django admin's too; every value that is bound in an INSERT or UPDATE; and of a Touchline in processes of its own
the log files and all rows. The end of the run says how much that was.
"""

import logging
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.mail.backends import locmem
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.http import HttpRequest, HttpResponseBase
from psycopg.sql import SQL, Identifier
from structlog.stdlib import ProcessorFormatter

from config.logs import mask_secrets

CANARIES = {
    "client secret": r"canary-(?:mail-)?client-secret",
    "mailbox password": r"canary-mail-password",
    "calendar password": r"canary-calendar-p",
    "encryption key": r"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "access token": r"00D[0-9A-Za-z]{12,15}(?:!|%21)[\w.-]{8,}|canary-access-[\w-]{20,}",
    "refresh token": r"(?<![\w-])5Aep[\w.-]{20,}|canary-refresh-[\w-]{20,}",
    "API key": r"(?<![\w-])tl_[\w-]{43}(?![\w-])",
}
"""Each with its pattern; the edges keep random base64 from looking like one."""
_BEGINNINGS = ("canary-", "00D", "5Aep", "tl_", "MDEyMzQ1")
_PATTERN = re.compile("|".join(f"(?P<c{number}>{pattern})" for number, pattern in enumerate(CANARIES.values())))
_NAMES = {f"c{number}": name for number, name in enumerate(CANARIES)}

SINKS = ("log lines", "mails", "pages", "database values", "files", "database rows")


@dataclass(frozen=True, slots=True)
class Hit:
    """A canary where none may be. It says which and where, and never shows it."""

    canary: str
    sink: str
    place: str

    def __str__(self) -> str:
        return f"{self.canary} in {self.sink}: {self.place}"


ALLOWED = {
    Hit("API key", "pages", "POST api_keys"): "a new key is shown once, to who made it",
}
"""Where a canary belongs, and why."""


class LeakNet:
    """What was searched, and what was found since the last look. May be used from any thread."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.hits: list[Hit] = []
        self._lock = threading.Lock()

    def search(self, sink: str, place: str, text: str, count: int = 1) -> None:
        """Search a text for all canaries; `count` is how many things of the sink it holds."""
        with self._lock:
            self.counts[sink] += count
        if any(beginning in text for beginning in _BEGINNINGS):
            place = _PATTERN.sub("[secret]", place)
            found = {Hit(_NAMES[match.lastgroup or ""], sink, place) for match in _PATTERN.finditer(text)}
            self.hits += sorted(found - ALLOWED.keys(), key=str)

    def take(self) -> tuple[dict[str, int], list[Hit]]:
        """Counts and hits since the last time."""
        with self._lock:
            counts, hits = dict(self.counts), self.hits
            self.counts, self.hits = Counter(), []
        return counts, hits

    @contextmanager
    def watched(self) -> Iterator[list[Hit]]:
        """The hits of a block, for a test that says itself what it expects; they fail nothing else."""
        before, self.hits = self.hits, []
        found = self.hits
        try:
            yield found
        finally:
            self.hits = before


NET = LeakNet()


# --- The sinks --------------------------------------------------------------------------------------------


class SearchedLog(logging.Handler):
    """Searches each record as one line of our log, with its traceback."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        ours = settings.LOGGING["formatters"]["lines"]
        processors = [each for each in ours["processors"] if each is not mask_secrets]
        self.setFormatter(ProcessorFormatter(foreign_pre_chain=ours["foreign_pre_chain"], processors=processors))

    def emit(self, record: logging.LogRecord) -> None:
        """The place is the line of code that logged."""
        NET.search("log lines", f"{record.name} ({record.filename}:{record.lineno})", self.format(record))


class SearchedMail(locmem.EmailBackend):
    """Mail in memory, as Django's own backend for tests."""

    def send_messages(self, messages: Iterable[Any]) -> int:
        """The place is who gets the mail; its parts are searched decoded."""
        messages = list(messages)
        for message in messages:
            NET.search("mails", f"to {', '.join(message.to)}", text_of(message.message()))
        return super().send_messages(messages)


def text_of(mail: Message) -> str:
    """Head and parts of a mail as a reader sees them."""
    parts = [part.get_payload(decode=True) or b"" for part in mail.walk() if not part.is_multipart()]
    return "\n".join([*map(str, mail.values()), *(part.decode("utf-8", "replace") for part in parts)])


def search_answers(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable:
    """Django middleware, the outermost. The place is the method with the name or address of the page."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        match = request.resolver_match
        place = f"{request.method} {match.view_name if match and match.view_name else request.path}"
        head = "\n".join(f"{name}: {value}" for name, value in response.items())
        if response.streaming:
            NET.search("pages", place, head)
            response.streaming_content = _searched_parts(place, response.streaming_content)
        else:
            NET.search("pages", place, head + response.content.decode("utf-8", "replace"))
        return response

    return answer


def _searched_parts(place: str, parts: Iterable[bytes]) -> Iterator[bytes]:
    """The parts unchanged; each is searched together with the end of the one before."""
    end = b""
    for part in parts:
        NET.search("pages", place, (end + part).decode("utf-8", "replace"), count=0)
        end = part[-200:]
        yield part


def search_values(execute: Callable, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Django's execute wrapper. The place is the first words of the statement."""
    text = str(sql)
    if params and ("INSERT" in text or "UPDATE" in text):
        values = list(_texts(params))
        NET.search("database values", text[:60], "\0".join(values), count=len(values))
    return execute(sql, params, many, context)


def _texts(value: Any) -> Iterator[str]:
    """Every text in what is bound: rows, arrays and JSON are looked into."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (bytes, bytearray, memoryview)):
        yield bytes(value).decode("latin-1")
    elif isinstance(value, dict):
        yield from _texts([*value.keys(), *value.values()])
    elif isinstance(value, (list, tuple, set)):
        for each in value:
            yield from _texts(each)
    elif hasattr(value, "obj"):  # psycopg's Json and Jsonb
        yield from _texts(value.obj)


def search_files(folder: Path, pattern: str = "*.log") -> None:
    """The files of a folder, such as the logs of processes that have ended."""
    for path in sorted(folder.rglob(pattern)):
        NET.search("files", path.name, path.read_text(errors="replace"))


def search_tables(database_url: str) -> None:
    """Every row of another database, as text. The place is the table."""
    with psycopg.connect(database_url) as connection:
        tables = connection.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        for (table,) in tables.fetchall():
            for (row,) in connection.execute(SQL("SELECT t::text FROM {} t").format(Identifier(table))):
                NET.search("database rows", f"of {table}", row)


# --- Under the suite --------------------------------------------------------------------------------------


def _watch_database(connection: BaseDatabaseWrapper, **_kwargs: Any) -> None:
    # In front: `with connection.execute_wrapper(…)` takes the last one away at its end.
    if search_values not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, search_values)


@pytest.fixture(scope="session", autouse=True)
def _leak_net(django_test_environment: None) -> Iterator[None]:
    """Spread the net over this process."""
    settings.EMAIL_BACKEND = "tests.leak_net.SearchedMail"
    settings.MIDDLEWARE = ["tests.leak_net.search_answers", *settings.MIDDLEWARE]
    connection_created.connect(_watch_database, dispatch_uid="leak net")
    for connection in connections.all(initialized_only=True):
        _watch_database(connection)
    handler, root = SearchedLog(), logging.getLogger()
    apart = [name for name, options in settings.LOGGING["loggers"].items() if "handlers" in options]
    loggers = [root, *map(logging.getLogger, apart)]
    root.setLevel(logging.DEBUG)
    for logger in loggers:
        logger.addHandler(handler)
    yield
    for logger in loggers:
        logger.removeHandler(handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Fail the test in which something was found; keep its counts for the end, where pytest-xdist sends them on."""
    result = yield
    counts, hits = NET.take()
    item.user_properties.append(("leak net", counts))
    if hits:
        pytest.fail("leaked: " + "; ".join(map(str, hits)), pytrace=False)
    return result


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line: what was searched, and how many tests leaked."""
    reports = [each for reports in terminalreporter.stats.values() for each in reports]
    ends = [each for each in reports if getattr(each, "when", "") == "teardown"]
    total: Counter[str] = Counter()
    for report in ends:
        total.update(dict(report.user_properties).get("leak net", {}))
    searched = ", ".join(f"{total[sink]:,} {sink}" for sink in SINKS)
    leaks = sum("leaked: " in str(report.longrepr) for report in ends if report.failed)
    terminalreporter.write_line(
        f"leak net: {len(ends):,} tests, {searched} searched for {len(CANARIES)} canaries: {leaks} hits"
    )
