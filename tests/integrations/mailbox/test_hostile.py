"""Mail that is meant to do harm: each stays within 5 s and 512 MB, and the next good mail is read."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.mailbox.limits import QUARANTINE_REASONS, Unreadable
from integrations.mailbox.mime import ParsedMail
from integrations.mailbox.parser import MailParser
from tests.integrations.mailbox.bombs import HEAD, bombs, nested, parts, with_header

GOOD = HEAD + b"\r\nGood morning"
SECONDS, MEGABYTES = 5.0, 512


@pytest.fixture
def parser() -> Iterator[MailParser]:
    made = MailParser(processes=1)
    yield made
    made.close()


def outcome(parser: MailParser, raw: bytes) -> str:
    """`read`, or why not."""
    try:
        found = parser.message(raw)
    except Unreadable as error:
        return error.reason
    assert len(found.text) <= 32_000
    return "read"


def peak_megabytes(parser: MailParser) -> float:
    """The most memory that the living subprocess has ever had."""
    status = Path(f"/proc/{parser.process_ids()[0]}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def test_several_hundred_hostile_mails_cost_little_and_the_next_good_one_is_read(parser: MailParser) -> None:
    corpus = list(bombs())
    good = parser.message(GOOD)
    slow, strange, spoiled = [], [], []
    for name, raw in corpus:
        began = time.monotonic()
        reason = outcome(parser, raw)
        if time.monotonic() - began > SECONDS:
            slow.append(name)
        if reason != "read" and reason not in QUARANTINE_REASONS:
            strange.append(name)
        if parser.message(GOOD) != good:
            spoiled.append(name)

    assert good.text == "Good morning"
    assert len(corpus) >= 300
    assert (slow, strange, spoiled) == ([], [], [])
    assert peak_megabytes(parser) < MEGABYTES


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "no_sender"),
        (b"Subject: nobody\r\n\r\n", "no_sender"),
        (HEAD + b"\r\n" + b"x" * (10 * 1024 * 1024), "too_large"),
        (with_header(b"X-A: " + b"y" * 70_000), "headers_too_large"),
        (b"From: a@b.example\r\nSubject: " + b"x" * 9_000 + b"\r\n\r\n", "header_too_long"),
        (b"From: a@b.example\r\nSubject:" + b" =?utf-8?q?a?=" * 101 + b"\r\n\r\n", "too_many_words"),
        (with_header(b"Cc: " + b"a@b.example," * 501), "too_many_people"),
        (parts(201), "too_many_parts"),
        (nested(21), "too_deep"),
    ],
)
def test_each_limit_gives_its_reason(parser: MailParser, raw: bytes, reason: str) -> None:
    assert outcome(parser, raw) == reason


@pytest.mark.parametrize("raw", [parts(199), nested(20), with_header(b"Cc: " + b"a@b.example," * 499)])
def test_what_is_just_within_the_limits_is_read(parser: MailParser, raw: bytes) -> None:
    assert outcome(parser, raw) == "read"


COSTLY = """
import sys
from integrations.mailbox import parser_process as process
def costly(raw):
    {what}
process.PARSERS[b"m"] = costly
process.CPU_SECONDS = 1
process.main()
"""


@pytest.mark.parametrize(
    "what",
    [
        "while True: pass",
        "return bytearray(700 * 1024 * 1024)",
        "import os; os._exit(1)",
        "def again(): again()\n    again()",
    ],
)
def test_a_parser_that_runs_wild_is_stopped_and_replaced(what: str) -> None:
    """Whatever hole a parser may have: it is played by one that is nothing but hole."""
    parser = MailParser(processes=1, command=(sys.executable, "-c", COSTLY.format(what=what)))
    began = time.monotonic()
    try:
        assert outcome(parser, GOOD) == "too_costly"
        assert time.monotonic() - began < 20
        assert isinstance(parser.headers(GOOD), ParsedMail)
    finally:
        parser.close()


def test_a_subprocess_that_was_killed_meanwhile_is_no_fault_of_the_next_mail(parser: MailParser) -> None:
    assert outcome(parser, GOOD) == "read"
    os.kill(parser.process_ids()[0], signal.SIGKILL)
    time.sleep(0.1)

    assert outcome(parser, GOOD) == "read"


def test_the_subprocess_knows_no_secret(parser: MailParser) -> None:
    outcome(parser, GOOD)

    assert Path(f"/proc/{parser.process_ids()[0]}/environ").read_bytes() == b""
