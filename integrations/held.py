"""How many activities wait for a connection: counted by the app above, which integrations must not import."""

from collections.abc import Callable

from integrations.models import Connection

_counters: list[Callable[[Connection], int]] = []


def register(counter: Callable[[Connection], int]) -> None:
    """Let `counter(connection)` be asked for the number of activities that are held for it; called once at start."""
    if counter not in _counters:
        _counters.append(counter)


def count(connection: Connection) -> int:
    """How many activities are held and safe until the connection works again."""
    return sum(counter(connection) for counter in _counters)
