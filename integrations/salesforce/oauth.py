"""The OAuth 2.0 web-server flow as Salesforce wants it of partner apps: PKCE S256 and the client secret,
rotation.

Plain functions: what goes in and out is values. Nothing is stored here, and nothing is used before it is
verified: a `Grant` exists only after its signature fitted our client secret and both of its addresses passed
the host rule.

With refresh-token rotation each refresh token works once, and sending a spent one ends the whole grant. So
`refresh` and `exchange_code` end in OutcomeUnknown, not Transient, when the request had left and no answer
came back.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from integrations.salesforce.errors import HostNotAllowed, OutcomeUnknown, Revoked, SignInExpired, UnexpectedAnswer
from integrations.salesforce.hosts import HostRule
from integrations.salesforce.http import SalesforceSession, send, unreadable_answer
from integrations.salesforce.ids import id18

SCOPES = "api refresh_token openid"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ID_URL = re.compile(
    r"(?P<host>https?://[^/]+)/id/(?P<org>00D[A-Za-z0-9]{12,15})/(?P<user>005[A-Za-z0-9]{12,15})\Z", re.ASCII
)


@dataclass(frozen=True, slots=True)
class App:
    """The External Client App: consumer key and secret."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pkce:
    """One sign-in's proof (RFC 7636). The verifier stays on the server, the challenge goes into the URL."""

    verifier: str = field(repr=False)
    challenge: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A verified token answer. `refresh_token` is None when the answer has none (refresh without rotation).

    Ids have 18 characters, `instance_url` is canonical, `issued_at` is in UTC. `scopes` is empty when the
    answer does not name them, as old orgs do.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    instance_url: str
    org_id: str
    user_id: str
    scopes: frozenset[str]
    issued_at: datetime

    @property
    def allows_api(self) -> bool:
        """Whether the granted scopes, as far as they are known, include the API."""
        return not self.scopes or bool(self.scopes & {"api", "full"})


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in. `web_url` is the base of links into the org; `time_zone` an IANA name such as
    Europe/Paris.
    """

    org_id: str
    user_id: str
    username: str
    name: str
    email: str
    time_zone: str
    locale: str
    web_url: str


def new_pkce() -> Pkce:
    """A fresh verifier of 384 random bits (64 characters) with its S256 challenge."""
    verifier = secrets.token_urlsafe(48)
    return Pkce(verifier, challenge_of(verifier))


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 §4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def authorize_url(
    login_url: str,
    app: App,
    redirect_uri: str,
    state: str,
    challenge: str,
    *,
    prompt: str | None = None,
    login_hint: str | None = None,
) -> str:
    """Where to send the browser. `login_url` is a base URL that passed the host rule.

    `prompt` is `login`, `consent`, `select_account` or several of them with spaces; on a reconnect
    `login select_account` keeps a browser that is signed in to another org from connecting the wrong one.
    """
    parameters = {
        "response_type": "code",
        "client_id": app.client_id,
        "redirect_uri": redirect_uri,
        "scope": SCOPES,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "prompt": prompt,
        "login_hint": login_hint,
    }
    query = urlencode({name: value for name, value in parameters.items() if value is not None})
    return f"{login_url}/services/oauth2/authorize?{query}"


def exchange_code(
    session: SalesforceSession,
    login_url: str,
    app: App,
    redirect_uri: str,
    code: str,
    verifier: str,
    *,
    on_unverified: Callable[[str], None] | None = None,
) -> Grant:
    """Turns the callback's code into a Grant, at the host where the sign-in began.

    `code` is URL-decoded once. `on_unverified` is given the token of an answer that does not verify, before the
    error: nobody may use it, but its grant lives. To revoke it at `login_url` is safe, for it came from there.

    Raises SalesforceError: SignInExpired for a code that is used, old or of another browser, OutcomeUnknown for a
    lost answer (start the sign-in again), HostNotAllowed and UnexpectedAnswer for an answer that does not verify.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    try:
        return _request_grant(session, login_url, app, form, on_unverified)
    except OutcomeUnknown as error:
        # The class's own words speak of a record that may have been saved.
        error.user_message = "Salesforce did not answer in time. Connect to Salesforce once more."
        error.remedy = SignInExpired.remedy
        raise


def refresh(session: SalesforceSession, login_url: str, app: App, refresh_token: str) -> Grant:
    """A new access token and, with rotation, a new refresh token: save both before using either.

    Raises SalesforceError: Transient when nothing had left (try again freely), OutcomeUnknown when the answer
    was lost (the old token may be spent: one more try at most), ConnectionLost when the grant is dead.
    """
    return _request_grant(session, login_url, app, {"grant_type": "refresh_token", "refresh_token": refresh_token})


