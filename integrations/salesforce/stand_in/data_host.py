"""What an org's own host answers: the data API and userinfo, each with a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .calls import Call, list_versions, read_version
from .errors import LIMIT_TOTAL, ApiError
from .external_ids import SeveralFoundError
from .faults import Fault, RowFault
from .identity import user_info
from .listener import Listener
from .login_host import answer_login_paths
from .messages import Request, Response, json_response, redirect_response
from .rest import dispatch, kind_of

if TYPE_CHECKING:
    from .oauth import Grant
    from .server import StandIn

DATA = "/services/data"
USER_INFO = "/services/oauth2/userinfo"


def answer_data_host(stand_in: StandIn, request: Request, listener: Listener, fault: Fault | None) -> Response:
    """Answer a request to an org's host."""
    org, path = listener.org, request.path.rstrip("/")
    if org is None:
        return answer_for_moved(request, listener)
    if path == USER_INFO:
        return answer_user_info(stand_in, request)
    if path == DATA and request.method == "GET":
        return json_response(list_versions())
    if path.startswith(DATA + "/"):
        with org.lock:
            return answer_call(stand_in, request, listener, fault)
    if stand_in.my_domain_logins:
        return answer_login_paths(stand_in, request, listener, fault)
    return json_response([ApiError("NOT_FOUND").as_answer()], 404)


def answer_for_moved(request: Request, listener: Listener) -> Response:
    """What a host answers when its org has moved away."""
    if listener.answers_with == 302:
        return redirect_response(listener.moved_to + request.target)
    error = ApiError("INVALID_SESSION_ID" if listener.answers_with == 401 else "NOT_FOUND")
    return json_response([error.as_answer()], error.status)


def answer_user_info(stand_in: StandIn, request: Request) -> Response:
    """GET userinfo, by header only."""
    grant = stand_in.oauth.find_session(bearer_of(request))
    if grant is None:
        return Response(403, b"Bad_OAuth_Token", {"Content-Type": "text/html; charset=UTF-8"})
    return json_response(user_info(stand_in, grant))


def bearer_of(request: Request) -> str:
    """Return the token of the Authorization header; "" where there is none; raises nothing."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind in ("Bearer", "OAuth") else ""


def answer_call(stand_in: StandIn, request: Request, listener: Listener, fault: Fault | None) -> Response:
    """Answer one call of the data API: authenticate, count, dispatch."""
    org = listener.org
    try:
        parts = [part for part in request.path.removeprefix(DATA).split("/") if part]
        version = read_version(parts[0])
        grant = authenticate(stand_in, request, listener)
    except ApiError as error:
        return json_response([error.as_answer()], error.status)
    if org.usage.is_exhausted:
        error = ApiError("REQUEST_LIMIT_EXCEEDED", message=LIMIT_TOTAL)
        return listener.with_limit(json_response([error.as_answer()], error.status))
    org.usage.count(kind_of(parts[1:]), grant.user_id)
    call = Call(
        org,
        grant.user_id,
        version,
        request.method,
        parts[1:],
        request.query,
        request.headers,
        request.json,
        dispatch,
        RowFault(fault) if fault else None,
    )
    return listener.with_limit(run_call(call, grant))


def run_call(call: Call, grant: Grant) -> Response:
    """Run a counted call; refusals become their answers."""
    try:
        check_may_call(call, grant)
        answer = dispatch(call)
    except SeveralFoundError as several:
        return json_response(several.paths, 300)
    except ApiError as error:
        return json_response([error.as_answer()], error.status)
    if answer.body is None:
        return Response(answer.status, b"", answer.headers)
    return json_response(answer.body, answer.status, answer.headers)


def authenticate(stand_in: StandIn, request: Request, listener: Listener) -> Grant:
    """Return the grant of the token; raises 401, or 403 where the token lacks the scope "api"."""
    if request.headers.get("authorization") and not bearer_of(request):
        raise ApiError("INVALID_AUTH_HEADER")
    grant = stand_in.oauth.find_session(bearer_of(request))
    if grant is None or grant.org is not listener.org:
        raise ApiError("INVALID_SESSION_ID")
    if not {"api", "full"} & set(grant.scopes):
        message = "This session is not valid for use with the REST API"
        raise ApiError("INVALID_SESSION_ID", message=message, status=403)
    return grant


def check_may_call(call: Call, grant: Grant) -> None:
    """Refuse users and orgs without API, and expired passwords."""
    org, profile = call.org, call.org.profiles[grant.user_id]
    if not org.api_enabled:
        raise ApiError("API_DISABLED_FOR_ORG")
    if "ApiEnabled" not in profile.permissions:
        raise ApiError("API_CURRENTLY_DISABLED")
    if profile.password_expired:
        raise ApiError("INVALID_OPERATION_WITH_EXPIRED_PASSWORD")
