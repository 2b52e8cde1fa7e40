"""The net under the suite: what is planted in each sink is found, and nothing else is."""

import base64
import logging
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client
from django.urls import path
from psycopg.types.json import Jsonb
from pytest_django.fixtures import Settings

from tests.leak_net import CANARIES, NET, Hit, LeakNet, search_files, search_tables
from tests.processes import ROOT, own_database

EXAMPLES = {
    "client secret": "canary-client-secret",
    "mailbox password": "canary-mail-password",
    "calendar password": "canary-calendar-pässword",
    "encryption key": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "access token": "00D000000000062!AQ0AQ.canary_access_token-",
    "refresh token": "5Aep861canary_refresh.token-0123456789",
    "API key": f"tl_{'k' * 43}",
}


# --- Pages that leak, for ROOT_URLCONF ---------------------------------------------------------------------


def show(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(f"<p>{EXAMPLES[name]}</p>")


def send_on(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(headers={"Location": f"/?key={EXAMPLES[name]}"}, status=302)


def stream(request: HttpRequest, name: str) -> StreamingHttpResponse:
    text = EXAMPLES[name]
    return StreamingHttpResponse(iter(["<p>", text[:9], text[9:], "</p>"]))


urlpatterns = [
    path("show/<name>", show, name="show"),
    path("send_on/<name>", send_on, name="send_on"),
    path("stream/<name>", stream, name="stream"),
]


@pytest.fixture
def leaky_pages(settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__


# --- What is planted is found -----------------------------------------------------------------------------


def found_after(leak: Callable[[], object]) -> set[tuple[str, str]]:
    """Canary and sink of each hit; no hit shows what it found."""
    with NET.watched() as hits:
        leak()
    assert [hit for hit in hits for secret in EXAMPLES.values() if secret in str(hit)] == []
    return {(hit.canary, hit.sink) for hit in hits}


def log_a_message(secret: str) -> None:
    logging.getLogger("a.module").debug("the token is %s", secret)


def log_an_event(secret: str) -> None:
    structlog.get_logger("a.module").info("refreshed", token={"new": secret})


def log_in_the_queue(secret: str) -> None:
    logging.getLogger("django-q").warning(secret)


def log_a_traceback(secret: str) -> None:
    try:
        raise ValueError(secret)
    except ValueError:
        logging.getLogger("a.module").exception("it failed")


def test_every_canary_has_an_example() -> None:
    assert EXAMPLES.keys() == CANARIES.keys()


@pytest.mark.parametrize("leak", [log_a_message, log_an_event, log_in_the_queue, log_a_traceback])
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_log_line(name: str, leak: Callable[[str], None]) -> None:
    assert found_after(lambda: leak(EXAMPLES[name])) == {(name, "log lines")}


@pytest.mark.parametrize("where", ["subject", "body", "html", "headers"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_mail(name: str, where: str) -> None:
    long_line = f"{'long ' * 40}ä {EXAMPLES[name]}"
    fields = {"subject": EXAMPLES[name], "body": long_line, "headers": {"X-Key": EXAMPLES[name]}}
    letter = EmailMultiAlternatives(to=["ben@acme.example"], **{where: fields[where]} if where in fields else {})
    if where == "html":
        letter.attach_alternative(long_line, "text/html")

    assert found_after(letter.send) == {(name, "mails")}


@pytest.mark.parametrize("view", ["show", "send_on", "stream"])
@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.usefixtures("leaky_pages", "db")
def test_a_page(name: str, view: str) -> None:
    def visit() -> None:
        answer = Client().get(f"/{view}/{name}")
        b"".join(answer) if answer.streaming else answer.content

    assert found_after(visit) == {(name, "pages")}


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.usefixtures("db")
def test_a_database_value(name: str) -> None:
    secret = EXAMPLES[name]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE planted (plain text, list text[], json jsonb, raw bytea)")
        for column, value in {
            "plain": secret,
            "list": ["a", secret],
            "json": Jsonb({"deep": [{secret: 1}]}),
            "raw": secret.encode(),
        }.items():
            insert = f"INSERT INTO planted ({column}) VALUES (%s)"
            assert found_after(lambda: cursor.execute(insert, [value])) == {(name, "database values")}  # noqa: B023
        rows = [["harmless"], [secret]]
        assert found_after(lambda: cursor.executemany("UPDATE planted SET plain = %s", rows)) == {
            (name, "database values")
        }
        assert found_after(lambda: cursor.execute("SELECT %s", [secret])) == set(), "nothing is kept"


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_log_file_of_another_process(name: str, tmp_path: Path) -> None:
    (tmp_path / "worker.log").write_text(f"starting\n{EXAMPLES[name]}\n")

    assert found_after(lambda: search_files(tmp_path)) == {(name, "files")}


def test_a_row_of_another_database() -> None:
    with own_database("leak_net") as url:
        import psycopg

        with psycopg.connect(url) as other:
            other.execute("CREATE TABLE planted (id int, text text)")
            for number, secret in enumerate(EXAMPLES.values()):
                other.execute("INSERT INTO planted VALUES (%s, %s)", [number, secret])
        assert found_after(lambda: search_tables(url)) == {(name, "database rows") for name in EXAMPLES}


# --- And nothing else --------------------------------------------------------------------------------------


def test_random_tokens_are_none() -> None:
    net, chance = LeakNet(), random.Random(7)
    for _ in range(5_000):
        sealed = base64.urlsafe_b64encode(chance.randbytes(120)).decode()
        net.search("pages", "a page", f'<a href="/t/{sealed}">{sealed[:43]}</a> 00D00000000006200A')

    assert (net.counts["pages"], net.hits) == (5_000, [])


def test_a_new_key_may_be_shown_to_who_made_it_and_nothing_else() -> None:
    net = LeakNet()
    for place in ("POST api_keys", "GET api_keys"):
        net.search("pages", place, EXAMPLES["API key"] + " " + EXAMPLES["client secret"])

    assert net.hits == [
        Hit("client secret", "pages", "POST api_keys"),
        Hit("API key", "pages", "GET api_keys"),
        Hit("client secret", "pages", "GET api_keys"),
    ]


# --- A test that leaks fails -------------------------------------------------------------------------------

LEAKING = f"""
import logging

def test_that_leaks():
    logging.getLogger("a.module").debug("it is %s", "{EXAMPLES["client secret"]}")

def test_that_does_not():
    logging.getLogger("a.module").debug("it is %s", "secret")
"""


def test_a_test_that_leaks_fails_with_the_place(tmp_path: Path) -> None:
    leaking = tmp_path / "test_leaking.py"
    leaking.write_text(LEAKING)
    options = ["-q", "-p", "no:cacheprovider", "-p", "tests.leak_net", "-c", "pyproject.toml", "--show-capture=no"]

    run = [sys.executable, "-m", "pytest", *options, str(leaking)]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 1, done.stdout + done.stderr
    assert "leaked: client secret in log lines: a.module (test_leaking.py:5)" in done.stdout
    assert re.search(r"^leak net: 2 tests, 2 log lines, .* for 7 canaries: 1 hits$", done.stdout, re.MULTILINE)
