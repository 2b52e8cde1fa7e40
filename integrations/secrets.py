"""Sealing of tokens and passwords for the database: AES-256-GCM, bound to the place where the text belongs.

A sealed text is `1:<key id>:<base64url of 12 bytes nonce + ciphertext + tag>`. Table, column, row, workspace and key
id are its additional data, so that a ciphertext copied into another row, column or workspace cannot be opened. The id
stands in clear, so that keys can be rotated while the product runs (`manage.py rotate_encryption_keys`).
"""

import base64
import binascii
import hashlib
import json
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn, Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

FORMAT = "1"
NONCE_BYTES = 12
KEY_BYTES = 32
KEY_ID = re.compile(r"[A-Za-z0-9_.-]{1,40}")


class SecretsError(Exception):
    """Base of what can go wrong with keys and sealed texts; its text never holds a secret."""


class KeysInvalid(SecretsError):
    """FIELD_ENCRYPTION_KEYS is missing or malformed."""


class KeyMissing(SecretsError):
    """The text was sealed with a key that is not configured; the message names the key's id."""


class CannotOpen(SecretsError):
    """Wrong key, changed ciphertext, or a ciphertext of another place."""


class Secret:
    """A value that shows itself only to who calls `reveal()`: not to print, format, repr, pickle or a debug page."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself. Never store it in a variable that outlives the call that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "[secret]"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")


@dataclass(frozen=True, slots=True)
class Context:
    """Where a sealed text belongs: it opens nowhere else."""

    table: str
    column: str
    row_uuid: UUID
    workspace_uuid: UUID

    def additional_data(self, key_id: str) -> bytes:
        """The bytes that GCM authenticates beside the ciphertext; JSON, so that no two places read the same."""
        parts = [FORMAT, self.table, self.column, str(self.row_uuid), str(self.workspace_uuid), key_id]
        return json.dumps(parts).encode()


class SealedRow(Protocol):
    """A row of a model with sealed columns: it has a UUID of its own and a workspace."""

    uuid: UUID


def context_of(row: SealedRow, column: str) -> Context:
    """The context of `column` in `row`; reads the row's workspace, so select it along with the row."""
    return Context(row._meta.db_table, column, row.uuid, row.workspace.uuid)  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True, repr=False)
class Keyring:
    """The keys by id; the first one configured seals, all of them open."""

    writing_id: str
    keys: dict[str, AESGCM]

    def key(self, key_id: str) -> AESGCM:
        """Return the key, or raise KeyMissing naming its id."""
        try:
            return self.keys[key_id]
        except KeyError:
            raise KeyMissing(
                f'The encryption key "{key_id}" is not configured: add it to FIELD_ENCRYPTION_KEYS.'
            ) from None


@lru_cache(maxsize=4)
def parse_keys(text: str) -> Keyring:
    """Read `id:base64,id:base64` (32 bytes each). Raises KeysInvalid, naming the entry's place, never its content."""
    keys: dict[str, AESGCM] = {}
    for position, entry in enumerate(text.split(","), start=1):
        key_id, found, encoded = entry.strip().partition(":")
        if not found or not KEY_ID.fullmatch(key_id) or key_id in keys:
            raise KeysInvalid(f"FIELD_ENCRYPTION_KEYS: entry {position} needs an id of its own, as in id:base64.")
        keys[key_id] = AESGCM(_decode_key(encoded, key_id))
    return Keyring(next(iter(keys)), keys)


def _decode_key(encoded: str, key_id: str) -> bytes:
    try:
        key = base64.b64decode(encoded.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise KeysInvalid(f'FIELD_ENCRYPTION_KEYS: the key "{key_id}" is not the base64 of {KEY_BYTES} bytes.')
    return key


def keyring() -> Keyring:
    """The operator's keys; with DEBUG and none set, one derived from SECRET_KEY. Raises KeysInvalid."""
    if settings.FIELD_ENCRYPTION_KEYS:
        return parse_keys(settings.FIELD_ENCRYPTION_KEYS)
    if settings.DEBUG:
        derived = hashlib.sha256(b"touchline development key\0" + settings.SECRET_KEY.encode()).digest()
        return parse_keys("development:" + base64.b64encode(derived).decode())
    raise KeysInvalid("FIELD_ENCRYPTION_KEYS is not set: tokens cannot be stored without a key.")


def seal(text: str, context: Context) -> str:
    """Encrypt `text` for exactly this place with the first key."""
    ring = keyring()
    nonce = os.urandom(NONCE_BYTES)
    data = context.additional_data(ring.writing_id)
    ciphertext = ring.key(ring.writing_id).encrypt(nonce, text.encode(), data)
    return f"{FORMAT}:{ring.writing_id}:{base64.urlsafe_b64encode(nonce + ciphertext).decode()}"


def open(sealed: str, context: Context) -> Secret:  # noqa: A001 - the word that goes with seal
    """Decrypt what was sealed for this place.

    Raises KeyMissing (naming the key's id) or CannotOpen. Both are faults of the installation, never of a person.
    """
    key_id, encoded = _split(sealed)
    key = keyring().key(key_id)
    try:
        raw = base64.urlsafe_b64decode(encoded)
        text = key.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], context.additional_data(key_id))
    except (InvalidTag, ValueError):
        raise CannotOpen(
            f'{context.table}.{context.column} of {context.row_uuid} cannot be opened with the key "{key_id}".'
        ) from None
    return Secret(text.decode())


def key_id_of(sealed: str) -> str:
    """The id of the key that sealed the text. Raises CannotOpen for a text that was not sealed."""
    return _split(sealed)[0]


def _split(sealed: str) -> tuple[str, str]:
    form, _, rest = sealed.partition(":")
    key_id, found, encoded = rest.partition(":")
    if form != FORMAT or not found:
        raise CannotOpen("The text was not sealed by this version of Touchline.")
    return key_id, encoded
