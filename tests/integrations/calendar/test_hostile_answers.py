"""What a hostile server can answer: each answer is refused or read within its bounds, and the next is read."""

import resource
import subprocess
import sys
import time
from pathlib import Path

from integrations.calendar.errors import AnswerTooLarge, NotCalendars
from integrations.calendar.multistatus import Multistatus, read_multistatus
from tests.integrations.calendar.xml_bombs import HEAD, RESPONSE, TAIL, hostile_answers

GOOD = (HEAD + RESPONSE.format(1) + TAIL).encode()
SECONDS, MEMORY = 5.0, 512 * 1024 * 1024


def outcome(body: bytes) -> str:
    try:
        return f"read {len(read_multistatus(body).items)}"
    except (AnswerTooLarge, NotCalendars) as error:
        return error.cause


def test_every_hostile_answer_is_bounded() -> None:
    count = 0
    for name, body in hostile_answers():
        before = time.process_time()
        result = outcome(body)
        took = time.process_time() - before
        count += 1
        assert took < SECONDS, (name, took)
        assert result in ("too_large", "not_calendars", "read 1", "read 0"), (name, result)
        assert outcome(GOOD) == "read 1", name
    assert count >= 150


def test_the_worst_fit_into_the_memory_of_a_parser() -> None:
    """In a process that has no more."""
    program = "from tests.integrations.calendar.test_hostile_answers import try_all; try_all()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[3],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2000:]


def try_all() -> None:
    for _name, body in hostile_answers():
        outcome(body)


def test_a_good_answer_is_read_whole() -> None:
    found = read_multistatus(GOOD)

    assert isinstance(found, Multistatus)
    assert [(item.href, item.status, item.text("{DAV:}getetag")) for item in found.items] == [("/c/1.ics", 200, "e")]


def test_the_largest_calendar_that_is_read_is_read_in_time() -> None:
    body = (HEAD + "".join(RESPONSE.format(number) for number in range(20_000)) + TAIL).encode()
    before = time.process_time()

    assert len(read_multistatus(body).items) == 20_000
    assert time.process_time() - before < SECONDS
