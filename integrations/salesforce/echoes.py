"""What a request carried in secret and its answer repeats is blotted out before anybody reads the answer.

Salesforce's own texts are shown to people and kept (`salesforce_text`). Should one ever repeat the token or the
client secret that it was sent, as some servers do in their error pages, it must not travel on.
"""

from collections.abc import Iterator
from urllib.parse import parse_qsl, quote

import requests

BLOT = b"[secret]"
SECRET_FIELDS = frozenset({"client_secret", "code", "code_verifier", "refresh_token", "token"})
"""The secrets among the fields of the OAuth endpoints."""
_FORM = "application/x-www-form-urlencoded"


def blot_out_echoes(body: bytes, request: requests.PreparedRequest, *, is_token_answer: bool) -> bytes:
    """The body of an answer without the secrets of its request.

    `is_token_answer`: the fields of the form stay, because a refresh without rotation may well answer with the
    refresh token that it was sent.
    """
    for secret in _secrets_of(request, with_form=not is_token_answer):
        if secret in body:
            body = body.replace(secret, BLOT)
    return body


def _secrets_of(request: requests.PreparedRequest, *, with_form: bool) -> Iterator[bytes]:
    """Each as it stands, and as an address or a form holds it."""
    kind, _, token = str(request.headers.get("Authorization", "")).partition(" ")
    found = [token] if kind == "Bearer" else []
    if with_form and request.headers.get("Content-Type") == _FORM and isinstance(request.body, str):
        found += [value for name, value in parse_qsl(request.body) if name in SECRET_FIELDS]
    for secret in found:
        if secret:
            yield from {secret.encode(), quote(secret, safe="").encode()}
