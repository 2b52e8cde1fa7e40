"""How often a person may let Touchline call outside: a log-in that is tested, folders that are listed, a check.

Else our pages could be used to try passwords at others' servers, or to keep every thread of the web server waiting.
"""

from django.core.cache import cache

from workspaces.models import User

MOST, SECONDS = 20, 600


class TooMany(Exception):
    """It was tried too often; `user_message` says so."""

    user_message = f"You have tried this {MOST} times within ten minutes. Please wait ten minutes and try again."


def take(person: User) -> None:
    """Count one call. Raises TooMany beyond MOST in SECONDS, in all processes together."""
    # A place each: taking one is atomic in every cache, counting up is not.
    if not any(cache.add(f"trial:{person.pk}:{place}", 1, SECONDS) for place in range(MOST)):
        raise TooMany
