"""The addresses in tracked messages, asked for by people outside: no cookie, no session, no page of the product."""

import logging

from allauth.account.adapter import get_adapter
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from activity.sources.hits import find, note_hit
from activity.tracking.buckets import Buckets
from activity.tracking.machines import says_machine
from activity.tracking.tokens import Purpose

logger = logging.getLogger(__name__)

# One transparent pixel.
GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
# Large: a mail provider's proxy asks for a whole company's images from a few addresses.
ADDRESSES = Buckets(per_second=50, burst=500)
TOKENS = Buckets(per_second=0.5, burst=20)


@require_safe
def tracking_open(request: HttpRequest, token: str) -> HttpResponse:
    """The same picture for everybody and every token."""
    if _may_ask(request):
        try:
            _note(request, Purpose.OPEN, token)
        except DatabaseError:
            logger.exception("a pixel's token could not be looked up")
    return _harden(HttpResponse(GIF, content_type="image/gif"), resource_policy="cross-origin")


@require_safe
def tracking_click(request: HttpRequest, token: str) -> HttpResponse:
    """On to the link's target."""
    return _lead_on(request, Purpose.CLICK, token)


@require_safe
def tracking_download(request: HttpRequest, token: str) -> HttpResponse:
    """On to the file."""
    return _lead_on(request, Purpose.DOWNLOAD, token)


def tell_gone(request: HttpRequest, **_names: str) -> HttpResponse:
    """A page that says that the link leads nowhere (any more), and leads nowhere itself."""
    return _harden(HttpResponse(render_to_string("activity/tracking_gone.html"), status=404))


def _lead_on(request: HttpRequest, purpose: Purpose, token: str) -> HttpResponse:
    if not _may_ask(request):
        page = render_to_string("activity/tracking_gone.html", {"too_many": True})
        return _harden(HttpResponse(page, status=429, headers={"Retry-After": "10"}))
    target = _note(request, purpose, token)
    if not target:
        return tell_gone(request)
    # Exactly the address that was registered: HttpResponseRedirect would encode it again.
    return _harden(HttpResponse(status=302, headers={"Location": target}))


def _may_ask(request: HttpRequest) -> bool:
    try:
        address = get_adapter().get_client_ip(request)
    except PermissionDenied:  # no usable address, as behind a proxy that names none
        address = ""
    return ADDRESSES.take(address)


def _note(request: HttpRequest, purpose: Purpose, token: str) -> str | None:
    """Note the hit; returns where the token leads to, None for one that is not ours."""
    found = find(purpose, token)
    if found is None:
        return None
    if TOKENS.take(token):
        try:
            note_hit(found, purpose, says_machine=says_machine(request.method or "", request.headers))
        except DatabaseError:  # the person goes on all the same
            logger.exception("a hit could not be noted")
    return found.url


def _harden(response: HttpResponse, resource_policy: str = "same-origin") -> HttpResponse:
    response["Cache-Control"] = "no-store, private"
    response["Referrer-Policy"] = "no-referrer"
    response["Cross-Origin-Resource-Policy"] = resource_policy
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response
