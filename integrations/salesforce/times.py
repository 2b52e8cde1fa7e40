"""Salesforce's date-times, e.g. `2026-05-06T09:49:19.000+0000`."""

from datetime import UTC, date, datetime


def parse_time(text: str | None) -> datetime | None:
    """A date-time of an answer in UTC; None for null. Raises ValueError for anything else."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def parse_date(text: str | None) -> date | None:
    """A date of an answer; None for null. Raises ValueError for anything else."""
    return date.fromisoformat(text) if text else None
