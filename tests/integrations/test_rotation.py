"""Keys are rotated while the product runs."""

import base64
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from integrations import rotation, secrets
from integrations.connections import client_for
from integrations.models import Connection, PendingGrant, PendingRevocation
from integrations.salesforce.stand_in.faults import Fault
from tests.integrations.journeys import BEN, Journey

NEW_KEY = f"t2:{base64.b64encode(b'n' * 32).decode()}"


def test_every_sealed_column_is_rotated() -> None:
    sealed = rotation.sealed_columns()

    assert {model: sealed[model] for model in (Connection, PendingGrant, PendingRevocation)} == {
        Connection: ("access_token_sealed", "refresh_token_sealed"),
        PendingGrant: ("verifier_sealed", "access_token_sealed", "refresh_token_sealed"),
        PendingRevocation: ("token_sealed",),
    }
    assert all({"uuid", "workspace"} <= {field.name for field in model._meta.fields} for model in sealed)


def test_rotation_reseals_everything_and_the_old_key_can_go(
    bens_connection: Connection, bens_browser: Journey, adas_browser: Journey, settings: Settings
) -> None:
    adas_browser.leave()
    bens_browser.stand_in.faults.add(Fault("html", path="/revoke", status=503))
    bens_browser.connect(BEN)
    assert PendingRevocation.objects.exclude(token_sealed="").count() == 1
    settings.FIELD_ENCRYPTION_KEYS = f"{NEW_KEY},{settings.FIELD_ENCRYPTION_KEYS}"
    out = StringIO()

    call_command("rotate_encryption_keys", stdout=out)

    # two connections of two tokens, one verifier of a trip, one token to revoke
    assert out.getvalue() == '6 sealed with the key "t2", 0 left.\n'
    settings.FIELD_ENCRYPTION_KEYS = NEW_KEY
    assert client_for(bens_connection).organization().name == "Acme"
    call_command("rotate_encryption_keys", stdout=out)
    assert out.getvalue().splitlines()[-1] == '0 sealed with the key "t2", 0 left.'


def test_a_missing_key_is_named(bens_connection: Connection, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = NEW_KEY

    with pytest.raises(CommandError, match='The encryption key "t1" is not configured'):
        call_command("rotate_encryption_keys", stdout=StringIO())
    with pytest.raises(secrets.KeyMissing, match='"t1"'):
        client_for(bens_connection)
