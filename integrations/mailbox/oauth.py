"""Signing in at a mail provider (OAuth 2.0 with PKCE, OpenID Connect Core): whose mailbox it is, and tokens for IMAP.

Plain functions, values in and values out. A provider's answer is read up to a fixed size and a fixed time, no
redirect is followed, and nothing of it is taken over that is not what was asked for.
"""

import base64
import binascii
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import requests
import urllib3

from integrations.mailbox.errors import SignInFailed, SignInRefused, SignInUnavailable
from integrations.salesforce.echoes import blot_out_echoes

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 20.0
ANSWER_BYTES = 256 * 1024
SHORTEST_LIFE, LONGEST_LIFE = timedelta(seconds=5), timedelta(days=1)
USUAL_LIFE = timedelta(hours=1)
CLOCKS_DIFFER = timedelta(minutes=5)
OPERATORS_FAULTS = frozenset({"invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope"})
_TOKEN = re.compile(r"[\x21-\x7e]{1,16000}\Z")


@dataclass(frozen=True, slots=True)
class SignInProvider:
    """A provider, and our registration with it. `host` is its IMAP server as people would type it.

    `scopes` are asked for; `mail_scope` is the one without which there is no mail: the end of its name in lower case.
    `issuer` is what `iss` of its id_tokens is, or is below. `revoke_url` is empty where it offers no revocation.
    """

    key: str
    name: str
    host: str
    authorize_url: str
    token_url: str
    revoke_url: str
    issuer: str
    scopes: str
    mail_scope: str
    client_id: str
    client_secret: str = field(repr=False)
    extra: Mapping[str, str] = field(default_factory=dict)
    ca_bundle: str | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """A checked answer. `refresh_token` is None where the former one stays good; `expires_at` is UTC.

    `addresses`: who signed in, lower case, the usual one first; empty in the answer to a refresh.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: datetime
    addresses: tuple[str, ...] = ()


def authorize_url(provider: SignInProvider, redirect_uri: str, state: str, challenge: str, address: str) -> str:
    """Where to send the browser; `challenge` is the S256 of the verifier, `address` whose mailbox it is to be."""
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": provider.scopes,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "login_hint": address,
        **provider.extra,
    }
    return f"{provider.authorize_url}?{urlencode(query)}"


def exchange_code(provider: SignInProvider, redirect_uri: str, code: str, verifier: str) -> Tokens:
    """The tokens for a callback's code, with the addresses of who signed in.

    Raises SignInFailed for an answer that is no use, SignInRefused, SignInUnavailable.
    """
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
    body = _ask(provider, form)
    return Tokens(
        access_token=_token(body, "access_token"),
        refresh_token=_token(body, "refresh_token") if body.get("refresh_token") is not None else None,
        expires_at=_expires_at(body),
        addresses=_addresses(provider, body.get("id_token")),
    )


def refresh(provider: SignInProvider, refresh_token: str) -> Tokens:
    """A new access token, and a new refresh token where the provider gives one: save before use.

    Raises SignInRefused when the provider ended the sign-in, SignInUnavailable when it is worth another try.
    """
    try:
        body = _ask(provider, {"grant_type": "refresh_token", "refresh_token": refresh_token})
        new = body.get("refresh_token")
        return Tokens(
            access_token=_token(body, "access_token"),
            refresh_token=_token(body, "refresh_token") if new is not None else None,
            expires_at=_expires_at(body),
        )
    except SignInFailed:
        raise SignInUnavailable from None


def revoke(provider: SignInProvider, token: str) -> None:
    """End a sign-in (RFC 7009); one that is over already counts as done. Raises SignInUnavailable."""
    status, _body = _post(provider, provider.revoke_url, {"token": token})
    if status not in (200, 400):
        raise SignInUnavailable


# --- The call ---------------------------------------------------------------------------------------------


def _ask(provider: SignInProvider, form: Mapping[str, str]) -> dict[str, Any]:
    """The token endpoint's answer, which is a good one."""
    app = {"client_id": provider.client_id, "client_secret": provider.client_secret}
    status, body = _post(provider, provider.token_url, {**form, **app})
    if status == 200 and isinstance(body, dict):
        _check(body, provider)
        return body
    code = body.get("error") if isinstance(body, dict) else None
    if not isinstance(code, str) or status >= 500 or status in (408, 429):
        raise SignInUnavailable
    said = body.get("error_description")
    text = said if isinstance(said, str) else code
    if code in OPERATORS_FAULTS:
        raise SignInUnavailable(
            f"{provider.name} refuses this Touchline's registration. Tell whoever runs Touchline.", text
        )
    raise SignInRefused(server_text=text)


