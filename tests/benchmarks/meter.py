"""What a run costs: CPU of this process and of PostgreSQL, bytes of its write-ahead log, wall time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

TICKS = 100  # per second, in /proc (sysconf(_SC_CLK_TCK) on every Linux we run on)


@dataclass
class Cost:
    """Filled when the run is over. CPU and wall time in milliseconds, WAL in bytes."""

    python_ms: float = 0
    postgres_ms: float = 0
    wall_ms: float = 0
    wal_bytes: int = 0

    @property
    def cpu_ms(self) -> float:
        return self.python_ms + self.postgres_ms


def postmaster_pid(connection: psycopg.Connection) -> int:
    """The server's first process: parent of the backend that answers."""
    (backend,) = connection.execute("SELECT pg_backend_pid()").fetchone()  # type: ignore[misc]
    return int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])


def cpu_ms_of_family(parent: int) -> float:
    """CPU of a process, its living children and those it has buried."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(stat.parent.name) == parent:
            total += sum(int(fields[index]) for index in (11, 12, 13, 14))
        elif int(fields[1]) == parent:
            total += int(fields[11]) + int(fields[12])
    return total * 1000 / TICKS


@contextmanager
def metered(url: str) -> Iterator[Cost]:
    """Measure the block; `url` names the database whose server counts."""
    cost = Cost()
    with psycopg.connect(url, autocommit=True) as connection:
        postmaster = postmaster_pid(connection)
        (wal,) = connection.execute("SELECT pg_current_wal_lsn()").fetchone()  # type: ignore[misc]
        started = (time.process_time(), cpu_ms_of_family(postmaster), time.monotonic())
        yield cost
        cost.python_ms = (time.process_time() - started[0]) * 1000
        cost.wall_ms = (time.monotonic() - started[2]) * 1000
        cost.postgres_ms = cpu_ms_of_family(postmaster) - started[1]
        row = connection.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), %s)", (wal,)).fetchone()
        cost.wal_bytes = int(row[0])  # type: ignore[index]


def median_of(runs: int, measure: Callable[[], float]) -> float:
    """The middle of an odd number of measurements."""
    return sorted(measure() for _ in range(runs))[runs // 2]
