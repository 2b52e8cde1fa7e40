"""The batching window: what one connection has to send within it goes in one call. Pure.

It widens as the org's API calls run short, so that fewer calls carry the same. What a person asks for by a button
does not wait for it.
"""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# From so many % of the org's daily API calls on, a window has at least so many seconds.
WIDENING = ((85, 300.0), (80, 150.0), (75, 60.0), (70, 30.0), (60, 20.0), (50, 10.0))
GOLDEN = 0.6180339887498949
"""Its multiples spread evenly over a circle: however many connections there are, their windows end at other times."""


def window_seconds(seconds: float, used_percent: int | None) -> float:
    """The length of a window whose ordinary length is `seconds`, when so much of the org's calls is used up.

    `used_percent` None: nobody knows. In steps, so that windows keep their ends while the use grows a little. Where
    windows have no length they get none.
    """
    if used_percent is None or seconds <= 0:
        return seconds
    return max(seconds, next((least for percent, least in WIDENING if used_percent >= percent), seconds))


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
