"""Moments as records hold them: UTC in whole seconds, so that they can be compared as text."""

from datetime import UTC, datetime


def utc_text(text: str) -> str:
    """Turn an ISO date-time with offset into the text that records hold; raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a date-time needs an offset")
    return moment_text(moment)


def moment_text(moment: datetime) -> str:
    """Return an aware date-time as records hold it: UTC, whole seconds, comparable as text."""
    return moment.astimezone(UTC).isoformat()[:19] + ".000+0000"


def parse_moment(text: str) -> datetime:
    """Return the aware date-time of a record's text."""
    return datetime.fromisoformat(text[:19] + "+00:00")
