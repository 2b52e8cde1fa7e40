"""A mail provider's authorization server for tests: OAuth 2.0 over TLS, on a port of its own, two providers in one.

Strict where a provider is: client and secret, exact redirect address, PKCE S256, codes for one use, rotation of
refresh tokens. The mail server asks it about access tokens (RFC 7662).
"""

import base64
import hashlib
import json
import secrets
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from tests.processes import free_port

CLIENT_ID = "touchline-mail-client"
CLIENT_SECRET = "canary-mail-client-secret"
SCOPES = {
    "google": "https://mail.google.com/ openid email",
    "microsoft": "https://outlook.office.com/IMAP.AccessAsUser.All offline_access openid email",
}
PAGE = '<!doctype html><link rel="icon" href="data:,"><a href="{link}">Allow</a>'
Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Grant:
    """A person's consent; `refresh_tokens` are all that were given, the last one counts."""

    provider: str
    email: str
    refresh_tokens: list[str] = field(default_factory=list)
    access_tokens: dict[str, float] = field(default_factory=dict)
    is_revoked: bool = False


class AuthorizationServer:
    """The server. Settable: `lifetime` of access tokens in seconds, `rotates` refresh tokens, `answer`: a function of
    the good answer's body that says what goes out instead.

    Seen: `asked` holds (provider, path, grant type) of each call but introspections; `introspected` counts those.
    """

    def __init__(self, certificate: Path, ca_bundle: Path) -> None:
        self.port = free_port()
        self.base_url = f"https://localhost:{self.port}"
        self._certificate, self._ca_bundle = certificate, str(ca_bundle)
        self._server: ThreadingHTTPServer | None = None
        self.reset()

    def reset(self) -> None:
        """Nobody has signed in, and all is as usual."""
        self.lifetime: int = 3600
        self.rotates = True
        self.answer: Callable[[dict[str, Any]], Answer | dict[str, Any]] | None = None
        self.asked: list[tuple[str, str, str]] = []
        self.introspected = 0
        self.grants: list[Grant] = []
        self._codes: dict[str, dict[str, str]] = {}

    def start(self) -> None:
        """Serve, in threads."""
        server, outer = ThreadingHTTPServer(("127.0.0.1", self.port), _Handler), self
        server.outer = outer  # type: ignore[attr-defined]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        self._server = server
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Serve no more."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def sign_in(self, authorize_url: str, email: str, *, allow: bool = True) -> str:
        """Play the person in front of the log-in page; returns path and query of the callback."""
        with requests.Session() as browser:
            browser.trust_env = False
            who = urlencode({"as": email, "allow": int(allow)})
            page = browser.get(f"{authorize_url}&{who}", verify=self._ca_bundle, allow_redirects=False, timeout=10)
        assert page.status_code == 302, page.text
        callback = urlsplit(page.headers["Location"])
        return f"{callback.path}?{callback.query}"

    def expire_access_tokens(self) -> None:
        """From now on the mail server takes none of those that are out."""
        for grant in self.grants:
            grant.access_tokens.clear()

    def token_requests(self, grant_type: str = "") -> int:
        """How many calls of the token endpoint there were."""
        return sum(path == "token" and grant_type in ("", kind) for _, path, kind in self.asked)

    # --- What the endpoints answer -------------------------------------------------------------------------

    def authorize(self, provider: str, query: dict[str, str]) -> Answer:
        """The log-in page, the person and the consent in one."""
        is_proper = (
            query["client_id"] == CLIENT_ID
            and query["response_type"] == "code"
            and query["scope"] == SCOPES[provider]
            and query["code_challenge_method"] == "S256"
            and len(query["state"]) == 64
        )
        assert is_proper, query
        if "as" not in query:
            link = f"?{urlencode(query | {'as': query['login_hint'], 'allow': 1})}"
            return 200, {"Content-Type": "text/html"}, PAGE.format(link=escape(link)).encode()
        if query["allow"] == "0":
            answer = {"error": "access_denied", "state": query["state"]}
        else:
            code = secrets.token_urlsafe(24)
            self._codes[code] = query | {"provider": provider}
            answer = {"code": code, "state": query["state"]}
        return 302, {"Location": f"{query['redirect_uri']}?{urlencode(answer)}"}, b""

    def token(self, provider: str, form: dict[str, str]) -> Answer:
        """Turn a code or a refresh token into tokens."""
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return _json(401, {"error": "invalid_client"})
        if form["grant_type"] == "refresh_token":
            grant = self._refreshed(form["refresh_token"])
        else:
            grant = self._exchanged(provider, form)
        if grant is None:
            return _json(400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."})
        access_token = f"canary-access-{secrets.token_urlsafe(24)}"
        grant.access_tokens[access_token] = time.time() + self.lifetime
        body = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            "scope": SCOPES[provider],
            "id_token": self._id_token(grant),
        }
        if self.rotates or not grant.refresh_tokens:
            grant.refresh_tokens.append(f"canary-refresh-{secrets.token_urlsafe(24)}")
            body["refresh_token"] = grant.refresh_tokens[-1]
        changed = self.answer(body) if self.answer else body
        return changed if isinstance(changed, tuple) else _json(200, changed)

    def _exchanged(self, provider: str, form: dict[str, str]) -> Grant | None:
        asked = self._codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or (asked["provider"], asked["redirect_uri"], asked["code_challenge"]) != (
            provider,
            form["redirect_uri"],
            challenge,
        ):
            return None
        self.grants.append(Grant(provider, asked["as"]))
        return self.grants[-1]

    def _refreshed(self, token: str) -> Grant | None:
        """A spent refresh token ends the grant, as with strict rotation."""
        grant = next((each for each in self.grants if token in each.refresh_tokens), None)
        if grant is not None and token != grant.refresh_tokens[-1]:
            grant.is_revoked = True
        return grant if grant and not grant.is_revoked else None

    def _id_token(self, grant: Grant) -> str:
        claims = {"iss": f"{self.base_url}/{grant.provider}", "aud": CLIENT_ID, "exp": time.time() + 600}
        claims |= {"email": grant.email, "email_verified": True} if grant.provider == "google" else {}
        claims |= {"preferred_username": grant.email} if grant.provider == "microsoft" else {}
        return id_token(claims)

    def revoke(self, _provider: str, form: dict[str, str]) -> Answer:
        """End a grant (RFC 7009)."""
        for grant in self.grants:
            if form["token"] in grant.refresh_tokens or form["token"] in grant.access_tokens:
                grant.is_revoked = True
        return _json(200, {})

    def introspect(self, _provider: str, form: dict[str, str]) -> Answer:
        """What the mail server asks about an access token (RFC 7662)."""
        self.introspected += 1
        for grant in self.grants:
            if grant.access_tokens.get(form["token"], 0) > time.time() and not grant.is_revoked:
                return _json(200, {"active": True, "email": grant.email})
        return _json(200, {"active": False})


def id_token(claims: object) -> str:
    """A JWT with these claims; nobody checks its signature, which came over TLS."""
    parts = (json.dumps({"alg": "RS256"}), json.dumps(claims), "signature")
    return ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts)


def _json(status: int, body: object) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(body).encode()


class _Handler(BaseHTTPRequestHandler):
    """Paths are /<provider>/<endpoint>, and /introspect."""

    def do_GET(self) -> None:
        self._answer(urlsplit(self.path).query)

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _answer(self, values: str) -> None:
        outer: AuthorizationServer = self.server.outer  # type: ignore[attr-defined]
        provider, _, endpoint = urlsplit(self.path).path.strip("/").rpartition("/")
        form = {name: each[0] for name, each in parse_qs(values).items()}
        if endpoint != "introspect":
            outer.asked.append((provider, endpoint, form.get("grant_type", "")))
        status, headers, body = getattr(outer, endpoint)(provider, form)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""
