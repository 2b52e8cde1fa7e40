"""`POST /api/v1/activities`: who asks, what they ask, and the answer."""

import json
import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.utils import timezone
from ninja import Router, Schema

from activity.api.limits import seconds_to_wait
from activity.api.problems import Problem
from activity.pipeline.captured import CaptureResult
from activity.sources.api import MOST_ITEMS, accept
from integrations import api_keys
from integrations.models import ApiKey
from workspaces.models import Workspace

logger = logging.getLogger(__name__)
router = Router()

LARGEST = 20 * 1024 * 1024
TRIES = 3
DEADLOCK = frozenset({"40P01", "40001"})


class FaultOut(Schema):
    """A fault of one item and its place in it."""

    path: str
    message: str


class ResultOut(Schema):
    """What became of one item: `accepted`, `duplicate` or `rejected`. `activity` is missing when rejected."""

    id: str | None
    status: str
    activity: str | None = None
    errors: list[FaultOut] = []


class ResultsOut(Schema):
    """One result for each item, in their order."""

    results: list[ResultOut]


class ProblemOut(Schema):
    """A fault of the whole request (RFC 9457): nothing was stored."""

    type: str
    title: str
    status: int
    detail: str


BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ActivitiesIn"}}},
    }
}
PROBLEMS = dict.fromkeys((400, 401, 403, 413, 415, 422, 429, 503), ProblemOut)


@router.post(
    "/activities",
    response={202: ResultsOut, **PROBLEMS},
    openapi_extra=BODY,
    operation_id="report_activities",
    summary="Report activities",
)
def report_activities(request: HttpRequest) -> HttpResponse:
    """Report 1 to 500 activities. `accepted` is said once they are stored for good."""
    try:
        key = _authenticate(request)
        items = _read_items(request)
        results = _accept(key.workspace, items)
    except (OperationalError, InterfaceError):
        logger.exception("the API could not reach the database")
        raise Problem(503, "Try again", "The database is away. Nothing was stored.", Retry_After="5") from None
    body = json.dumps({"results": [_result(each) for each in results]})
    return HttpResponse(body, status=202, content_type="application/json")


@router.api_operation(["GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"], "/activities", include_in_schema=False)
def refuse_method(request: HttpRequest) -> HttpResponse:
    """Only POST is understood here."""
    raise Problem(405, "Method not allowed", "Send activities with POST.", Allow="POST")


# --- Who asks ---------------------------------------------------------------------------------------------


def _authenticate(request: HttpRequest) -> ApiKey:
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
        detail = (
            f"A key may make {settings.API_REQUESTS_PER_MINUTE} requests a minute, each with {MOST_ITEMS} activities."
        )
        raise Problem(429, "Too many requests", detail, Retry_After=str(wait))
    return key


# --- What they ask ----------------------------------------------------------------------------------------


def _read_items(request: HttpRequest) -> list[Any]:
    if request.content_type != "application/json":
        raise Problem(415, "Not JSON", "Send the header Content-Type: application/json.")
    body = _parse(_read_body(request))
    items = body.get("activities") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise Problem(422, "Wrong shape", 'Send an object {"activities": […]}.')
    if not 1 <= len(items) <= MOST_ITEMS:
        raise Problem(422, "Wrong number", f"Send 1 to {MOST_ITEMS} activities; these are {len(items)}.")
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


# --- The answer -------------------------------------------------------------------------------------------


def _accept(workspace: Workspace, items: list[Any]) -> list[CaptureResult]:
    """Capture; two requests that block each other are told apart by trying again."""
    for _ in range(TRIES - 1):
        try:
            return accept(workspace, items)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) not in DEADLOCK:
                raise
    return accept(workspace, items)


def _result(result: CaptureResult) -> dict[str, Any]:
    content: dict[str, Any] = {"id": result.source_id, "status": result.status}
    if result.activity:
        content["activity"] = result.activity
    content["errors"] = [{"path": fault.path, "message": fault.message} for fault in result.errors]
    return content
