"""Re-encrypts what is sealed with an older key, while the product runs."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import models, transaction
from django.db.models import Q

from integrations import second_factors, secrets
from integrations.secrets import FORMAT, SecretsError, context_of, seal

BATCH = 200
"""Rows that are locked at once: few enough that a refresh hardly ever waits."""


@dataclass(slots=True)
class Report:
    """What a run did, in values. `failures` are sentences that name a missing key or a row, never a secret."""

    resealed: int = 0
    left: int = 0
    failures: list[str] = field(default_factory=list)


def sealed_columns() -> dict[type[models.Model], tuple[str, ...]]:
    """Every sealed column of the installation, by model: those whose name ends in `_sealed`."""
    found = {
        model: tuple(field.name for field in model._meta.fields if field.name.endswith("_sealed"))
        for model in apps.get_app_config("integrations").get_models()
    }
    return {model: columns for model, columns in found.items() if columns}


def rotate() -> Report:
    """Seal everything with the first key of FIELD_ENCRYPTION_KEYS. Repeat it as often as you like.

    Rows are locked in small batches while they are sealed anew; a row that a refresh holds just then is left to the
    next run.
    """
    report = Report()
    for model, columns in sealed_columns().items():
        last = 0
        while last is not None:
            last = _reseal_batch(model, columns, last, report)
        report.left += sum(_behind(model, [column]).count() for column in columns)
    _reseal_second_factors(report)
    return report


def _behind(model: type[models.Model], columns: Iterable[str]) -> models.QuerySet:
    """Rows with a value that the writing key did not seal."""
    current = f"{FORMAT}:{secrets.keyring().writing_id}:"
    behind = Q()
    for column in columns:
        behind |= ~Q(**{column: ""}) & ~Q(**{f"{column}__startswith": current})
    return model.objects.filter(behind)


@transaction.atomic
def _reseal_batch(model: type[models.Model], columns: tuple[str, ...], last: int, report: Report) -> int | None:
    """Seal the rows after the primary key `last`; return the last one of the batch, None at the end."""
    behind = _behind(model, columns).filter(pk__gt=last).defer(None).select_related("workspace").order_by("pk")
    rows = list(behind.select_for_update(skip_locked=True, of=("self",))[:BATCH])
    for row in rows:
        for column in columns:
            _reseal(row, column, report)
    model.objects.bulk_update(rows, columns)
    return rows[-1].pk if rows else None


def _reseal(row: models.Model, column: str, report: Report) -> None:
    sealed, context = getattr(row, column), context_of(row, column)
    try:
        if sealed and secrets.key_id_of(sealed) != secrets.keyring().writing_id:
            setattr(row, column, seal(secrets.open(sealed, context).reveal(), context))
            report.resealed += 1
    except SecretsError as error:
        report.failures.append(str(error))


def _reseal_second_factors(report: Report) -> None:
    """allauth's rows hold their secrets in JSON, and have neither a UUID nor a workspace."""
    for row_id, _ in list(second_factors.rows_behind(Authenticator)):
        try:
            report.resealed += second_factors.seal_anew(Authenticator, row_id)
        except SecretsError as error:
            report.failures.append(str(error))
    report.left += sum(count for _, count in second_factors.rows_behind(Authenticator))
