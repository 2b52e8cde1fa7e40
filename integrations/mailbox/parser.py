"""Parses strangers' mail and calendars in subprocesses, so that none can cost more than 5 s of CPU and 512 MB.

A subprocess is used again for the next one and replaced when it dies. It has no environment, so no secret either.
Frames between the two: 4 bytes of length, then 1 byte of what to do and the mail or calendar; back comes JSON.
"""

import contextlib
import json
import os
import queue
import selectors
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from integrations.calendar.messages import CalendarMessage, CalendarRefused, from_json
from integrations.mailbox.bounces import Bounce
from integrations.mailbox.limits import CALENDAR_BYTES, RAW_BYTES, Unreadable
from integrations.mailbox.mime import ParsedMail

ROOT = Path(__file__).resolve().parent.parent.parent
_CALENDARS = find_spec("icalendar")  # finds it without loading it
LIBRARIES = str(Path(_CALENDARS.origin).parent.parent) if _CALENDARS and _CALENDARS.origin else ""
COMMAND = (sys.executable, "-S", "-E", "-m", "integrations.mailbox.parser_process", LIBRARIES)
WALL_LIMIT = 20.0
"""Seconds after which a subprocess is given up, whatever it does; its CPU limit is 5 s."""
ANSWER_BYTES = 32 * 1024 * 1024


class _Process:
    """One subprocess."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._in = self._process.stdin.fileno()  # type: ignore[union-attr]
        self._out = self._process.stdout.fileno()  # type: ignore[union-attr]
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)

    def ask(self, what: bytes, raw: bytes) -> Any:
        """The answer, parsed. Raises OSError when the process dies, hangs or says too much."""
        deadline = time.monotonic() + WALL_LIMIT
        self._send(struct.pack(">I", len(raw) + 1) + what + raw, deadline)
        (length,) = struct.unpack(">I", self._receive(4, deadline))
        if length > ANSWER_BYTES:
            raise OSError("answer too large")
        return json.loads(self._receive(length, deadline))

    def _send(self, data: bytes, deadline: float) -> None:
        view = memoryview(data)
        while view:
            _wait(self._in, selectors.EVENT_WRITE, deadline)
            view = view[os.write(self._in, view) :]

    def _receive(self, length: int, deadline: float) -> bytes:
        data = b""
        while len(data) < length:
            _wait(self._out, selectors.EVENT_READ, deadline)
            chunk = os.read(self._out, length - len(data))
            if not chunk:
                raise OSError("the process ended")
            data += chunk
        return data

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def end(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()


def _wait(descriptor: int, event: int, deadline: float) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, event)
        if not selector.select(max(0.0, deadline - time.monotonic())):
            raise OSError("no answer in time")


class MailParser:
    """A few subprocesses for all threads of this process; started when they are needed first."""

    def __init__(self, processes: int = 2, command: Sequence[str] = COMMAND) -> None:
        self._command = command
        self._free: queue.Queue[_Process | None] = queue.Queue()
        for _ in range(processes):
            self._free.put(None)

    def headers(self, block: bytes) -> ParsedMail:
        """mime.parse_headers of a stranger's header block. Raises Unreadable."""
        return self._mail(b"h", block)

    def message(self, raw: bytes) -> ParsedMail:
        """mime.parse_message of a stranger's mail, or of its beginning. Raises Unreadable."""
        return self._mail(b"m", raw)

    def calendar(self, data: bytes, time_zone: str = "UTC") -> CalendarMessage:
        """itip.read_calendar of a stranger's calendar; `time_zone` (IANA) is its reader's. Raises CalendarRefused."""
        if len(data) > CALENDAR_BYTES:
            raise CalendarRefused("too_large")
        answer = self._ask(b"c", time_zone.encode() + b"\0" + data)
        if "reason" in answer:
            raise CalendarRefused(str(answer["reason"]))
        return from_json(answer)

    def _mail(self, what: bytes, raw: bytes) -> ParsedMail:
        if len(raw) > RAW_BYTES:
            raise Unreadable("too_large")
        answer = self._ask(what, raw)
        if "reason" in answer:
            raise Unreadable(str(answer["reason"]))
        return _parsed(answer)

    def _ask(self, what: bytes, raw: bytes) -> dict[str, Any]:
        """The answer of a free subprocess; "too_costly" for what it did not survive."""
        process = self._free.get()
        try:
            if process and not process.is_alive:
                process.end()
                process = None
            process = process or _Process(self._command)
            return process.ask(what, raw)
        except (OSError, ValueError):
            if process:
                process.end()
                process = None
            return {"reason": "too_costly"}
        finally:
            self._free.put(process)

    def process_ids(self) -> list[int]:
        """Of the subprocesses that have nothing to do."""
        waiting = [self._free.get() for _ in range(self._free.qsize())]
        for process in waiting:
            self._free.put(process)
        return [process.pid for process in waiting if process]

    def close(self) -> None:
        """End the subprocesses."""
        for _ in range(self._free.qsize()):
            if process := self._free.get():
                process.end()
            self._free.put(None)


def _parsed(answer: dict[str, Any]) -> ParsedMail:
    bounce, date = answer.pop("bounce"), answer.pop("date")
    people = {name: tuple((each[0], each[1]) for each in answer.pop(name)) for name in ("to", "cc", "bcc")}
    return ParsedMail(
        sender=tuple(answer.pop("sender")),
        date=datetime.fromisoformat(date) if date else None,
        references=tuple(answer.pop("references")),
        calendars=tuple(answer.pop("calendars")),
        bounce=Bounce(bounce["message_id"], tuple(bounce["recipients"])) if bounce else None,
        **people,
        **answer,
    )
