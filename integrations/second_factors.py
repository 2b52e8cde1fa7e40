"""Second factors in the database: an authenticator app's secret and the seed of recovery codes, sealed as tokens.

allauth keeps them in `Authenticator.data` and asks the adapter to encrypt and decrypt. It does not say whose they
are, so they are bound to their place (table and column) and not to their row.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from allauth.mfa.adapter import DefaultMFAAdapter
from django.db import models, transaction

from integrations import secrets
from integrations.secrets import FORMAT, Context, seal

NOBODY = UUID(int=0)
PLACE = Context("mfa_authenticator", "data", NOBODY, NOBODY)
NAMES = ("secret", "seed")
"""The entries of `data` that are secrets."""


class SealedFactors(DefaultMFAAdapter):
    """Seals what allauth stores and opens what it reads (MFA_ADAPTER)."""

    def encrypt(self, text: str) -> str:
        """The sealed text."""
        return seal(text, PLACE)

    def decrypt(self, encrypted_text: str) -> str:
        """The text; raises SecretsError for what was sealed with a key that is not configured."""
        return open_factor(encrypted_text)


def open_factor(stored: str) -> str:
    """What was stored, opened. What an earlier version stored in clear is taken as it is until it is sealed."""
    return secrets.open(stored, PLACE).reveal() if stored.startswith(f"{FORMAT}:") else stored


def is_current(stored: str) -> bool:
    """Whether the writing key has sealed it."""
    return stored.startswith(f"{FORMAT}:{secrets.keyring().writing_id}:")


def seal_anew(authenticators: type[models.Model], row_id: int) -> int:
    """Seal the secrets of one row of allauth's table with the writing key; returns how many.

    authenticators: its model, or a migration's. Raises SecretsError; then the row stays as it was.
    """
    with transaction.atomic():
        row: Any = authenticators.objects.select_for_update().filter(pk=row_id).first()
        behind = behind_in(row.data) if row else []
        for name in behind:
            row.data[name] = seal(open_factor(row.data[name]), PLACE)
        if behind:
            row.save(update_fields=["data"])
    return len(behind)


def behind_in(data: dict[str, Any]) -> list[str]:
    """The names of the secrets in a row's data that the writing key has not sealed."""
    return [name for name in NAMES if isinstance(data.get(name), str) and not is_current(data[name])]


def rows_behind(authenticators: type[models.Model]) -> Iterator[tuple[int, int]]:
    """(primary key, number of secrets) of each row that is to be sealed anew."""
    rows = authenticators.objects.order_by("pk").values_list("pk", "data")
    for row_id, data in rows.iterator(chunk_size=500):
        if behind := behind_in(data):
            yield row_id, len(behind)
