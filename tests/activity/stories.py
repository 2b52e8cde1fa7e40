"""What happens in the tests: people connect, things are reported, the queue runs."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from activity.models import Kind, Source, SyncJob
from activity.pipeline.capture import capture
from activity.pipeline.captured import (
    Attendee,
    Captured,
    CapturedMeeting,
    CapturedMessage,
    CaptureResult,
    Person,
)
from activity.pipeline.log_to_salesforce import drain
from integrations import grants, sign_in
from integrations.models import Connection, Intent, Issuer
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Membership, Workspace

NORA = "nora.west@northwindtraders.example"
PETER = "peter.gibson@initech.example"
NADIA = "nadia.ruiz@northwindtraders.example"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def connect(stand_in: TestedStandIn, member: Membership, as_user: str, intent: Intent) -> Connection:
    """Go to Salesforce, log in as a user there, come back and confirm."""
    session_key = f"session-of-{member.pk}"
    _, url = sign_in.begin(member.user, member.workspace, session_key, intent, Issuer.PRODUCTION)
    callback = urlsplit(stand_in.log_in(url, as_user))
    pending = sign_in.complete(Issuer.PRODUCTION, dict(parse_qsl(callback.query)), member.user, session_key)
    return grants.confirm(pending, member.user)


def message(number: int = 1, **changes: Any) -> CapturedMessage:
    """A mail from Ben to Nora."""
    values = {
        "message_id": f"m{number}@acme.example",
        "subject": f"Offer {number}",
        "sender": Person("ben@acme.example", "Ben"),
        "to": (Person(NORA, "Nora West"),),
        "text": "Dear Nora,\nhere is the offer.",
    }
    return CapturedMessage(**(values | changes))


def sent(number: int = 1, source_id: str = "", **changes: Any) -> Captured:
    """Ben sent a mail; `changes` are the message's."""
    via = changes.pop("via_touchline", True)
    user = changes.pop("user", "ben@acme.example")
    return Captured(
        source_id=source_id or f"sent-{number}",
        user=user,
        kind=Kind.SENT,
        occurred_at=NOON,
        message=message(number, **changes),
        via_touchline=via,
    )


def received(number: int = 1, **changes: Any) -> Captured:
    """Nora wrote to Ben."""
    values = {"sender": Person(NORA, "Nora West"), "to": (Person("ben@acme.example"),)}
    return Captured(
        source_id=f"received-{number}",
        user="ben@acme.example",
        kind=Kind.RECEIVED,
        occurred_at=NOON,
        message=message(number, **(values | changes)),
    )


def tracked(kind: Kind, number: int = 1, **changes: Any) -> Captured:
    """Somebody opened, clicked or downloaded what Ben sent."""
    values = {
        "source_id": f"{kind}-{number}",
        "user": "ben@acme.example",
        "kind": kind,
        "occurred_at": NOON,
        "known_message_id": f"m{number}@acme.example",
    }
    return Captured(**(values | changes))


def meeting(kind: Kind = Kind.MEETING_CONFIRMED, **changes: Any) -> Captured:
    """A meeting of Ben and Nora; `hour` is when it begins, `at` when it was reported."""
    hour, at = changes.pop("hour", 14), changes.pop("at", NOON)
    values = {
        "uid": "uid-1",
        "title": "Demo",
        "start": datetime(2026, 11, 25, hour, tzinfo=UTC),
        "end": datetime(2026, 11, 25, hour + 1, tzinfo=UTC),
        "location": "Room 1",
        "organizer": Person("ben@acme.example"),
        "attendees": (Attendee(NORA, "Nora West", "accepted"), Attendee("ben@acme.example")),
    }
    source_id = changes.pop("source_id", f"{kind}-{hour}")
    return Captured(
        source_id=source_id,
        user="ben@acme.example",
        kind=kind,
        occurred_at=at,
        meeting=CapturedMeeting(**(values | changes)),
    )


def report(workspace: Workspace, *items: Captured) -> list[CaptureResult]:
    """The API brought these."""
    return capture(workspace, Source.API, list(items))


def log(connection: Connection) -> None:
    """The queue drains the connection."""
    drain(connection.pk)


def states(**filters: Any) -> list[tuple[str, str]]:
    """State and reason of the jobs, in order."""
    return list(SyncJob.objects.filter(**filters).order_by("pk").values_list("state", "reason"))
