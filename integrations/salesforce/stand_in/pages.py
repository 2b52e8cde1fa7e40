"""What people see of the org: tables of its records, a page for each record, grants, usage, faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .layout import STYLE, lay_out
from .listener import Listener
from .login_pages import logged_out_page
from .messages import Request, Response, html_response

if TYPE_CHECKING:
    from .server import StandIn


def answer_page(stand_in: StandIn, request: Request, listener: Listener) -> Response:
    """Answer a browser."""
    path = request.path.rstrip("/") or "/"
    if path == "/stand-in.css":
        return Response(200, STYLE, {"Content-Type": "text/css"})
    if path == "/secur/logout.jsp":
        return html_response(logged_out_page(), 200, {"Set-Cookie": "stand_in_user=; Path=/; Max-Age=0"})
    return html_response(lay_out("Salesforce stand-in", "<h1>Tasks</h1>", current="/"))
