"""The subprocess in which mail and calendars are parsed: `python -m integrations.mailbox.parser_process LIBRARIES`.

Started by parser.py. Reads frames until its input ends, with the process that started it. Its memory is bound for its
life, its CPU time anew for each frame: over it the kernel ends the process. The standard library is enough for mail;
what calendars need besides is found in the folder LIBRARIES and loaded with the first of them.
"""

import dataclasses
import gc
import json
import os
import resource
import signal
import struct
import sys
from datetime import date
from typing import Any

from integrations.calendar.messages import CalendarRefused
from integrations.mailbox.limits import Unreadable
from integrations.mailbox.mime import parse_headers, parse_message

CPU_SECONDS = 5
CALENDAR_CPU_SECONDS = 0.5
"""After which a calendar is given up without ending the process: good ones take hundredths of a second, and the rule
for a day that never comes is followed to the year 9999.
"""
MEMORY_BYTES = 512 * 1024 * 1024


def parse_calendar(frame: bytes) -> Any:
    """Read a calendar behind the name of its reader's time zone and a NUL. Raises CalendarRefused."""
    from integrations.calendar.itip import read_calendar  # with its libraries: most mail needs none

    zone, _, data = frame.partition(b"\0")
    signal.signal(signal.SIGPROF, _give_up)
    signal.setitimer(signal.ITIMER_PROF, CALENDAR_CPU_SECONDS)
    try:
        return read_calendar(data, time_zone=zone.decode("ascii", "replace"))
    except _TooLong:
        raise CalendarRefused("too_costly") from None
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


class _TooLong(BaseException):
    """Its time is over; no library takes this for a fault of its own."""


def _give_up(*_args: object) -> None:
    raise _TooLong


PARSERS = {b"h": parse_headers, b"m": parse_message, b"c": parse_calendar}


def main() -> None:
    """Answer frame by frame."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.path.extend(sys.argv[1:])
    while True:
        head = _read(4)
        if not head:
            return
        frame = _read(*struct.unpack(">I", head))
        resource.setrlimit(resource.RLIMIT_CPU, (_cpu_used() + CPU_SECONDS, resource.RLIM_INFINITY))
        answer = json.dumps(_answer(frame[:1], frame[1:]), default=_to_json).encode()
        os.write(1, struct.pack(">I", len(answer)))
        _write(answer)


def _answer(what: bytes, raw: bytes) -> dict[str, Any]:
    try:
        return dataclasses.asdict(PARSERS[what](raw))
    except (Unreadable, CalendarRefused) as error:
        return {"reason": error.reason}
    except (MemoryError, RecursionError):
        gc.collect()
        return {"reason": "too_costly"}
    except Exception:  # whatever a mail or calendar can do to a parser is its own fault
        return {"reason": "broken"}


def _cpu_used() -> int:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return int(usage.ru_utime + usage.ru_stime)


def _to_json(value: date) -> str:
    return value.isoformat()


def _read(length: int) -> bytes:
    data = b""
    while len(data) < length:
        chunk = os.read(0, length - len(data))
        if not chunk:
            return b""
        data += chunk
    return data


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


if __name__ == "__main__":
    main()
