"""What is news of how a meeting stands: compared with what was reported of it before. Pure."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from activity.models import Kind
from activity.sources.meetings.decision import Standing, Wanted
from integrations.calendar.messages import Invited

Entry = dict[str, Any]
"""What was reported of one meeting or instance: `on` (the addresses that it stands for), `digest`, and its face."""


@dataclass(frozen=True, slots=True)
class Report:
    """One activity to be: of this meeting or instance, for these addresses outside."""

    uid: str
    kind: Kind
    meeting: Wanted
    addresses: tuple[str, ...]


def find_news(
    wanted: Mapping[str, Wanted], reported: Mapping[str, Entry], now: datetime, *, is_private: bool
) -> tuple[list[Report], dict[str, Entry]]:
    """The reports to be made, and what was reported afterwards.

    An instance that was reported, is still to come and takes place no more by the new rule is canceled. Of what is
    private now nothing is said.
    """
    news, entries = [], dict(reported)
    for uid, meeting in wanted.items():
        entry = entries.get(uid)
        found, entries[uid] = _news_of(uid, meeting, entry)
        news += found
        if entries[uid] is None:
            del entries[uid]
    for uid, entry in reported.items():
        if uid not in wanted and not is_private and entry["on"] and datetime.fromisoformat(entry["start"]) > now:
            face = _face_of(entry)
            news.append(Report(uid, Kind.MEETING_CANCELED, face, tuple(entry["on"])))
            entries[uid] = entry | {"on": [], "digest": ""}
    return news, entries


def _news_of(uid: str, meeting: Wanted, entry: Entry | None) -> tuple[list[Report], Entry | None]:
    before = list(entry["on"]) if entry else []
    if meeting.standing == Standing.SILENT or (meeting.standing == Standing.OPEN and not before):
        return [], entry
    if meeting.standing == Standing.OFF:
        if not before:
            return [], entry
        return [Report(uid, Kind.MEETING_CANCELED, meeting, tuple(before))], _entry(meeting, [])
    digest = _digest(meeting)
    if entry and entry["digest"] == digest:
        return [], entry
    gone = tuple(address for address in before if address not in meeting.outside)
    news = [Report(uid, Kind.MEETING_CANCELED, meeting, gone)] if gone else []
    news.append(Report(uid, Kind.MEETING_CONFIRMED, meeting, meeting.outside))
    return news, _entry(meeting, list(meeting.outside), digest)


def _digest(meeting: Wanted) -> str:
    """Of what an Event shows, and for whom one is."""
    content = [
        meeting.start.isoformat(), meeting.end.isoformat(), meeting.title, meeting.location, meeting.description,
        meeting.organizer.address if meeting.organizer else "", sorted(meeting.outside),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _entry(meeting: Wanted, on: list[str], digest: str = "") -> Entry:
    return {
        "on": on,
        "digest": digest,
        "start": meeting.start.isoformat(),
        "end": meeting.end.isoformat(),
        "title": meeting.title,
        "location": meeting.location,
        "organizer": meeting.organizer.address if meeting.organizer else "",
    }


def _face_of(entry: Entry) -> Wanted:
    """The meeting as it was reported last, for a report that it does not take place."""
    return Wanted(
        Standing.OFF,
        datetime.fromisoformat(entry["start"]),
        datetime.fromisoformat(entry["end"]),
        title=entry["title"],
        location=entry["location"],
        organizer=Invited(entry["organizer"]) if entry["organizer"] else None,
    )


def last_end(entries: Mapping[str, Entry], wanted: Mapping[str, Wanted]) -> datetime | None:
    """When the last of them ends."""
    return max(_ends(entries, wanted), default=None)


def _ends(entries: Mapping[str, Entry], wanted: Mapping[str, Wanted]) -> Iterator[datetime]:
    yield from (datetime.fromisoformat(entry["end"]) for entry in entries.values())
    yield from (meeting.end for meeting in wanted.values())
