"""The batching window: what one connection has to send within it goes in one call. Pure."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
GOLDEN = 0.6180339887498949
"""Its multiples spread evenly over a circle: however many connections there are, their windows end at other times."""


def end_of_window(connection_id: int, now: datetime, seconds: float) -> datetime:
    """When the window ends that `now` (aware) falls into; `now` itself where windows have no length.

    Windows of a connection follow each other without gaps, so there are at most 86,400 / `seconds` a day however much
    happens, and nothing waits longer than one.
    """
    length = round(seconds * 1_000_000)
    if length <= 0:
        return now
    phase = int(connection_id * GOLDEN % 1 * length)
    return now + MICROSECOND * (length - ((now - EPOCH) // MICROSECOND - phase) % length)
