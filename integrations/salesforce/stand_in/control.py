"""The control address /stand-in/…: faults, scenarios, counters and records as JSON, for tests in other processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import ApiError
from .faults import Fault
from .messages import Request, Response, json_response

if TYPE_CHECKING:
    from .server import StandIn


def answer_control(stand_in: StandIn, request: Request) -> Response:
    """Answer a request of the control address."""
    name = request.path.removeprefix("/stand-in/").rstrip("/")
    if name == "faults":
        return answer_faults(stand_in, request)
    if name == "settings":
        return json_response(stand_in.settings())
    return json_response([ApiError("NOT_FOUND").as_answer()], 404)


def answer_faults(stand_in: StandIn, request: Request) -> Response:
    """GET lists the waiting faults, POST adds one, DELETE cancels all."""
    if request.method == "POST":
        try:
            return json_response({"number": stand_in.faults.add(Fault(**request.json())).number}, 201)
        except (TypeError, ValueError) as error:
            return json_response({"message": str(error)}, 400)
    if request.method == "DELETE":
        stand_in.faults.clear()
    return json_response(stand_in.faults.list())
