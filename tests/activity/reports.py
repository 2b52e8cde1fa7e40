"""What a script reports over the API."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse

from tests.activity.stories import NORA

Post = Callable[..., HttpResponse]
Report = Callable[..., list[dict[str, Any]]]


def item(**changes: Any) -> dict[str, Any]:
    """Ben sent a mail to Nora; a change to None leaves the field out."""
    values = {
        "id": "1",
        "user": "ben@acme.example",
        "type": "sent",
        "occurred_at": "2026-11-20T13:00:00+01:00",
        "message": mail(),
    } | changes
    return {name: value for name, value in values.items() if value is not None}


def mail(**changes: Any) -> dict[str, Any]:
    """The mail of `item`."""
    values = {
        "message_id": "<m1@acme.example>",
        "subject": "Offer",
        "from": {"email": "ben@acme.example", "name": "Ben"},
        "to": [{"email": NORA, "name": "Nora"}],
        "text": "Dear Nora",
    } | changes
    return {name: value for name, value in values.items() if value is not None}
