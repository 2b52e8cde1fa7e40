"""Messages that are registered, and people (and machines) outside who open them."""

import re
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from activity.models import Activity, TrackedMessage, TrackingHit
from activity.sources.hits import settle_hits
from activity.sources.tracking import Registered, register
from tests.activity.stories import NORA, PETER
from workspaces.models import Workspace

BASE = "http://testserver"
OFFER, TERMS, FILE = "https://shop.example/offer?id=7", "https://shop.example/terms", "https://files.example/list.pdf"
HTML = (
    f'<html><body><p>Dear Nora, <a href="{OFFER}">the offer</a>, <a href="{TERMS}">terms</a>, '
    f'<a href="{FILE}">prices</a>.</p></body></html>'
)
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
APPLE_PROXY = "Mozilla/5.0"


def item(**changes: Any) -> dict[str, Any]:
    """Ben is about to send a mail to Nora; a change to None leaves the field out. `message` changes its message."""
    mail = {
        "from": {"email": "ben@acme.example", "name": "Ben"},
        "to": [{"email": NORA, "name": "Nora West"}],
        "subject": "Offer 1",
        "message_id": "<m1@acme.example>",
    } | changes.pop("message", {})
    values = {
        "id": "1",
        "user": "ben@acme.example",
        "message": {name: value for name, value in mail.items() if value is not None},
        "html": HTML,
        "files": [{"name": "list.pdf", "url": FILE}],
    } | changes
    return {name: value for name, value in values.items() if value is not None}


def to_two(**changes: Any) -> dict[str, Any]:
    """The same mail to Nora and Peter."""
    return item(message={"to": [{"email": NORA}, {"email": PETER}]}, **changes)


def register_one(workspace: Workspace, wanted: dict[str, Any] | None = None, *, ago: int = 3600) -> Registered:
    """Register a message as if it had been `ago` seconds ago."""
    [registered] = register(workspace, [wanted or item()])
    assert registered.errors == ()
    TrackedMessage.objects.update(registered_at=timezone.now() - timedelta(seconds=ago))
    return registered


def paths(html: str, purpose: str) -> list[str]:
    """The paths of our addresses in the HTML: "o" of pixels, "c" of links, "d" of downloads."""
    return re.findall(rf'"{BASE}(/t/{purpose}/[^"]+)"', html)


def visit(path: str, agent: str = CHROME, method: str = "get", **headers: str) -> HttpResponse:
    """Somebody's program asks for an address."""
    return getattr(Client(), method)(path, headers={"User-Agent": agent} | headers)


def settle() -> int:
    """Some seconds later the queue settles what came."""
    TrackingHit.objects.filter(settled_at=None).update(at=timezone.now() - timedelta(seconds=60))
    return settle_hits()


def shift_hits(**delta: float) -> None:
    """Let every hit so far have come earlier."""
    for hit in TrackingHit.objects.all():
        hit.at -= timedelta(**delta)
        hit.save()


def happened() -> list[tuple[str, str, bool]]:
    """Kind, recipient and whether it was a machine, of all activities in order."""
    return list(Activity.objects.order_by("occurred_at", "pk").values_list("kind", "recipient", "by_machine"))
