"""Which process looks after which row: leases in the database, so that several processes share the rows.

For models with `lease_holder` and `lease_until`; a lease lasts MAILBOX_LEASE seconds unless it is kept.
"""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone


def _lease() -> timedelta:
    return timedelta(seconds=settings.MAILBOX_LEASE)


def take(due: QuerySet, holder: str, room: int) -> list[int]:
    """Lease up to `room` of these rows that nobody has, in their order; returns their ids."""
    now = timezone.now()
    free = due.filter(Q(lease_until=None) | Q(lease_until__lt=now))
    if not free.exists():  # the usual answer, each second
        return []
    with transaction.atomic():
        ids = list(free.select_for_update(skip_locked=True, of=["self"]).values_list("pk", flat=True)[:room])
        due.model.objects.filter(pk__in=ids).update(lease_holder=holder, lease_until=now + _lease())
    return ids


def keep(rows: QuerySet, holder: str) -> set[int]:
    """Extend the leases of the holder on these rows; returns those that it may go on with."""
    held = rows.filter(lease_holder=holder)
    held.update(lease_until=timezone.now() + _lease())
    return set(held.values_list("pk", flat=True))


def release(rows: QuerySet, holder: str) -> None:
    """Give everything back at once."""
    rows.filter(lease_holder=holder).update(lease_holder="", lease_until=None)
