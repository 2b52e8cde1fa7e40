"""What is to stand in Salesforce because of what is known of a meeting. Pure.

A meeting is confirmed when its organizer is ours and somebody outside accepted, or when we accepted an outside
invitation. It is off when its organizer cancelled it, we declined, or everybody outside did. A meeting that nobody
outside takes part in, and one that is marked as private, are nobody's business.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import Enum

from activity.sources.meetings.knowledge import ANSWERED, SERIES, Answer, Cancellation, Claim, Knowledge, answer_order
from integrations.calendar.messages import Instance, Invited, Moment

AHEAD = timedelta(days=30)
BEHIND = timedelta(days=1)
"""Which instances of a recurring meeting are logged: those that begin and end within."""
MOST_INSTANCES = 40
LONGEST = timedelta(days=14)
"""Of an Event (Salesforce: DURATION over 14 days is refused)."""
UID_LENGTH = 998


class Standing(Enum):
    """How a meeting stands; OPEN: neither confirmed nor off, SILENT: nothing is said of it any more."""

    ON = "on"
    OFF = "off"
    OPEN = "open"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Around:
    """Whose meeting it is: their addresses, which others are colleagues', their time zone, and what time it is."""

    own: frozenset[str]
    is_internal: Callable[[str], bool]
    zone: tzinfo
    now: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """One meeting or instance as it stands. `outside` are the addresses outside that still take part.

    `people` are all who were asked, with what they answered.
    """

    standing: Standing
    start: datetime
    end: datetime
    title: str = ""
    location: str = ""
    description: str = field(default="", repr=False)
    organizer: Invited | None = None
    people: tuple[Invited, ...] = ()
    outside: tuple[str, ...] = ()


def decide(known: Knowledge, uid: str, around: Around) -> dict[str, Wanted]:
    """How the meeting, or each instance that is near, stands; by the uid under which it is logged."""
    return {
        logged_uid(uid, instance): _wanted(known, instance, claim, around)
        for instance, claim in _occurrences(known, around)
    }


def logged_uid(uid: str, recurrence_id: Moment | None) -> str:
    """The UID, for an instance with its recurrence id behind it."""
    if recurrence_id is None:
        return uid
    form = "%Y%m%dT%H%M%SZ" if isinstance(recurrence_id, datetime) else "%Y%m%d"
    whole = f"{uid}/{recurrence_id.strftime(form)}"
    return whole if len(whole) <= UID_LENGTH else f"{hashlib.sha256(uid.encode()).hexdigest()}{whole[len(uid) :]}"


def next_look(known: Knowledge, around: Around) -> datetime | None:
    """When the next instance of a recurring meeting comes near enough to be logged."""
    series = known.claims.get(SERIES)
    if series is None or not series.recurs:
        return None
    starts = (in_time(claim.start, around.zone) for _, claim in _instances(known, series))
    return min((start - AHEAD for start in starts if start - AHEAD > around.now), default=None)


def in_time(moment: Moment, zone: tzinfo) -> datetime:
    """The time in UTC; a day begins at midnight of the zone."""
    whole = moment if isinstance(moment, datetime) else datetime.combine(moment, time(), zone)
    return whole.astimezone(UTC)


# --- What takes place when ---------------------------------------------------------------------------------


def _occurrences(known: Knowledge, around: Around) -> Iterator[tuple[Moment | None, Claim]]:
    """(recurrence id, what holds of it): the meeting itself, or its instances that are near."""
    series = known.claims.get(SERIES)
    if series is None:
        yield from _exceptions(known).items()
    elif not series.recurs:
        yield None, series
    else:
        found = [(key, claim) for key, claim in _instances(known, series) if _is_near(claim, around)]
        yield from found[:MOST_INSTANCES]


def _exceptions(known: Knowledge) -> dict[Moment, Claim]:
    return {_moment(key): claim for key, claim in known.claims.items() if key != SERIES}


def _instances(known: Knowledge, series: Claim) -> Iterator[tuple[Moment, Claim]]:
    """(recurrence id, what holds of it) of all instances of a recurring meeting, wherever they were moved to."""
    believed = {key: claim for key, claim in _exceptions(known).items() if claim.rank >= series.rank}
    return (_instance_of(series, believed, each) for each in series.instances)


def _instance_of(series: Claim, exceptions: dict[Moment, Claim], instance: Instance) -> tuple[Moment, Claim]:
    """What holds of an instance: its own exception, else the last one for it and all later ones, else the rule."""
    key = instance.recurrence_id
    if key in exceptions:
        return key, exceptions[key]
    ranges = [other for other, claim in exceptions.items() if claim.and_future and _is_before(other, key)]
    if not ranges:
        return key, replace(series, start=instance.start, end=instance.end)
    last = max(ranges, key=_sortable)
    claim = exceptions[last]
    start = instance.start + (_sortable(claim.start) - _sortable(last))
    return key, replace(claim, start=start, end=start + (_sortable(claim.end) - _sortable(claim.start)))


