"""Grants and tokens: codes with PKCE, refresh with rotation and reuse detection, revoke, introspect, identity."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .errors import OAuthError
from .org import Org

if TYPE_CHECKING:
    from .server import StandIn

CODE_SECONDS = 15 * 60
EXPIRED_TOKEN = "expired access/refresh token"
SCOPES = ("api", "refresh_token", "offline_access", "openid", "id", "profile", "email", "web", "full")


@dataclass(slots=True)
class Code:
    """An authorization code that has not been used."""

    org: Org
    user_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    challenge: str | None
    expires: float
    login: str


@dataclass(slots=True)
class Grant:
    """What a user once allowed: a family of tokens. `refreshes` and `reuses` count what was done with it."""

    number: int
    org: Org
    user_id: str
    scopes: tuple[str, ...]
    login: str  # the kind of log-in host, see Listener.kind
    created: float
    used: float
    refresh_token: str | None = None
    spent: set[str] = field(default_factory=set)
    access_tokens: dict[str, float] = field(default_factory=dict)
    is_live: bool = True
    ended_by: str = ""
    refreshes: int = 0
    reuses: int = 0
    presented: Counter[str] = field(default_factory=Counter)


class OAuth:
    """The tokens of all orgs of a stand-in. Callers hold `stand_in.lock`."""

    def __init__(self, stand_in: StandIn) -> None:
        self.stand_in = stand_in
        self.codes: dict[str, Code] = {}
        self.grants: list[Grant] = []
        self.by_refresh: dict[str, Grant] = {}
        self.by_access: dict[str, Grant] = {}
        self.rotates = True
        self.counts: Counter[str] = Counter()

    # -- the code

    def make_code(self, org: Org, user_id: str, query: dict[str, str], login: str) -> str:
        """Issue a code for an allowed authorize request."""
        code = "aPrx" + secrets.token_urlsafe(40) + "=="
        self.codes[code] = Code(
            org,
            user_id,
            query["redirect_uri"],
            tuple(query.get("scope", "api").split()),
            query.get("code_challenge"),
            org.now().timestamp() + CODE_SECONDS,
            login,
        )
        return code

    def answer_token(self, form: dict[str, str], login: str) -> dict[str, str]:
        """POST token; raises OAuthError."""
        self.counts["token"] += 1
        self.check_client(form)
        kind = form.get("grant_type")
        if kind == "authorization_code":
            return self.exchange(form, login)
        if kind == "refresh_token":
            return self.refresh(form, login)
        raise OAuthError("unsupported_grant_type", "grant type not supported")

    def check_client(self, form: dict[str, str]) -> None:
        """Refuse another app or a wrong secret."""
        if form.get("client_id") != self.stand_in.client_id:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if not hmac.compare_digest(form.get("client_secret", "").encode(), self.stand_in.client_secret.encode()):
            raise OAuthError("invalid_client", "invalid client credentials")

    def exchange(self, form: dict[str, str], login: str) -> dict[str, str]:
        """Turn a code into the first tokens of a grant."""
        self.counts["exchange"] += 1
        code = self.codes.pop(form.get("code", ""), None)
        if code is None or code.login != login or code.org.now().timestamp() > code.expires:
            raise OAuthError("invalid_grant", "expired authorization code")
        if form.get("redirect_uri") != code.redirect_uri:
            raise OAuthError("redirect_uri_mismatch", "redirect_uri must match configuration")
        if code.challenge is not None and challenge_of(form.get("code_verifier", "")) != code.challenge:
            raise OAuthError("invalid_grant", "invalid code verifier")
        check_may_log_in(code.org, code.user_id)
        now = code.org.now().timestamp()
        grant = Grant(len(self.grants) + 1, code.org, code.user_id, code.scopes, login, now, now)
        self.grants.append(grant)
        if {"refresh_token", "offline_access"} & set(code.scopes):
            self.give_refresh_token(grant)
        self.drop_oldest(code.org, code.user_id)
        return self.token_answer(grant, with_refresh=True)

    def drop_oldest(self, org: Org, user_id: str) -> None:
        """A user has so many grants of one app; one more ends the oldest."""
        live = [each for each in self.grants if each.is_live and each.user_id == user_id and each.refresh_token]
        for grant in live[: max(0, len(live) - org.grants_per_user)]:
            self.end(grant, "pushed out by a newer grant")

    # -- refresh

    def refresh(self, form: dict[str, str], login: str) -> dict[str, str]:
        """Give a new access token; with rotation also a new refresh token, and the old one is dead."""
        self.counts["refresh"] += 1
        token = form.get("refresh_token", "")
        grant = self.by_refresh.get(token)
        if grant is None:
            raise OAuthError("invalid_grant", EXPIRED_TOKEN)
        grant.presented[fingerprint(token)] += 1
        if grant.is_live and token in grant.spent:
            grant.reuses += 1
            self.counts["reuse"] += 1
            self.end(grant, "an old refresh token was presented again")
        now = grant.org.now().timestamp()
        idle = grant.org.idle_seconds
        if grant.is_live and idle is not None and now - grant.used > idle:
            self.end(grant, "not used for too long")
        if not grant.is_live or grant.login != login:
            raise OAuthError("invalid_grant", EXPIRED_TOKEN)
        check_may_log_in(grant.org, grant.user_id)
        grant.refreshes += 1
        grant.used = now
        if self.rotates:
            grant.spent.add(token)
            self.give_refresh_token(grant)
        return self.token_answer(grant, with_refresh=self.rotates)

    def give_refresh_token(self, grant: Grant) -> None:
        """Make the refresh token that is good from now on."""
        grant.refresh_token = "5Aep861" + secrets.token_urlsafe(48)
        self.by_refresh[grant.refresh_token] = grant

    def token_answer(self, grant: Grant, *, with_refresh: bool) -> dict[str, str]:
        """The answer of the token endpoint, with a new access token."""
        org, stand_in = grant.org, self.stand_in
        now = org.now().timestamp()
        token = f"{org.id[:15]}!{secrets.token_urlsafe(60)}"
        grant.access_tokens = {key: until for key, until in grant.access_tokens.items() if until > now}
        grant.access_tokens[token] = now + org.session_seconds
        self.by_access[token] = grant
        identity = self.identity_url(grant)
        issued_at = str(int(now * 1000))
        answer = {
            "access_token": token,
            "signature": sign(stand_in.client_secret, identity + issued_at),
            "scope": " ".join(grant.scopes),
            "instance_url": stand_in.instance_url_of(org),
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued_at,
        }
        if with_refresh and grant.refresh_token:
            answer["refresh_token"] = grant.refresh_token
        org.changes += 1
        return answer

    def identity_url(self, grant: Grant) -> str:
        """The URL that names the grant's org and user."""
        return f"{self.stand_in.login_url_of(grant.login, grant.org)}/id/{grant.org.id}/{grant.user_id}"

    # -- the end of a grant

    def end(self, grant: Grant, reason: str) -> None:
        """End a grant with all its tokens."""
        grant.is_live, grant.ended_by = False, reason
        for token in grant.access_tokens:
            self.by_access.pop(token, None)
        grant.access_tokens.clear()
        grant.org.changes += 1

    def revoke(self, token: str) -> None:
        """POST revoke: a refresh token ends its grant, an access token only itself; raises OAuthError."""
        self.counts["revoke"] += 1
        grant = self.by_refresh.get(token)
        if grant and grant.is_live and token == grant.refresh_token:
            self.end(grant, "revoked by the app")
            return
        grant = self.by_access.pop(token, None)
        if grant is None:
            raise OAuthError("invalid_token", "invalid token")
        grant.access_tokens.pop(token, None)

    def revoke_user(self, email: str) -> int:
        """An admin or the user revokes the app's access in Setup; returns how many grants ended."""
        live = [each for each in self.grants if each.is_live and each.org.row(each.user_id).get("Email") == email]
        for grant in live:
            self.end(grant, "revoked in Salesforce")
        return len(live)

    def expire_access_tokens(self) -> None:
        """Let every session end now; refresh tokens stay good."""
        for grant in self.grants:
            for token in grant.access_tokens:
                self.by_access.pop(token, None)
            grant.access_tokens.clear()

    # -- using a token

    def find_session(self, token: str) -> Grant | None:
        """Return the live grant of an access token, or None."""
        grant = self.by_access.get(token)
        if grant is None or not grant.is_live:
            return None
        if grant.access_tokens.get(token, 0) < grant.org.now().timestamp():
            return None
        if not grant.org.row(grant.user_id)["IsActive"] or not grant.org.is_active:
            return None
        return grant

    def live_grants(self, email: str | None = None) -> list[Grant]:
        """Return the grants that can be used, of one user or of all."""
        return [
            each for each in self.grants if each.is_live and email in (None, each.org.row(each.user_id).get("Email"))
        ]

    def introspect(self, token: str) -> dict[str, object]:
        """POST introspect."""
        self.counts["introspect"] += 1
        grant, kind = self.find_session(token), "access_token"
        if grant is None:
            grant, kind = self.by_refresh.get(token), "refresh_token"
            if grant is None or not grant.is_live or grant.refresh_token != token:
                return {"active": False}
        user = grant.org.row(grant.user_id)
        issued = int(grant.used)
        return {
            "active": True,
            "scope": " ".join(grant.scopes),
            "client_id": self.stand_in.client_id,
            "username": user["Username"],
            "sub": self.identity_url(grant),
            "token_type": kind,
            "exp": int(grant.access_tokens.get(token, issued)),
            "iat": issued,
            "nbf": issued,
        }


def check_may_log_in(org: Org, user_id: str) -> None:
    """Refuse tokens to deactivated users, locked orgs and blocked addresses; raises OAuthError."""
    if not org.is_active:
        raise OAuthError("invalid_grant", "inactive organization")
    if not org.row(user_id)["IsActive"]:
        raise OAuthError("invalid_grant", "inactive user")
    if org.blocked_ip:
        raise OAuthError("invalid_grant", "ip restricted")


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a PKCE verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def sign(secret: str, text: str) -> str:
    """Return the signature of a token answer: base64 of HMAC-SHA256 of id + issued_at with the client secret."""
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


def fingerprint(token: str) -> str:
    """A short name for a token, to tell presentations apart without keeping it."""
    return hashlib.sha256(token.encode()).hexdigest()[:12]
