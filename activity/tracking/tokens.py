"""The tokens of tracking links: 40 characters of URL-safe base64 over 30 bytes.

16 random bytes find the copy of a message, 2 say which of its targets is meant, and 12 bind both to one purpose with
a key that only the copy's row holds. So a pixel's token is no link's, and no token can be made from another.
"""

import base64
import binascii
import enum
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from uuid import UUID

MOST_TARGETS = 500
_SHAPE = re.compile(r"[A-Za-z0-9_-]{40}\Z", re.ASCII)


class Purpose(enum.StrEnum):
    """What a token is for, as its address says it."""

    OPEN = "o"
    CLICK = "c"
    DOWNLOAD = "d"


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says before it was checked."""

    copy: UUID
    position: int
    tag: bytes


def new_lookup() -> UUID:
    """128 random bits, all of them: a version-4 UUID has only 122."""
    return UUID(bytes=secrets.token_bytes(16))


def new_key() -> bytes:
    """The key of a copy: 128 random bits."""
    return secrets.token_bytes(16)


def make_token(copy: UUID, key: bytes, purpose: Purpose, position: int = 0) -> str:
    """The token for a target (0 to 65,535) of a copy."""
    place = position.to_bytes(2, "big")
    return base64.urlsafe_b64encode(copy.bytes + place + _tag(key, purpose, place)).decode()


def read_token(text: str) -> Token | None:
    """What the text says; None when it is no token at all."""
    if not _SHAPE.match(text):
        return None
    try:
        content = base64.urlsafe_b64decode(text)
    except binascii.Error:
        return None
    return Token(UUID(bytes=content[:16]), int.from_bytes(content[16:18], "big"), content[18:])


def is_genuine(token: Token, key: bytes, purpose: Purpose) -> bool:
    """Whether we made the token, for this purpose."""
    return hmac.compare_digest(token.tag, _tag(key, purpose, token.position.to_bytes(2, "big")))


def _tag(key: bytes, purpose: Purpose, place: bytes) -> bytes:
    return hmac.digest(key, purpose.encode() + place, hashlib.sha256)[:12]