def revoke(session: SalesforceSession, login_url: str, token: str) -> None:
    """Ends a grant; a refresh token takes its access tokens with it. A token that is dead already counts as
    done.

    Safe to repeat. Raises SalesforceError when it is not known to be done.
    """
    base = session.host_rule.check_login(login_url)
    try:
        send(session, "POST", f"{base}/services/oauth2/revoke", data={"token": token})
    except Revoked:
        return


def fetch_identity(session: SalesforceSession, instance_url: str, access_token: str) -> Identity:
    """Who the token belongs to, from the userinfo endpoint. Raises SalesforceError."""
    base = session.host_rule.check_instance(instance_url)
    body = send(session, "GET", f"{base}/services/oauth2/userinfo", token=access_token).body
    urls = body.get("urls") if isinstance(body, dict) else None
    if not isinstance(urls, dict):
        raise UnexpectedAnswer("userinfo_incomplete")
    org_id, user_id = _record_id(body.get("organization_id")), _record_id(body.get("user_id"))
    return Identity(
        org_id=org_id,
        user_id=user_id,
        username=_text(body, "preferred_username"),
        name=_text(body, "name"),
        email=_text(body, "email"),
        time_zone=_text(body, "zoneinfo"),
        locale=_text(body, "locale"),
        web_url=session.host_rule.check_instance(_text(urls, "custom_domain") or base),
    )


def _request_grant(
    session: SalesforceSession,
    login_url: str,
    app: App,
    form: dict[str, str],
    on_unverified: Callable[[str], None] | None = None,
) -> Grant:
    base = session.host_rule.check_login(login_url)
    form = {**form, "client_id": app.client_id, "client_secret": app.client_secret}
    body = send(session, "POST", f"{base}/services/oauth2/token", data=form, write=True).body
    try:
        return _verify_grant(body, app, session.host_rule)
    except (UnexpectedAnswer, HostNotAllowed):
        if on_unverified is not None:
            on_unverified(_text(body, "refresh_token") or body["access_token"])
        raise


def _verify_grant(body: Any, app: App, host_rule: HostRule) -> Grant:
    """The Grant in a token answer; OutcomeUnknown when it holds no token, which may then be lost.

    The signature covers `id` and `issued_at`, so it proves who the tokens belong to; `instance_url` is not
    covered and must pass the host rule by itself.
    """
    if not isinstance(body, dict) or not _text(body, "access_token"):
        raise unreadable_answer(write=True)
    id_url, issued_at = _text(body, "id"), _text(body, "issued_at")
    if not _signature_fits(app, id_url + issued_at, _text(body, "signature")):
        raise UnexpectedAnswer("signature_mismatch")
    org_id, user_id = _parse_id_url(id_url, host_rule)
    return Grant(
        access_token=body["access_token"],
        refresh_token=_text(body, "refresh_token") or None,
        instance_url=host_rule.check_instance(_text(body, "instance_url")),
        org_id=org_id,
        user_id=user_id,
        scopes=frozenset(_text(body, "scope").split()),
        issued_at=_parse_milliseconds(issued_at),
    )


def _signature_fits(app: App, signed: str, signature: str) -> bool:
    """Whether `signature` is base64 of HMAC-SHA256 over `signed` with the client secret as the key."""
    digest = hmac.digest(app.client_secret.encode(), signed.encode("utf-8", "replace"), "sha256")
    return hmac.compare_digest(base64.b64encode(digest), signature.encode("utf-8", "replace"))


def _parse_id_url(id_url: str, host_rule: HostRule) -> tuple[str, str]:
    """Org and user id out of `https://host/id/<org>/<user>`; the URL is read, never fetched."""
    match = _ID_URL.match(id_url)
    if match is None:
        raise UnexpectedAnswer("id_url_malformed")
    host_rule.check_login(match["host"])
    return _record_id(match["org"]), _record_id(match["user"])


def _parse_milliseconds(text: str) -> datetime:
    if not re.fullmatch(r"[0-9]{1,14}", text):
        raise UnexpectedAnswer("issued_at_malformed")
    return _EPOCH + timedelta(milliseconds=int(text))


def _record_id(value: Any) -> str:
    try:
        return id18(value)
    except ValueError:
        pass
    raise UnexpectedAnswer("id_malformed")


def _text(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""


__all__ = [
    "SCOPES",
    "App",
    "Grant",
    "Identity",
    "Pkce",
    "authorize_url",
    "challenge_of",
    "exchange_code",
    "fetch_identity",
    "id18",
    "new_pkce",
    "refresh",
    "revoke",
]
