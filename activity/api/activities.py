"""`POST /api/v1/activities`: who asks, what they ask, and the answer."""

import json
from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from activity.api.problems import Problem
from activity.api.requests import PROBLEMS, FaultOut, authenticate, database_may_be_away, read_items, tell_faults
from activity.pipeline.captured import CaptureResult
from activity.sources.api import MOST_ITEMS, accept
from workspaces.models import Workspace

router = Router()

TRIES = 3
DEADLOCK = frozenset({"40P01", "40001"})


class ResultOut(Schema):
    """What became of one item: `accepted`, `duplicate` or `rejected`. `activity` is missing when rejected."""

    id: str | None
    status: str
    activity: str | None = None
    errors: list[FaultOut] = []


class ResultsOut(Schema):
    """One result for each item, in their order."""

    results: list[ResultOut]


BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ActivitiesIn"}}},
    }
}


@router.post(
    "/activities",
    response={202: ResultsOut, **PROBLEMS},
    openapi_extra=BODY,
    operation_id="report_activities",
    summary="Report activities",
)
def report_activities(request: HttpRequest) -> HttpResponse:
    """Report 1 to 500 activities. `accepted` is said once they are stored for good."""
    with database_may_be_away():
        key = authenticate(request)
        results = _accept(key.workspace, read_items(request, "activities", MOST_ITEMS))
    body = json.dumps({"results": [_result(each) for each in results]})
    return HttpResponse(body, status=202, content_type="application/json")


@router.api_operation(["GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"], "/activities", include_in_schema=False)
def refuse_method(request: HttpRequest) -> HttpResponse:
    """Only POST is understood here."""
    raise Problem(405, "Method not allowed", "Send activities with POST.", Allow="POST")


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
    content["errors"] = tell_faults(result.errors)
    return content
