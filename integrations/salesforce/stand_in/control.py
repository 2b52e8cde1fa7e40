"""The control address /stand-in/…: faults, scenarios, counters and records, for tests in other processes and buttons.

JSON: GET state, settings, faults, records/<Object>; POST faults (a Fault's values, or {"ready": name}), scenario
({"name", "args", "org"}), reset; DELETE faults. `org` is a position or an id, 0 where it is left out.
The buttons of the pages post forms to press.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .customising import Customising
from .deeds import Deeds
from .demo import make_orgs
from .duplicates import DuplicateRules
from .errors import ApiError
from .faults import Fault
from .messages import Request, Response, json_response, redirect_response
from .ready_faults import READY
from .switches import Switches

if TYPE_CHECKING:
    from .oauth import Grant
    from .org import Org
    from .server import StandIn

INNER = {"set_switches", "check_validation_rules", "check_duplicates", "forget_views"}
PARTS = (Switches, Customising, DuplicateRules, Deeds)
ORG_DEEDS = {name for part in PARTS for name in vars(part) if name[0] != "_"} - INNER


def answer_control(stand_in: StandIn, request: Request) -> Response:
    """Answer a request of the control address; requests from pages of other hosts are refused."""
    origin = request.headers.get("origin")
    if origin not in (None, "null") and urlsplit(origin).netloc != request.headers.get("host"):
        return json_response({"message": "Requests from other sites are refused"}, 403)
    name = request.path.removeprefix("/stand-in/").rstrip("/")
    try:
        return route(stand_in, request, name)
    except ApiError as error:
        return json_response([error.as_answer()], error.status)
    except (TypeError, ValueError, LookupError, StopIteration) as error:
        return json_response({"message": f"{type(error).__name__}: {error}"}, 400)


def route(stand_in: StandIn, request: Request, name: str) -> Response:
    """Send a request to what answers it."""
    if request.method == "POST" and name == "press":
        return press(stand_in, request)
    if name == "faults":
        return answer_faults(stand_in, request)
    if request.method == "POST" and name == "scenario":
        body = request.json()
        return json_response(
            {"result": run_scenario(stand_in, body["name"], body.get("args", {}), body.get("org", 0))}
        )
    if request.method == "POST" and name == "reset":
        stand_in.reset(*make_orgs())
        return json_response({})
    if name == "settings":
        return json_response(stand_in.settings())
    if name == "state":
        return json_response(show_state(stand_in))
    if name.startswith("records/"):
        org = find_org(stand_in, request.query.get("org", "0"))
        with org.lock:
            rows = org.rows(name.removeprefix("records/"), deleted="deleted" in request.query)
            return json_response(rows)
    raise ApiError("NOT_FOUND")


def answer_faults(stand_in: StandIn, request: Request) -> Response:
    """GET lists the waiting faults, POST adds one, DELETE cancels all."""
    if request.method == "POST":
        values = dict(request.json())
        ready = values.pop("ready", None)
        fault = READY[ready].make(**values) if ready else Fault(**values)
        return json_response({"number": stand_in.faults.add(fault).number}, 201)
    if request.method == "DELETE":
        stand_in.faults.clear()
    return json_response(stand_in.faults.list())


def find_org(stand_in: StandIn, wanted: object) -> Org:
    """Return an org by position or id; raises LookupError or ValueError."""
    for org in stand_in.orgs:
        if org.id == wanted:
            return org
    return stand_in.orgs[int(wanted)]


def run_scenario(stand_in: StandIn, name: str, args: dict, org: object = 0) -> object:
    """Call a scenario of an org, or one of the whole stand-in; raises LookupError for unknown names."""
    if name in ORG_DEEDS:
        result = getattr(find_org(stand_in, org), name)(**args)
        return result if isinstance(result, str | dict | None) else None
    with stand_in.lock:
        return DEEDS[name](stand_in, **args)


def set_rotation(stand_in: StandIn, rotates: bool = True) -> None:
    """Switch the rotation of refresh tokens."""
    stand_in.oauth.rotates = rotates


DEEDS = {
    "expire_access_tokens": lambda stand_in: stand_in.oauth.expire_access_tokens(),
    "move_instance": lambda stand_in, old_host_answers=404: stand_in.move_instance(None, old_host_answers),
    "release_late_work": lambda stand_in: stand_in.faults.release(),
    "revoke_user": lambda stand_in, email: stand_in.oauth.revoke_user(email),
    "set_rotation": set_rotation,
}


def show_state(stand_in: StandIn) -> dict[str, object]:
    """The counters, without any token."""
    with stand_in.lock:
        return {
            "oauth": dict(stand_in.oauth.counts),
            "grants": [show_grant(grant) for grant in stand_in.oauth.grants],
            "orgs": [show_org(org) for org in stand_in.orgs],
            "faults_waiting": len(stand_in.faults.waiting),
            "faults_met": len(stand_in.faults.taken),
        }


def show_grant(grant: Grant) -> dict[str, object]:
    """The counters of a grant; `most_presented` is how often one refresh token was shown."""
    return {
        "number": grant.number,
        "email": grant.org.row(grant.user_id)["Email"],
        "org": grant.org.id,
        "is_live": grant.is_live,
        "ended_by": grant.ended_by,
        "refreshes": grant.refreshes,
        "reuses": grant.reuses,
        "most_presented": max(grant.presented.values(), default=0),
    }


def show_org(org: Org) -> dict[str, object]:
    """The counters of an org."""
    with org.lock:
        return {
            "id": org.id,
            "name": org.name,
            "used": org.usage.used,
            "maximum": org.usage.maximum,
            "calls": dict(org.usage.calls),
            "rows": {name: len(table.rows) for name, table in org.tables.items()},
        }


def press(stand_in: StandIn, request: Request) -> Response:
    """A button of a page: order or cancel a fault, or run a scenario; then back to the page."""
    form = request.form()
    back = form.pop("back", "/faults")
    if "ready" in form:
        stand_in.faults.add(READY[form["ready"]].make())
    elif "cancel" in form:
        stand_in.faults.clear(int(form["cancel"]))
    else:
        name, org = form.pop("scenario"), form.pop("org", "0")
        words = {"true": True, "false": False}
        args = {key: words.get(value, int(value) if value.isdigit() else value) for key, value in form.items()}
        run_scenario(stand_in, name, args, org)
    is_own_page = back.startswith("/") and not back.startswith(("//", "/\\"))
    response = redirect_response(back if is_own_page else "/")
    response.status = 303
    return response
