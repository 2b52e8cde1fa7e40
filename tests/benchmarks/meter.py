"""What a run costs: CPU of our processes and of PostgreSQL, bytes of its write-ahead log, wall time."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


@dataclass
class Cost:
    """Filled when the run is over. CPU and wall time in milliseconds, WAL in bytes.

    `wal_of` holds the bytes by table (its indexes counted with it), without images of whole pages, which depend on
    when the last checkpoint was.
    """

    python_ms: float = 0
    postgres_ms: float = 0
    wall_ms: float = 0
    wal_of: dict[str, int] = field(default_factory=dict)

    @property
    def cpu_ms(self) -> float:
        """Ours and PostgreSQL's."""
        return self.python_ms + self.postgres_ms


def postmaster_pid(connection: psycopg.Connection) -> int:
    """The server's first process: parent of the backend that answers."""
    (backend,) = connection.execute("SELECT pg_backend_pid()").fetchone()  # type: ignore[misc]
    return _fields(backend)[1]


def cpu_ms_of(*roots: int) -> float:
    """CPU of processes, their living descendants, and those that they have buried."""
    family, parents = set(roots), _processes()
    grew = True
    while grew:
        younger = {pid for pid, (parent, _) in parents.items() if parent in family}
        grew = not younger <= family
        family |= younger
    return sum(parents[pid][1] for pid in family if pid in parents) * TICK_MS


def _processes() -> dict[int, tuple[int, int]]:
    """Parent and ticks (with those of buried children) of every process."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = _fields(int(entry))
            except (FileNotFoundError, ProcessLookupError):
                continue
            found[int(entry)] = fields[1], sum(fields[11:15])
    return found


def _fields(pid: int) -> list[int]:
    """The numbers of /proc/<pid>/stat behind the name; the state reads as 0 (proc(5): fields 3 and on)."""
    return [0, *map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1:])]


def busy_ms_of_machine() -> float:
    """CPU time of everything that ran on this machine, waiting for disks left out (proc(5): /proc/stat)."""
    user, nice, system, _, _, irq, softirq, *_ = map(
        int, Path("/proc/stat").read_text().partition("\n")[0].split()[1:]
    )
    return (user + nice + system + irq + softirq) * TICK_MS


@contextmanager
def metered(url: str, *processes: int) -> Iterator[Cost]:
    """Measure the block; `url` names the database whose server counts. `processes` count instead of this one."""

    def python_ms() -> float:
        return cpu_ms_of(*processes) if processes else time.process_time() * 1000

    cost = Cost()
    with psycopg.connect(url, autocommit=True) as connection:
        postmaster = postmaster_pid(connection)
        start_lsn = _lsn(connection)
        python, postgres = python_ms(), cpu_ms_of(postmaster)
        wall = time.monotonic()
        yield cost
        cost.wall_ms = (time.monotonic() - wall) * 1000
        cost.python_ms = python_ms() - python
        cost.postgres_ms = cpu_ms_of(postmaster) - postgres
        cost.wal_of = wal_by_table(connection, start_lsn)


def _lsn(connection: psycopg.Connection) -> str:
    (lsn,) = connection.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()  # type: ignore[misc]
    return lsn


_WAL = """
WITH tables AS (
    SELECT pg_relation_filenode(c.oid) AS node, COALESCE(t.relname, o.relname, c.relname) AS name
    FROM pg_class c
    LEFT JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_class t ON t.oid = i.indrelid
    LEFT JOIN pg_class o ON o.reltoastrelid = c.oid
    WHERE c.relkind IN ('r', 'i', 't')
), records AS (
    SELECT DISTINCT ON (start_lsn) relfilenode, record_length - block_fpi_total AS bytes FROM (
        SELECT start_lsn, relfilenode, block_id, record_length,
               sum(block_fpi_length) OVER (PARTITION BY start_lsn) AS block_fpi_total
        FROM pg_get_wal_block_info(%s::pg_lsn, %s::pg_lsn, false)
    ) AS blocks ORDER BY start_lsn, block_id
)
SELECT COALESCE(name, 'other'), sum(bytes)::bigint FROM records LEFT JOIN tables ON node = relfilenode GROUP BY 1
"""


def wal_by_table(connection: psycopg.Connection, start_lsn: str) -> dict[str, int]:
    """Bytes of the write-ahead log since then, by table."""
    connection.execute("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
    end_lsn = _lsn(connection)
    connection.execute(
        "SELECT pg_logical_emit_message(false, 'benchmark', 'flush', true)"
    )  # all before it is on disk
    return dict(connection.execute(_WAL, (start_lsn, end_lsn)).fetchall())


class Foreign:
    """How busy the machine was with other people's work, of all its cores."""

    def __init__(self, ours: Callable[[], float]) -> None:
        self._ours = ours
        self._started = time.monotonic(), busy_ms_of_machine(), ours()

    def percent(self) -> float:
        """Since the beginning."""
        wall, busy, ours = self._started
        others = busy_ms_of_machine() - busy - (self._ours() - ours)
        return max(0.0, others / ((time.monotonic() - wall) * 10 * (os.cpu_count() or 1)))


def median(values: Sequence[float]) -> float:
    """The middle one of an odd number."""
    return sorted(values)[len(values) // 2]
