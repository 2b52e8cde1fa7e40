"""The time zones that people choose from, and how what they type is understood."""

import zoneinfo
from functools import cache

REGIONS = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
    "UTC",
)


@cache
def names() -> tuple[str, ...]:
    """Return the names of the IANA database that stand for a place, sorted, and UTC."""
    return tuple(sorted(name for name in zoneinfo.available_timezones() if name.split("/")[0] in REGIONS))


def find(typed: str) -> str | None:
    """Return the zone that somebody means: its name in any case, with spaces, or its city alone; else None."""
    wanted = "_".join(typed.split()).lower()
    by_name = {name.lower(): name for name in names()}
    if wanted in by_name:
        return by_name[wanted]
    cities = [name for name in names() if name.lower().rpartition("/")[2] == wanted]
    return cities[0] if len(cities) == 1 else None
