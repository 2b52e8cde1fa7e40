"""The secrets of second factors stand sealed in the database, and are rotated with everything else."""

from datetime import UTC, datetime
from importlib import import_module
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.apps import apps
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings
from time_machine import TimeMachineFixture

from integrations import second_factors
from tests.integrations.test_rotation import NEW_KEY
from tests.people import make_person
from tests.workspaces.test_accounts import code_of, log_in_by_page
from workspaces.models import User

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
SEED = "5eed" * 20

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_limits(db: None) -> None:
    cache.clear()


@pytest.fixture(autouse=True)
def _same_half_minute(time_machine: TimeMachineFixture) -> None:
    """A code is good until its half minute is over, which must not be between its making and its use."""
    time_machine.move_to(datetime.now(UTC), tick=False)


def stored() -> str:
    """All that the table holds, as in a dump."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT a::text FROM mfa_authenticator a ORDER BY id")
        return "\n".join(row[0] for row in cursor.fetchall())


def in_clear(person: User) -> tuple[Authenticator, Authenticator]:
    """Rows as they were written before secrets were sealed."""
    return (
        Authenticator.objects.create(user=person, type="totp", data={"secret": SECRET}),
        Authenticator.objects.create(user=person, type="recovery_codes", data={"seed": SEED, "used_mask": 1}),
    )


def second_step(secret: str) -> str:
    """Log in as Ada with password and code; where that leads."""
    browser = Client()
    assert log_in_by_page(browser, "ada@acme.example", "a-long-password") == "/account/2fa/authenticate/"
    return browser.post("/account/2fa/authenticate/", {"code": secret}).get("Location", "")


def test_the_table_holds_no_plain_secret_and_codes_are_taken() -> None:
    ada = make_person("Ada")
    TOTP.activate(ada, SECRET)
    codes = RecoveryCodes.activate(ada).get_unused_codes()
    totp, recovery = Authenticator.objects.order_by("pk")

    assert [row.data["secret" if row == totp else "seed"][:5] for row in (totp, recovery)] == ["1:t1:", "1:t1:"]
    assert [each for each in (SECRET, *codes) if each in stored()] == []
    assert second_step("000000") == ""
    assert second_step(code_of(SECRET)) == "/"
    assert second_step(codes[3]) == "/"
    assert second_step(codes[3]) == ""


def test_what_stands_in_clear_is_taken_and_the_migration_seals_it() -> None:
    ada = make_person("Ada")
    recovery = in_clear(ada)[1]
    codes = RecoveryCodes(recovery).get_unused_codes()
    assert second_step(code_of(SECRET)) == "/"
    migration = import_module("integrations.migrations.0010_seal_second_factors")

    migration.seal_all(apps, None)

    assert [each for each in (SECRET, SEED) if each in stored()] == []
    recovery.refresh_from_db()
    assert (RecoveryCodes(recovery).get_unused_codes(), recovery.data["used_mask"]) == (codes, 1)
    cache.clear()  # else the same code within its half minute is a replay
    assert second_step(code_of(SECRET)) == "/"
    migration.open_all(apps, None)
    assert [row.data for row in Authenticator.objects.order_by("pk")] == [
        {"secret": SECRET},
        {"seed": SEED, "used_mask": 1},
    ]


def test_rotation_takes_them_along(settings: Settings) -> None:
    TOTP.activate(make_person("Ada"), SECRET)
    in_clear(make_person("Ben"))
    settings.FIELD_ENCRYPTION_KEYS = f"{NEW_KEY},{settings.FIELD_ENCRYPTION_KEYS}"
    out = StringIO()

    call_command("rotate_encryption_keys", stdout=out)

    assert out.getvalue() == '3 sealed with the key "t2", 0 left.\n'
    settings.FIELD_ENCRYPTION_KEYS = NEW_KEY
    assert second_step(code_of(SECRET)) == "/"
    assert list(second_factors.rows_behind(Authenticator)) == []


def test_rotation_names_the_key_that_is_missing(settings: Settings) -> None:
    TOTP.activate(make_person("Ada"), SECRET)
    settings.FIELD_ENCRYPTION_KEYS = NEW_KEY

    with pytest.raises(CommandError, match='The encryption key "t1" is not configured'):
        call_command("rotate_encryption_keys", stdout=StringIO())
    assert Authenticator.objects.get().data["secret"].startswith("1:t1:")


def test_a_sealed_factor_opens_nowhere_else() -> None:
    sealed = second_factors.SealedFactors().encrypt(SECRET)
    elsewhere = second_factors.Context("mfa_authenticator", "other", second_factors.NOBODY, second_factors.NOBODY)

    assert second_factors.open_factor(sealed) == SECRET
    with pytest.raises(second_factors.secrets.CannotOpen):
        second_factors.secrets.open(sealed, elsewhere)
