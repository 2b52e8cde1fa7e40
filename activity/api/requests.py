"""Requests to the API: who asks, what they ask, and how faults are told, for every address of it."""

import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest
from django.http.request import UnreadablePostError
from django.utils import timezone
from ninja import Schema

from activity.api.limits import seconds_to_wait
from activity.api.problems import Problem
from activity.pipeline.captured import Fault
from integrations import api_keys
from integrations.models import ApiKey

logger = logging.getLogger(__name__)

LARGEST = 20 * 1024 * 1024


class FaultOut(Schema):
    """A fault of one item and its place in it."""

    path: str
    message: str


class ProblemOut(Schema):
    """A fault of the whole request (RFC 9457): nothing was stored."""

    type: str
    title: str
    status: int
    detail: str


PROBLEMS = dict.fromkeys((400, 401, 403, 413, 415, 422, 429, 503), ProblemOut)


def tell_faults(faults: Iterable[Fault]) -> list[dict[str, str]]:
    """The faults of an item as FaultOut describes them."""
    return [{"path": fault.path, "message": fault.message} for fault in faults]


@contextmanager
def database_may_be_away() -> Iterator[None]:
    """Tells the client to try again when the database cannot be reached."""
    try:
        yield
    except (OperationalError, InterfaceError):
        logger.exception("the API could not reach the database")
        raise Problem(503, "Try again", "The database is away. Nothing was stored.", Retry_After="5") from None


# --- Who asks ---------------------------------------------------------------------------------------------


def authenticate(request: HttpRequest) -> ApiKey:
    """The key that came with the request, counted against its limit; raises Problem."""
    if settings.BASE_URL.startswith("https://") and not request.is_secure():
        raise Problem(
            403, "HTTPS required", "This request came over plain HTTP: change the key, it can have been read."
        )
    if {"key", "api_key", "access_token", "token"} & request.GET.keys():
        raise Problem(
            400, "Key in the address", "Send the key in the header Authorization: Bearer KEY, never in a URL."
        )
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    key = api_keys.authenticate(text.strip()) if scheme.lower() == "bearer" else None
    if key is None:
        detail = "Send a key of your workspace in the header Authorization: Bearer KEY."
        raise Problem(401, "No valid key", detail, WWW_Authenticate='Bearer realm="Touchline"')
    if wait := seconds_to_wait(key, timezone.now()):
        detail = f"A key may make {settings.API_REQUESTS_PER_MINUTE} requests a minute, each with many items."
        raise Problem(429, "Too many requests", detail, Retry_After=str(wait))
    return key


# --- What they ask ----------------------------------------------------------------------------------------


def read_items(request: HttpRequest, name: str, most: int) -> list[Any]:
    """The items of a body `{name: [item, …]}`, parsed and not looked into; raises Problem."""
    if request.content_type != "application/json":
        raise Problem(415, "Not JSON", "Send the header Content-Type: application/json.")
    body = _parse(_read_body(request))
    items = body.get(name) if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise Problem(422, "Wrong shape", f'Send an object {{"{name}": […]}}.')
    if not 1 <= len(items) <= most:
        raise Problem(422, "Wrong number", f"Send 1 to {most} {name}; these are {len(items)}.")
    return items


def _read_body(request: HttpRequest) -> bytes:
    too_large = Problem(413, "Too large", "A request may have 20 MB at most.")
    if _content_length(request) > LARGEST:
        raise too_large
    try:
        return request.body
    except RequestDataTooBig:
        raise too_large from None
    except (UnreadablePostError, OSError):
        raise Problem(400, "Not readable", "The request broke off.") from None


def _content_length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Problem(400, "Not JSON", "The body cannot be read as JSON in UTF-8.") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
