"""Faults with a name, ready to be ordered by a button or a test."""

from __future__ import annotations

from dataclasses import dataclass, field

from .errors import LIMIT_CONCURRENT, LIMIT_TOTAL
from .faults import Fault

WRITES = r"/(composite/)?sobjects(/|$)"
DATA = r"^/services/data/v"
TOKEN = r"/services/oauth2/token$"


@dataclass(frozen=True, slots=True)
class ReadyFault:
    """A fault's title and explanation for people, and what it is made of."""

    title: str
    explanation: str
    values: dict[str, object] = field(default_factory=dict)

    def make(self, **changes: object) -> Fault:
        """Return a new fault, with some values changed."""
        return Fault(**{**self.values, "title": self.title, **changes})


def write(kind: str, **values: object) -> dict[str, object]:
    """A fault of the next create or update of records."""
    return {"kind": kind, "path": WRITES, "method": "POST", **values}


READY: dict[str, ReadyFault] = {
    "lost_answer": ReadyFault(
        "Lose the answer of the next write",
        "The records are saved, but the connection breaks before the answer. Touchline must look before it repeats.",
        write("process_then_drop"),
    ),
    "lost_request": ReadyFault(
        "Lose the next write",
        "The connection breaks before anything is saved. Touchline cannot tell this from a lost answer.",
        write("drop"),
    ),
    "late_commit": ReadyFault(
        "Save the next write 90 seconds late",
        "The connection breaks at once, yet Salesforce goes on working and saves the records later.",
        write("drop_then_process", seconds=90),
    ),
    "slow_write": ReadyFault("Answer the next write after 20 seconds", "Slow, but well.", write("delay", seconds=20)),
    "unavailable": ReadyFault(
        "Three times 503 with a page",
        "Salesforce is busy and answers HTML.",
        {"kind": "html", "path": DATA, "status": 503, "times": 3},
    ),
    "bad_gateway": ReadyFault(
        "Save the next write, answer 502",
        "The edge lost the instance's answer: the outcome is unknown.",
        write("process_then_html", status=502),
    ),
    "garbage": ReadyFault(
        "Save the next write, answer nonsense", "A 200 whose body cannot be read.", write("process_then_garbage")
    ),
    "expired_session": ReadyFault(
        "401 once",
        "The access token is refused once, although it is good; Touchline refreshes.",
        {"kind": "api_error", "path": DATA, "code": "INVALID_SESSION_ID"},
    ),
    "lost_refresh_answer": ReadyFault(
        "Lose the answer of the next refresh",
        "The new refresh token is lost on the way; the old one is dead. The person has to reconnect.",
        {"kind": "process_then_drop", "path": TOKEN, "object": "refresh_token"},
    ),
    "daily_limit": ReadyFault(
        "Daily API limit, for the next 5 calls",
        "The org has used up its calls of 24 hours.",
        {"kind": "api_error", "path": DATA, "code": "REQUEST_LIMIT_EXCEEDED", "message": LIMIT_TOTAL, "times": 5},
    ),
    "concurrent_limit": ReadyFault(
        "Too many long requests, once",
        "A limit that passes in seconds.",
        {"kind": "api_error", "path": DATA, "code": "REQUEST_LIMIT_EXCEEDED", "message": LIMIT_CONCURRENT},
    ),
    "locked_rows": ReadyFault(
        "Two records of the next write are locked",
        "Another transaction holds the account; trying again helps.",
        write("row_error", code="UNABLE_TO_LOCK_ROW", rows=2, fields=()),
    ),
    "validation": ReadyFault(
        "A validation rule refuses one record",
        "An admin's rule says no; a person has to act.",
        write("row_error", code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="Please fill in the region.", fields=()),
    ),
    "trigger": ReadyFault(
        "A trigger fails on one record",
        "Code of the customer's org breaks.",
        write("row_error", code="CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", fields=()),
    ),
    "storage": ReadyFault(
        "The org's storage is full",
        "Every record of the next write is refused.",
        write("row_error", code="STORAGE_LIMIT_EXCEEDED", rows=200),
    ),
    "maintenance": ReadyFault(
        "Maintenance, for the next 3 writes",
        "Reading works, writing does not.",
        write("api_error", code="INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", times=3),
    ),
    "redirect": ReadyFault(
        "Redirect the next call elsewhere",
        "Touchline must not follow, least of all with its token.",
        {"kind": "redirect", "path": DATA, "location": "https://evil.example/services/data"},
    ),
    "authorize_rate_limit": ReadyFault(
        "Too many log-ins, once",
        "The next log-in returns with rate_limit_exceeded.",
        {"kind": "oauth_error", "path": "/authorize$", "code": "rate_limit_exceeded"},
    ),
}
