"""`POST /api/v1/messages`: register messages that are about to be sent."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from activity.api.problems import Problem
from activity.api.requests import PROBLEMS, FaultOut, authenticate, database_may_be_away, read_items, tell_faults
from activity.sources.tracking import MOST_MESSAGES, Copy, Registered, register

router = Router()


class FileOut(Schema):
    """A file and the address at which its download is counted."""

    name: str
    url: str


class CopyOut(Schema):
    """What to send to one recipient."""

    recipient: str
    html: str
    files: list[FileOut] = []


class RegisteredOut(Schema):
    """What became of one message: `registered` or `rejected`.

    Send it with this `message_id`. With one pixel `html` and `files` are for everybody; with one for each recipient
    there are `copies` instead.
    """

    id: str | None
    status: str
    message_id: str | None = None
    html: str | None = None
    files: list[FileOut] | None = None
    copies: list[CopyOut] | None = None
    errors: list[FaultOut] = []


class AllRegisteredOut(Schema):
    """One result for each message, in their order."""

    results: list[RegisteredOut]


BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/MessagesIn"}}},
    }
}


@router.post(
    "/messages",
    response={200: AllRegisteredOut, **PROBLEMS},
    openapi_extra=BODY,
    operation_id="register_messages",
    summary="Register messages to be tracked",
)
def register_messages(request: HttpRequest) -> HttpResponse:
    """Register 1 to 20 messages about to be sent; get their HTML with a pixel and links that lead through us.

    This does not report them as sent: report that as an activity, with the same `message_id`. The same id again gets
    the same answer.
    """
    with database_may_be_away():
        key = authenticate(request)
        results = register(key.workspace, read_items(request, "messages", MOST_MESSAGES))
    body = json.dumps({"results": [_result(each) for each in results]})
    return HttpResponse(body, content_type="application/json")


@router.api_operation(["GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"], "/messages", include_in_schema=False)
def refuse_method(request: HttpRequest) -> HttpResponse:
    """Only POST is understood here."""
    raise Problem(405, "Method not allowed", "Send messages with POST.", Allow="POST")


def _result(result: Registered) -> dict[str, Any]:
    content: dict[str, Any] = {"id": result.source_id, "status": "registered" if result.copies else "rejected"}
    if result.copies:
        content["message_id"] = result.message_id
        copies = [_copy(each) for each in result.copies]
        content |= {"copies": copies} if result.copies[0].recipient else copies[0]
    content["errors"] = tell_faults(result.errors)
    return content


def _copy(copy: Copy) -> dict[str, Any]:
    content: dict[str, Any] = {"recipient": copy.recipient} if copy.recipient else {}
    return content | {"html": copy.html, "files": [{"name": name, "url": url} for name, url in copy.files]}