def _is_near(claim: Claim, around: Around) -> bool:
    start, end = in_time(claim.start, around.zone), in_time(claim.end, around.zone)
    return start <= around.now + AHEAD and end >= around.now - BEHIND


def _moment(key: str) -> Moment:
    return date.fromisoformat(key) if len(key) == 10 else datetime.fromisoformat(key)


def _sortable(moment: Moment) -> datetime:
    return in_time(moment, UTC)


def _is_before(one: Moment, other: Moment) -> bool:
    return _sortable(one) < _sortable(other)


# --- How it stands ----------------------------------------------------------------------------------------


def _wanted(known: Knowledge, instance: Moment | None, claim: Claim, around: Around) -> Wanted:
    start, end = in_time(claim.start, around.zone), in_time(claim.end, around.zone)
    end = min(end, start + LONGEST)
    if known.is_private(_key(instance)):
        return Wanted(Standing.SILENT, start, end)
    answers = _answers(known, instance)
    claim = _with_all_who_answered(claim, answers)
    outside = _outside(claim, around)
    is_off, uninvited = _cancelled(known, instance, claim, outside, around)
    gone = {address for address, answer in answers.items() if answer.partstat == "DECLINED"} | uninvited
    still = tuple(address for address in outside if address not in gone)
    standing = Standing.OFF if is_off or not still else _standing(claim, still, answers, around)
    return Wanted(
        standing=standing,
        start=start,
        end=end,
        title=claim.summary,
        location=claim.location,
        description=claim.description,
        organizer=claim.organizer,
        people=tuple(replace(each, partstat=_said(answers, each.address)) for each in claim.attendees),
        outside=still,
    )


def _with_all_who_answered(claim: Claim, answers: dict[str, Answer]) -> Claim:
    """An answer names nobody but its sender: of a meeting known by answers alone, all who answered take part."""
    if claim.rank != ANSWERED:
        return claim
    named = {each.address for each in claim.attendees}
    others = tuple(Invited(address) for address in sorted(answers) if address not in named)
    return replace(claim, attendees=claim.attendees + others)


def _standing(claim: Claim, outside: Collection[str], answers: dict[str, Answer], around: Around) -> Standing:
    """Of a meeting that its organizer did not cancel."""
    own = max((answers[each] for each in around.own if each in answers), key=answer_order, default=None)
    ours = own.partstat if own else ""
    if ours == "DECLINED":
        return Standing.OFF
    organizer = claim.organizer.address if claim.organizer else ""
    if organizer in outside:
        return Standing.ON if ours == "ACCEPTED" else Standing.OPEN
    accepted = any(_said(answers, each) == "ACCEPTED" for each in outside)
    is_mine = not organizer or organizer in around.own
    return Standing.ON if accepted and (is_mine or ours == "ACCEPTED") else Standing.OPEN


def _outside(claim: Claim, around: Around) -> list[str]:
    """Everybody outside who takes part, the organizer first."""
    organizer = [claim.organizer.address] if claim.organizer else []
    everybody = dict.fromkeys([*organizer, *(each.address for each in claim.attendees)])
    return [address for address in everybody if address not in around.own and not around.is_internal(address)]


def _answers(known: Knowledge, instance: Moment | None) -> dict[str, Answer]:
    """Everybody's newest answer to this instance or to the whole meeting."""
    found = dict(known.answers.get(SERIES, {}))
    for address, answer in known.answers.get(_key(instance), {}).items():
        if address not in found or answer_order(found[address]) < answer_order(answer):
            found[address] = answer
    return found


def _said(answers: dict[str, Answer], address: str) -> str:
    return answers[address].partstat if address in answers else ""


def _cancelled(
    known: Knowledge, instance: Moment | None, claim: Claim, outside: Collection[str], around: Around
) -> tuple[bool, set[str]]:
    """Whether it is off, and who outside was told not to come (RFC 5546 §3.2.5) where it is not."""
    if claim.is_off:
        return True, set()
    uninvited: set[str] = set()
    is_ours = claim.organizer is None or around.is_internal(claim.organizer.address)
    for said in _cancellations(known, instance, claim):
        named = set(said.addresses)
        if is_ours and named and not named >= set(outside) and not named & around.own:
            uninvited |= named
        else:
            return True, set()
    return False, uninvited


def _cancellations(known: Knowledge, instance: Moment | None, claim: Claim) -> Iterator[Cancellation]:
    """Those that came after what holds of it. A new version of the rule alone undoes none of an instance."""
    is_exception = _key(instance) in known.claims
    for key, said in known.cancellations.items():
        if key in (SERIES, _key(instance)):
            applies = True
        else:
            applies = instance is not None and said.and_future and _is_before(_moment(key), instance)
        by_sequence = key != SERIES and not is_exception
        later = said.sequence >= claim.sequence if by_sequence else said.version[1:] >= claim.version[1:]
        if applies and later:
            yield said


def _key(instance: Moment | None) -> str:
    return instance.isoformat() if instance else SERIES
