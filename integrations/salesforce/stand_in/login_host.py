"""What a log-in host answers: the OAuth endpoints, and everything a person sees in the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from . import login_pages, pages
from .errors import ApiError, OAuthError
from .faults import Fault
from .identity import identity, user_info
from .ids import id18
from .listener import Listener
from .messages import Request, Response, html_response, json_response, redirect_response
from .oauth import SCOPES

if TYPE_CHECKING:
    from .org import Org
    from .server import StandIn

REMEMBER = "stand_in_user"
APP_REFUSALS = {
    "not_approved": ("OAUTH_APP_ACCESS_DENIED", "user is not admin approved to access this app"),
    "blocked": ("OAUTH_APP_BLOCKED", "this app is blocked by admin"),
    "not_installed": (
        "OAUTH_APPROVAL_ERROR_GENERIC",
        "An unexpected error has occurred during authentication. Please try again.",
    ),
}
# these stay on Salesforce's own page; the app is not told
APP_ERRORS = {error for error, _ in APP_REFUSALS.values()}
SHOWN_BY_SALESFORCE = {"redirect_uri_mismatch", "invalid_client_id", *APP_ERRORS}


def answer_login_host(stand_in: StandIn, request: Request, listener: Listener, fault: Fault | None) -> Response:
    """Answer a request to a log-in host."""
    if request.path.startswith(("/services/oauth2/", "/id/")):
        return answer_login_paths(stand_in, request, listener, fault)
    if request.path.startswith("/services/"):
        return json_response([ApiError("NOT_FOUND").as_answer()], 404)
    return pages.answer_page(stand_in, request, listener)


def answer_login_paths(stand_in: StandIn, request: Request, listener: Listener, fault: Fault | None) -> Response:
    """Answer the OAuth endpoints."""
    name = request.path.rstrip("/").removeprefix("/services/oauth2/")
    if name == "authorize":
        return Authorize(stand_in, request, listener, fault).answer()
    try:
        with stand_in.lock:
            if name in ("token", "revoke", "introspect") and request.method != "POST":
                raise OAuthError("invalid_request", "HTTP method not supported, must be POST")
            if name == "token":
                return json_response(stand_in.oauth.answer_token(request.form(), listener.kind))
            if name == "revoke":
                stand_in.oauth.revoke(request.form().get("token") or request.query.get("token", ""))
                return Response(200)
            if name == "introspect":
                stand_in.oauth.check_client(request.form())
                return json_response(stand_in.oauth.introspect(request.form().get("token", "")))
            return answer_identity(stand_in, request)
    except OAuthError as error:
        return json_response({"error": error.error, "error_description": error.description}, error.status)


def answer_identity(stand_in: StandIn, request: Request) -> Response:
    """GET userinfo, or the identity URL of the token's own user."""
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    grant = stand_in.oauth.find_session(token)
    if grant is None:
        return Response(403, b"Bad_OAuth_Token", {"Content-Type": "text/html; charset=UTF-8"})
    if request.path.rstrip("/") == "/services/oauth2/userinfo":
        return json_response(user_info(stand_in, grant))
    parts = [id18(part) for part in request.path.strip("/").split("/")[1:]]
    if parts != [grant.org.id, grant.user_id]:
        return Response(403, b"Wrong_Org", {"Content-Type": "text/html; charset=UTF-8"})
    return json_response(identity(stand_in, grant))