def _post(provider: SignInProvider, url: str, form: Mapping[str, str]) -> tuple[int, Any]:
    """Status and JSON (None where it is none) of an answer of ANSWER_BYTES at most."""
    deadline = time.monotonic() + CONNECT_SECONDS + ANSWER_SECONDS
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                url,
                form,
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
                allow_redirects=False,
                stream=True,
                verify=provider.ca_bundle or True,
            )
            is_token_answer = answer.status_code == 200
            said = blot_out_echoes(_read(answer, deadline), answer.request, is_token_answer=is_token_answer)
            return answer.status_code, _parse(said)
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError):
        pass  # raised outside, so that the library's exception (URL, body) does not hang on ours
    raise SignInUnavailable


def _read(answer: requests.Response, deadline: float) -> bytes:
    """The body as it comes, piece by piece, so that neither much nor slow is waited for."""
    data = b""
    while piece := answer.raw.read1(16 * 1024, decode_content=False):
        data += piece
        if len(data) > ANSWER_BYTES or time.monotonic() > deadline:
            raise SignInUnavailable
    return data


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


# --- What it says -----------------------------------------------------------------------------------------


def _check(body: Mapping[str, Any], provider: SignInProvider) -> None:
    """A token of the kind that was asked for, and for mail."""
    if str(body.get("token_type", "")).lower() != "bearer":
        raise SignInFailed
    scope = body.get("scope")
    if scope is None:
        return  # as asked for (RFC 6749 §5.1)
    if not isinstance(scope, str) or not any(each.endswith(provider.mail_scope) for each in scope.lower().split()):
        raise SignInFailed(
            f"{provider.name} gave no access to mail. Sign in again, and leave the tick at reading your e-mail."
        )


def _token(body: Mapping[str, Any], name: str) -> str:
    """A token that can be sent in a line: printable ASCII without spaces."""
    value = body.get(name)
    if not isinstance(value, str) or not _TOKEN.match(value):
        raise SignInFailed
    return value


def _expires_at(body: Mapping[str, Any]) -> datetime:
    try:
        seconds = int(body.get("expires_in", USUAL_LIFE.total_seconds()))
        life = timedelta(seconds=seconds)
    except (TypeError, ValueError, OverflowError):
        raise SignInFailed from None
    return datetime.now(UTC) + min(max(life, SHORTEST_LIFE), LONGEST_LIFE)


def _addresses(provider: SignInProvider, id_token: object) -> tuple[str, ...]:
    """Who signed in. The token came over TLS from the provider itself, which stands for its signature (OpenID
    Connect Core §3.1.3.7); whom and when it is for is checked.
    """
    claims = _claims(id_token)
    audience, issuer, until = claims.get("aud"), claims.get("iss"), claims.get("exp")
    is_ours = audience == provider.client_id or audience == [provider.client_id]
    is_fresh = (
        isinstance(until, int | float)
        and not isinstance(until, bool)
        and until > (datetime.now(UTC) - CLOCKS_DIFFER).timestamp()
    )
    is_theirs = isinstance(issuer, str) and f"{issuer}/".startswith(f"{provider.issuer}/")
    if not (is_ours and is_fresh and is_theirs):
        raise SignInFailed
    if claims.get("email_verified") is False:
        raise SignInFailed(f"{provider.name} has not verified the address of this account.")
    written = (claims.get("email"), claims.get("preferred_username"))
    found = tuple(dict.fromkeys(each.lower() for each in written if isinstance(each, str) and "@" in each))
    if not found:
        raise SignInFailed(f"{provider.name} did not say which address you signed in with.")
    return found


def _claims(id_token: object) -> dict[str, Any]:
    parts = id_token.split(".") if isinstance(id_token, str) else []
    if len(parts) != 3:
        raise SignInFailed
    try:
        claims = _parse(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        claims = None
    if not isinstance(claims, dict):
        raise SignInFailed
    return claims
