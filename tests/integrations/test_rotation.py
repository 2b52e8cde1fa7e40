"""Keys are rotated while the product runs."""

import base64
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from integrations import connections, rotation
from integrations.connections import client_for
from integrations.models import Connection, PendingGrant, PendingRevocation
from integrations.salesforce.errors import Sealed
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
    with pytest.raises(Sealed):
        client_for(bens_connection)


def test_without_its_key_a_connection_needs_attention_and_can_be_replaced(
    bens_connection: Connection, bens_browser: Journey, settings: Settings
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = NEW_KEY

    with pytest.raises(Sealed):
        client_for(bens_connection)

    bens_connection.refresh_from_db()
    assert (bens_connection.state, bens_connection.get_cause_display()) == (
        "needs_attention",
        "Touchline cannot open the stored access",
    )
    bens_browser.connect(BEN)
    bens_connection.refresh_from_db()
    assert (bens_connection.state, bens_connection.cause) == ("connected", "")
    assert client_for(bens_connection).organization().name == "Acme"


def test_without_its_key_a_connection_can_be_ended(bens_connection: Connection, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = NEW_KEY

    connections.disconnect(bens_connection, by=None)

    bens_connection.refresh_from_db()
    assert (bens_connection.state, PendingRevocation.objects.count()) == ("disconnected", 0)


def test_a_check_finds_that_the_key_is_back(bens_connection: Connection, settings: Settings) -> None:
    former = settings.FIELD_ENCRYPTION_KEYS
    settings.FIELD_ENCRYPTION_KEYS = NEW_KEY
    with pytest.raises(Sealed):
        client_for(bens_connection)
    settings.FIELD_ENCRYPTION_KEYS = f"{NEW_KEY},{former}"

    assert client_for(bens_connection, trial=True).organization().name == "Acme"


def test_without_its_key_a_trip_is_begun_anew(
    bens_connection: Connection, adas_browser: Journey, settings: Settings
) -> None:
    adas_browser.leave()
    trip = PendingGrant.objects.get(ended_at=None)
    settings.FIELD_ENCRYPTION_KEYS = NEW_KEY

    answer = adas_browser.client.get(adas_browser.url("salesforce_waiting", trip.uuid), follow=True)

    assert b"Nothing was connected by it." in answer.content
