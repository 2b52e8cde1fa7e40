"""What every trip to a provider's log-in page and back has in common, whoever the provider is.

A trip is a row with `state_digest`, `user`, `session_digest`, `expires_at`, `used_at` and `ended_at`: bound to person
and browser session, good for LIFETIME, used once (RFC 9700 §4.7). Of the state only the digest is kept.
"""

import hashlib
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from workspaces.models import User

LIFETIME = timedelta(minutes=10)


class TripUnknown(Exception):
    """The state is of no trip, or of another person, session or provider; that does not use it up."""


class TripUsed(Exception):
    """The callback came before. `trip` is the row."""

    def __init__(self, trip: Any) -> None:
        super().__init__()
        self.trip = trip


class TripExpired(TripUsed):
    """The callback came too late, or the trip has ended otherwise."""


def digest(text: str) -> str:
    """SHA-256 in hex: what is kept of a state or a session key."""
    return hashlib.sha256(text.encode()).hexdigest()


def state_of(purpose: str, bound: Iterable[object]) -> str:
    """The state: 256 bits that only this server can compute, so that a page can show its link again unstored.

    It covers all that the trip is bound to (`bound`): a row that came to another person has another state.
    """
    text = ":".join(map(str, bound))
    return salted_hmac(f"integrations.{purpose}.state", text, algorithm="sha256").hexdigest()


def claim(rows: QuerySet, state: str, user: User, session_key: str, state_of_row: Callable[[Any], str]) -> Any:
    """Use up the trip of a state and return its row, one of `rows`; of several requests exactly one gets it.

    Raises TripUnknown, TripUsed or TripExpired.
    """
    trip = rows.filter(state_digest=digest(state)).first() if state else None
    belongs = (
        trip is not None
        and trip.user_id == user.pk
        and constant_time_compare(trip.session_digest, digest(session_key))
        and constant_time_compare(state, state_of_row(trip))
    )
    if not belongs:
        raise TripUnknown
    now = timezone.now()
    unused = rows.model.objects.filter(pk=trip.pk, used_at=None, ended_at=None, expires_at__gt=now)
    if unused.update(used_at=now, expires_at=now + LIFETIME):
        trip.used_at, trip.expires_at = now, now + LIFETIME
        return trip
    raise (TripUsed if trip.used_at is not None else TripExpired)(trip)
