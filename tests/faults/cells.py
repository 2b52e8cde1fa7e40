"""The matrix: at which point of an activity's way which fault strikes."""

from dataclasses import dataclass, field
from typing import Any

from tests.faults import salesforce as sf
from tests.faults.durations import LATEST_COMMIT
from tests.faults.points import POINTS

# Points that are held in the database are those of points.py; these are held in Salesforce.
GATES = {
    "request_sent": (sf.WRITES, False),
    "written": (sf.WRITES, True),
    "look_up_sent": (sf.QUERIES, False),
    "look_up_answered": (sf.QUERIES, True),
    "refresh_sent": (sf.TOKEN, False),
    "refresh_answered": (sf.TOKEN, True),
}
CONNECT = "connect"  # the attempt is committed, the connection to Salesforce is not yet made
CAPTURED = "captured"  # committed, the reporter has no answer yet
WORKER_POINTS = (
    "wake_up_taken",
    "claim",
    "attempt",
    CONNECT,
    "request_sent",
    "written",
    "result",
    "record",
    "done",
    "look_up_sent",
    "look_up_answered",
)
TOKEN_POINTS = ("refresh_sent", "refresh_answered", "new_tokens")
INGEST_POINTS = ("capture", CAPTURED)
LOST_WRITE = {"kind": "process_then_drop", "path": sf.WRITES, "method": "POST"}
UNSENT_WRITE = {"kind": "drop", "path": sf.WRITES, "method": "POST"}


@dataclass(frozen=True, slots=True)
class Cell:
    """A point and a fault. `network`: faults of Salesforce that are ordered beforehand, in their order."""

    point: str
    fault: str
    network: tuple[dict[str, Any], ...] = field(default=())

    def __post_init__(self) -> None:
        known = {*POINTS, *GATES, CONNECT, CAPTURED, ""}
        if self.point not in known:
            raise ValueError(self.point)

    @property
    def name(self) -> str:
        """Its name in the table."""
        return f"{self.point or 'call'}/{self.fault}"

    @property
    def refreshes(self) -> bool:
        """Whether the token has run out."""
        return self.point in TOKEN_POINTS


def _cell(point: str, fault: str) -> Cell:
    """Before a look-up comes an answer that was lost: of a write that was done, or that was not."""
    before = {"look_up_sent": (LOST_WRITE,), "look_up_answered": (UNSENT_WRITE,)}
    return Cell(point, fault, before.get(point, ()))


def _cells(fault: str, *points: str) -> list[Cell]:
    return [_cell(point, fault) for point in points]


def _network(fault: str, point: str, path: str, *, before: tuple[dict[str, Any], ...] = (), **values: Any) -> Cell:
    return Cell("", f"{fault} {point}", (*before, {"kind": fault, "path": path, **values}))


def _late(seconds: float) -> Cell:
    """Salesforce goes on with a call that we gave up: the longest that it may."""
    return Cell(
        "",
        f"commit {seconds:.1f} s late",
        (UNSENT_WRITE | {"kind": "drop_then_process", "seconds": seconds},),
    )


NETWORK = [
    # a client's time-out
    _network("delay_then_drop", "after writing", sf.WRITES, seconds=3.0),
    _network("delay", "beyond the time-out", sf.WRITES, seconds=4.0),
    _network("delay", "of a look-up", sf.QUERIES, before=(LOST_WRITE,), seconds=3.0, times=2),
    # a reset
    _network("drop", "of a write", sf.WRITES),
    _network("process_then_drop", "of a write", sf.WRITES),
    _network("process_then_drop", "three times", sf.WRITES, times=3),
    _network("drop", "of a look-up", sf.QUERIES, before=(LOST_WRITE,), times=2),
    _network("drop", "of every look-up but the last", sf.QUERIES, before=(UNSENT_WRITE,), times=3),
    # 503 and nonsense
    _network("html", "503 of a write", sf.WRITES, status=503),
    _network("process_then_html", "502 after writing", sf.WRITES, status=502),
    _network("garbage", "of a write", sf.WRITES),
    _network("process_then_garbage", "after writing", sf.WRITES),
    _network("empty", "200 of a write", sf.WRITES, status=200),
    _network("html", "503 of a look-up", sf.QUERIES, before=(LOST_WRITE,), status=503, times=2),
    _network("garbage", "of a look-up", sf.QUERIES, before=(UNSENT_WRITE,)),
    # a late commit
    _late(0.5),
    _late(3.0),
    _late(LATEST_COMMIT),
    _network("row_error", "locked", sf.WRITES, code="UNABLE_TO_LOCK_ROW", rows=2, fields=()),
]
TOKENS = [
    Cell("refresh_sent", "time-out"),
    Cell("refresh_sent", "reset"),
    Cell("refresh_answered", "reset"),
]

WAVES: dict[str, list[Cell]] = {
    "kill -9 of a worker": _cells("kill_worker", *INGEST_POINTS, *WORKER_POINTS, *TOKEN_POINTS),
    "kill -9 of the cluster": _cells("kill_cluster", *WORKER_POINTS, *TOKEN_POINTS),
    "the network": [*NETWORK, *TOKENS],
    "restart of the database": _cells("restart_database", *INGEST_POINTS, *WORKER_POINTS, *TOKEN_POINTS),
    "frozen beyond the lease": _cells("freeze", *WORKER_POINTS),
    "clock forward": _cells("clock_forward", *WORKER_POINTS),
    "clock back": _cells("clock_back", *WORKER_POINTS),
    "delivered five times": _cells("deliver_again", *INGEST_POINTS, *WORKER_POINTS, "refresh_sent"),
    "a second worker": _cells("second_worker", *WORKER_POINTS, "refresh_sent"),
}
"""The cells of one wave are struck at the same moment, each in a slot of its own."""

MOST_IN_A_WAVE = max(len(cells) for cells in WAVES.values())
CELLS = sum(len(cells) for cells in WAVES.values())

SAMPLE = {
    "kill -9 of a worker": _cells("kill_worker", "claim", "attempt", "request_sent", "written", "result", "record"),
    "the network": [NETWORK[number] for number in (0, 3, 4, 8, 10, 15, 17)],
    "restart of the database": _cells("restart_database", "attempt", "written", "result", "look_up_answered"),
}
"""What the suite runs."""