class Authorize:
    """The authorize page: check the app's request, let somebody log in, ask Allow or Deny, send back."""

    def __init__(self, stand_in: StandIn, request: Request, listener: Listener, fault: Fault | None) -> None:
        self.stand_in, self.request, self.listener, self.fault = stand_in, request, listener, fault
        self.query = request.query
        self.form = request.form() if request.method == "POST" else {}

    def answer(self) -> Response:
        """One step of the log-in."""
        try:
            self.check_app()
            self.check_request()
            if self.form.get("decision") == "deny":
                raise OAuthError("access_denied", "end-user denied authorization")
            org, user_id = self.find_user()
            if user_id is None:
                return html_response(login_pages.log_in_page(self.request.target, self.offer_users()))
            self.check_user(org, user_id)
            if self.form.get("decision") != "allow":
                return html_response(login_pages.allow_page(self.request.target, org, user_id), 200, self.cookie())
            return self.allow(org, user_id)
        except OAuthError as error:
            return self.refuse(error)

    def check_app(self) -> None:
        """The app and its callback, without which nobody is sent anywhere."""
        if self.query.get("client_id") != self.stand_in.client_id:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if self.query.get("redirect_uri") not in self.stand_in.callbacks:
            raise OAuthError("redirect_uri_mismatch", "redirect_uri must match configuration")

    def check_request(self) -> None:
        """What the app asks for."""
        if self.fault is not None and self.fault.kind == "oauth_error":
            raise OAuthError(self.fault.code, self.fault.message or "")
        if self.query.get("response_type") != "code":
            raise OAuthError("unsupported_response_type", "response type not supported")
        if set(self.query.get("scope", "").split()) - set(SCOPES):
            raise OAuthError("invalid_scope", "the requested scope is not allowed")
        challenge, method = self.query.get("code_challenge"), self.query.get("code_challenge_method")
        if challenge is not None and (method != "S256" or len(challenge) != 43):
            raise OAuthError("invalid_request", "invalid code challenge")
        if challenge is None and self.stand_in.needs_pkce:
            raise OAuthError("invalid_request", "missing required code challenge")
        if self.query.get("immediate") == "true":
            raise OAuthError("immediate_unsuccessful", "user is not logged in")

    def offer_users(self) -> list[tuple[Org, list[dict]]]:
        """The users of each org that logs in here, those first that the app hinted at."""
        hint = self.query.get("login_hint", "").lower()
        offered = []
        for org in self.stand_in.orgs:
            if self.belongs_here(org):
                users = [row for row in org.rows("User") if row["UserType"] == "Standard"]
                offered.append((org, sorted(users, key=lambda row: row["Username"].lower() != hint)))
        return offered

    def belongs_here(self, org: Org) -> bool:
        """Whether users of an org log in at this host."""
        return org.is_sandbox == self.listener.is_sandbox if self.listener.is_login else org is self.listener.org

    def find_user(self) -> tuple[Org | None, str | None]:
        """Return who is logged in: chosen now, or remembered from before."""
        prompts = self.query.get("prompt", "").split()
        remembered = None if {"login", "select_account"} & set(prompts) else self.request.cookie(REMEMBER)
        wanted = self.form.get("user") or (remembered if self.request.method == "GET" else None)
        for org in self.stand_in.orgs:
            if wanted and self.belongs_here(org) and wanted in org.tables["User"].rows:
                return org, wanted
        return None, None

    def check_user(self, org: Org, user_id: str) -> None:
        """Whether this user of this org may let the app in."""
        if not org.is_active:
            raise OAuthError("inactive_org", "organization is not active")
        if not org.row(user_id)["IsActive"]:
            raise OAuthError("inactive_user", "user is not active")
        if org.app_policy in APP_REFUSALS:
            raise OAuthError(*APP_REFUSALS[org.app_policy])

    def allow(self, org: Org, user_id: str) -> Response:
        """Send the browser back with a code."""
        with self.stand_in.lock:
            code = self.stand_in.oauth.make_code(org, user_id, self.query, self.listener.kind)
        return self.send_back({"code": code})

    def refuse(self, error: OAuthError) -> Response:
        """Send the browser back with the error, or show it here where Salesforce would."""
        if error.error in SHOWN_BY_SALESFORCE and not (error.error in APP_ERRORS and self.stand_in.tells_app):
            return html_response(login_pages.error_page(error), 400)
        return self.send_back({"error": error.error, "error_description": error.description})

    def send_back(self, values: dict[str, str]) -> Response:
        """Redirect to the app, with its state."""
        if "state" in self.query:
            values["state"] = self.query["state"]
        location = self.query["redirect_uri"] + "?" + urlencode(values, quote_via=quote)
        return redirect_response(location, self.cookie())

    def cookie(self) -> dict[str, str]:
        """Remember the user, if asked to."""
        if not self.form.get("remember") or not self.form.get("user"):
            return {}
        return {"Set-Cookie": f"{REMEMBER}={self.form['user']}; Path=/; HttpOnly; SameSite=Lax"}
