"""What people see of the orgs in the browser: which page answers which address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .fault_pages import faults_page
from .ids import id18
from .layout import STYLE, lay_out
from .listener import Listener
from .login_pages import logged_out_page
from .messages import Request, Response, html_response
from .record_pages import LISTS, list_page, record_page
from .state_pages import grants_page, usage_page

if TYPE_CHECKING:
    from .org import Org
    from .server import StandIn

SECURE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def answer_page(stand_in: StandIn, request: Request, listener: Listener) -> Response:
    """Answer a browser."""
    path = request.path.rstrip("/") or "/"
    if path == "/stand-in.css":
        return Response(200, STYLE, {"Content-Type": "text/css", "Cache-Control": "max-age=60"})
    if path == "/favicon.ico":
        return Response(204)
    if path == "/secur/logout.jsp":
        return html_response(logged_out_page(), 200, {"Set-Cookie": "stand_in_user=; Path=/; Max-Age=0"})
    org = choose_org(stand_in, request, listener)
    with stand_in.lock, org.lock:
        page = draw(stand_in, org, path, request)
    if page is None:
        body = '<section class="card"><h1>Not found</h1><p>There is no such page or record here.</p></section>'
        return html_response(lay_out("Not found", body), 404, SECURE_HEADERS)
    return html_response(page, 200, SECURE_HEADERS)


def choose_org(stand_in: StandIn, request: Request, listener: Listener) -> Org:
    """Return the org that a page is about: the one asked for, else the first that logs in at this host."""
    number = request.query.get("org", "")
    if number.isdigit() and int(number) < len(stand_in.orgs):
        return stand_in.orgs[int(number)]
    return next((org for org in stand_in.orgs if org.is_sandbox == listener.is_sandbox), stand_in.org)


def draw(stand_in: StandIn, org: Org, path: str, request: Request) -> str | None:
    """Return the page of an address, or None."""
    page_number = int(request.query["page"]) if request.query.get("page", "").isdigit() else 1
    if path in LISTS:
        return list_page(stand_in, org, path, max(1, page_number))
    if path == "/grants":
        return grants_page(stand_in, org)
    if path == "/usage":
        return usage_page(stand_in, org)
    if path == "/faults":
        return faults_page(stand_in, org)
    parts = path.strip("/").split("/")
    if parts[:2] == ["lightning", "r"]:
        parts = parts[3:4] if len(parts) == 5 else parts[2:3]
    record_id = id18(parts[0]) if len(parts) == 1 else None
    owner = next((each for each in stand_in.orgs if record_id and has_record(each, record_id)), None)
    return record_page(stand_in, owner, record_id) if owner and record_id else None


def has_record(org: Org, record_id: str) -> bool:
    """Whether a record of this id is in an org."""
    name = org.object_of(record_id)
    return name is not None and record_id in org.tables[name].rows
