"""Headers and one log line for every answer."""

import time
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

log = structlog.get_logger("request")


class SecurityHeaders:
    """Adds what Django has no setting for, and keeps signed-in pages out of every cache."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the headers that SECURITY asks of every page."""
        response = self.get_response(request)
        response.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if not request.path.startswith("/static/"):
            response.setdefault("Cache-Control", "no-store")
        return response


class RequestLog:
    """Binds a request id to every line of a request and logs its end: path without query, status, milliseconds."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Log `METHOD path status ms`; the query string may hold an address and is left out."""
        with structlog.contextvars.bound_contextvars(request_id=uuid.uuid4().hex[:12]):
            started = time.monotonic()
            response = self.get_response(request)
            quiet = request.path.startswith("/static/") or request.path == "/healthz"
            (log.debug if quiet else log.info)(
                f"{request.method} {request.path}",
                status=response.status_code,
                ms=round((time.monotonic() - started) * 1000),
            )
        return response
