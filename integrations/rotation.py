"""Re-encrypts what is sealed with an older key, while the product runs."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import models

from integrations import secrets
from integrations.models import Connection, PendingGrant, PendingRevocation
from integrations.secrets import FORMAT, SecretsError, context_of, seal

SEALED: tuple[tuple[type[models.Model], tuple[str, ...]], ...] = (
    (Connection, ("access_token_sealed", "refresh_token_sealed")),
    (PendingGrant, ("verifier_sealed", "access_token_sealed", "refresh_token_sealed")),
    (PendingRevocation, ("token_sealed",)),
)
"""Every sealed column of the installation; a test compares it with the models."""

BATCH = 500


@dataclass(slots=True)
class Report:
    """What a run did. `failures` are sentences that name a missing key or a row, never a secret."""

    resealed: int = 0
    left: int = 0
    failures: list[str] = field(default_factory=list)


def rotate() -> Report:
    """Seal everything with the first key of FIELD_ENCRYPTION_KEYS. Repeat it as often as you like.

    Each value is replaced only while it is still the one that was read, so that a refresh that runs meanwhile wins.
    """
    report = Report()
    for model, columns in SEALED:
        for column in columns:
            for row in _behind(model, column):
                _reseal(row, column, report)
            report.left += _filter(model, column).count()
    return report


def _filter(model: type[models.Model], column: str) -> models.QuerySet:
    current = f"{FORMAT}:{secrets.keyring().writing_id}:"
    return model.objects.exclude(**{column: ""}).exclude(**{f"{column}__startswith": current})


def _behind(model: type[models.Model], column: str) -> Iterator[models.Model]:
    """The rows in batches by primary key: no cursor is held open."""
    last = 0
    while True:
        rows = list(_filter(model, column).filter(pk__gt=last).select_related("workspace").order_by("pk")[:BATCH])
        if not rows:
            return
        yield from rows
        last = rows[-1].pk


def _reseal(row: models.Model, column: str, report: Report) -> None:
    sealed, context = getattr(row, column), context_of(row, column)
    try:
        again = seal(secrets.open(sealed, context).reveal(), context)
    except SecretsError as error:
        report.failures.append(str(error))
        return
    report.resealed += type(row).objects.filter(pk=row.pk, **{column: sealed}).update(**{column: again})
