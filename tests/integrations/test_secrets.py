"""Sealed texts open in one place only; secrets do not show themselves."""

import base64
import os
import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from integrations import secrets
from integrations.secrets import CannotOpen, Context, KeyMissing, KeysInvalid, Secret, open, seal
from workspaces.ids import uuid7

HERE = Context("integrations_connection", "access_token_sealed", uuid7(), uuid7())
OTHER_KEY = f"t2:{base64.b64encode(b'z' * 32).decode()}"


@given(st.text(st.characters(codec="utf-8"), max_size=3000))
def test_what_is_sealed_opens_again(text: str) -> None:
    assert open(seal(text, HERE), HERE).reveal() == text


def test_the_key_id_is_in_clear_and_the_text_is_not() -> None:
    sealed = seal("canary-token", HERE)

    assert secrets.key_id_of(sealed) == "t1"
    assert "canary" not in sealed
    assert seal("canary-token", HERE) != sealed


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(HERE, table="integrations_pendinggrant"),
        replace(HERE, column="refresh_token_sealed"),
        replace(HERE, row_uuid=uuid7()),
        replace(HERE, workspace_uuid=uuid7()),
    ],
    ids=["table", "column", "row", "workspace"],
)
def test_a_swapped_ciphertext_fails_loudly(elsewhere: Context) -> None:
    with pytest.raises(CannotOpen):
        open(seal("token", HERE), elsewhere)


def test_every_flipped_bit_is_refused() -> None:
    sealed = seal("token", HERE)
    head, encoded = sealed.rsplit(":", 1)
    raw = base64.urlsafe_b64decode(encoded)
    refused = 0
    for place in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[place // 8] ^= 1 << place % 8
        with pytest.raises(CannotOpen):
            open(f"{head}:{base64.urlsafe_b64encode(bytes(changed)).decode()}", HERE)
        refused += 1
    assert refused == (12 + 5 + 16) * 8


def test_a_missing_key_is_named_and_a_wrong_key_refused(settings: Settings) -> None:
    sealed = seal("token", HERE)
    settings.FIELD_ENCRYPTION_KEYS = OTHER_KEY
    with pytest.raises(KeyMissing, match='"t1"'):
        open(sealed, HERE)
    settings.FIELD_ENCRYPTION_KEYS = OTHER_KEY.replace("t2:", "t1:")
    with pytest.raises(CannotOpen):
        open(sealed, HERE)


def test_the_first_key_writes_and_all_open(settings: Settings) -> None:
    old = seal("token", HERE)
    settings.FIELD_ENCRYPTION_KEYS = f"{OTHER_KEY},{settings.FIELD_ENCRYPTION_KEYS}"

    assert open(old, HERE).reveal() == "token"
    assert secrets.key_id_of(seal("token", HERE)) == "t2"


@pytest.mark.parametrize(
    "keys",
    [
        "nocolon",
        ":" + base64.b64encode(os.urandom(32)).decode(),
        "a:" + base64.b64encode(b"short").decode(),
        "a:not base64 at all!",
        f"{OTHER_KEY},{OTHER_KEY}",
        f"{OTHER_KEY},",
    ],
    ids=["no colon", "no id", "short", "no base64", "twice", "empty entry"],
)
def test_malformed_keys_are_refused_without_being_repeated(settings: Settings, keys: str) -> None:
    settings.FIELD_ENCRYPTION_KEYS = keys
    with pytest.raises(KeysInvalid) as raised:
        secrets.keyring()
    assert keys.split(":")[-1] not in str(raised.value)


def test_without_keys_only_a_development_installation_works(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = ""
    with pytest.raises(KeysInvalid):
        seal("token", HERE)
    settings.DEBUG = True
    assert secrets.key_id_of(seal("token", HERE)) == "development"


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret("canary-token")

    assert [str(secret), repr(secret), f"{secret}", f"{[secret]}", str([secret])] == [
        "[secret]",
        "[secret]",
        "[secret]",
        "[[secret]]",
        "[[secret]]",
    ]
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(AttributeError):
        _ = secret.__dict__
    assert secret.reveal() == "canary-token"
