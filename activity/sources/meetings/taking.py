"""Takes what was read of meetings, keeps what is known, and hands what is news to capture, in one transaction.

The rows are locked, so mail and calendar may bring the same news at the same time: it is news once.
"""

import hashlib
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Literal

from django.db import OperationalError, transaction
from django.utils import timezone

from activity.models import BodyChoice, KnownMeeting, Meeting, Source
from activity.pipeline.capture import capture
from activity.pipeline.captured import Attendee, Captured, CapturedMeeting, CaptureResult, Person
from activity.pipeline.compose import zone_of
from activity.pipeline.exclude import exclude, in_domains
from activity.settings import EffectiveSettings, settings_for
from activity.sources.addresses import normalize_address
from activity.sources.meetings.decision import Around, Wanted, decide, next_look
from activity.sources.meetings.knowledge import SERIES, Claim, Knowledge, from_json, to_json
from activity.sources.meetings.learning import NO_PERSON, learn
from activity.sources.meetings.reports import Report, find_news, last_end
from integrations.calendar.messages import CalendarMessage, Invited
from integrations.calendar.messages import Meeting as ReadMeeting
from workspaces.members import find_members
from workspaces.models import Membership

logger = logging.getLogger(__name__)

AT_ONCE = 200
AFTER_A_FAULT = timedelta(days=1)
OWN = "own"
"""Beside what is known of a meeting: the member's addresses in the mailboxes and calendars that told of it."""

News = Sequence[tuple[CalendarMessage, ReadMeeting]]


def take_meetings(
    membership: Membership,
    own_addresses: Collection[str],
    messages: Sequence[CalendarMessage],
    seen_in: Literal["mail", "calendar"],
) -> list[CaptureResult]:
    """Learn from the messages and capture what is news: meetings confirmed, moved, canceled.

    Of a mail `sender` must be set: the address in From, or empty where that cannot be believed; of both `seen_at`.
    Own addresses are lower case. Returns what became of each activity; nothing new gives none. The second delivery of
    the same news and deliveries in another order change nothing.
    """
    news = [(message, _normalized(meeting)) for message in messages for meeting in message.meetings]
    if not news:
        return []
    with transaction.atomic():
        return _Taking(membership, frozenset(own_addresses)).take(news, in_calendar=seen_in == "calendar")


def log_next_instances() -> int:
    """Capture the instances of recurring meetings that have come near; returns how many activities are new."""
    due = KnownMeeting.objects.filter(next_look_at__lte=timezone.now(), membership__left_at=None)
    new = 0
    for pk in list(due.order_by("next_look_at").values_list("pk", flat=True)[:AT_ONCE]):
        try:
            new += _look_again(pk)
        except OperationalError:
            raise
        except Exception:  # one meeting's fault must not stop the others, nor be the first of all again
            logger.exception("the next instances of meeting %s could not be logged", pk)
            KnownMeeting.objects.filter(pk=pk).update(next_look_at=timezone.now() + AFTER_A_FAULT)
    return new


@transaction.atomic
def _look_again(pk: int) -> int:
    """Capture what of a meeting has come near, unless somebody else is at it; returns how many activities are new."""
    row = KnownMeeting.objects.select_for_update(of=["self"], skip_locked=True).filter(pk=pk).first()
    if row is None:
        return 0
    results = _Taking(row.membership, frozenset(row.known.get(OWN, ()))).look_again(row)
    return sum(result.status == "accepted" for result in results)


@dataclass
class _Taking:
    """One call of take_meetings, inside its transaction."""

    membership: Membership
    own_addresses: frozenset[str]

    def __post_init__(self) -> None:
        self.now = timezone.now()
        self.colleagues: set[str] = set()
        self.items: list[Captured] = []

    # --- Steps --------------------------------------------------------------------------------------------

    def take(self, news: News, *, in_calendar: bool) -> list[CaptureResult]:
        """Learn and capture; the rows in one order, so that two calls wait for each other."""
        self._find_colleagues(_addresses_of(news))
        of_digest = self._sorted_out(news, in_calendar=in_calendar)
        worth = {digest for digest, each in of_digest.items() if self._is_worth_knowing(each)}
        rows = [(row, from_json(row.known)) for row in self._rows(of_digest, worth)]
        self._find_colleagues(_addresses_of(news).union(*(known.addresses for _, known in rows)))
        for row, before in rows:
            known = before
            for message, meeting in of_digest[row.digest]:
                known = learn(known, message, meeting, self.own, in_calendar=in_calendar)
            if known != before:
                self._decide(row, self._without_texts(known))
        return self._capture()

    def look_again(self, row: KnownMeeting) -> list[CaptureResult]:
        """Capture what of it has come near."""
        known = from_json(row.known)
        self._find_colleagues(known.addresses)
        self._decide(row, known)
        return self._capture()

    # --- What the steps are made of -----------------------------------------------------------------------

    @cached_property
    def addresses(self) -> list[str]:
        """The member's verified addresses, the primary one first."""
        verified = self.membership.user.emailaddress_set.filter(verified=True).order_by("-primary", "pk")
        return [each.lower() for each in verified.values_list("email", flat=True)]

    @cached_property
    def own(self) -> frozenset[str]:
        """All addresses of the member that are known."""
        return self.own_addresses | frozenset(self.addresses)

    @cached_property
    def settings(self) -> EffectiveSettings:
        """What holds for the member."""
        return settings_for(self.membership)

    @cached_property
    def own_domains(self) -> frozenset[str]:
        """The workspace's own domains."""
        return frozenset(domain.lower() for domain in self.membership.workspace.own_domains)

    @cached_property
    def around(self) -> Around:
        """What decisions depend on beside the meeting."""
        return Around(self.own, self._is_internal, zone_of(self.membership.user.time_zone), self.now)

    def _is_internal(self, address: str) -> bool:
        return address in self.own or address in self.colleagues or in_domains(address, self.own_domains)

    def _find_colleagues(self, addresses: Iterable[str]) -> None:
        self.colleagues = set(find_members(self.membership.workspace, addresses))

    def _is_worth_knowing(self, news: News) -> bool:
        """Somebody outside takes part, or nobody is named, as in some cancellations."""
        for message, meeting in news:
            people = [
                each for each in [*meeting.attendees, meeting.organizer] if each and each.cutype not in NO_PERSON
            ]
            if any(not self._is_internal(each.address) for each in people) or message.method == "CANCEL":
                return True
        return False

    def _sorted_out(self, news: News, *, in_calendar: bool) -> dict[str, list[tuple[CalendarMessage, ReadMeeting]]]:
        """The news by the digest of the meeting. A UID is its organizer's: what others say under it is of another.

        What names no organizer, as the deletion of a calendar's entry, is of all that are known by the UID.
        """
        found: dict[str, list[tuple[CalendarMessage, ReadMeeting]]] = {}
        nameless = [each for each in news if self._organizer(*each, in_calendar=in_calendar) is None]
        for message, meeting in news:
            organizer = self._organizer(message, meeting, in_calendar=in_calendar)
            if organizer is not None:
                found.setdefault(_digest(meeting.uid, organizer), []).append((message, meeting))
        uids = {meeting.uid for _, meeting in nameless}
        rows = KnownMeeting.objects.filter(membership=self.membership, uid__in=uids) if uids else ()
        for row in rows:
            found.setdefault(row.digest, []).extend(each for each in nameless if each[1].uid == row.uid)
        return found

    def _organizer(self, message: CalendarMessage, meeting: ReadMeeting, *, in_calendar: bool) -> str | None:
        """Whose meeting it is: an address, empty for the member; None where that is not said."""
        if meeting.organizer is not None:
            return "" if meeting.organizer.address in self.own else meeting.organizer.address
        if in_calendar:
            return None if message.method == "CANCEL" else ""
        if message.method == "REPLY":
            return None
        return "" if message.sender in self.own else message.sender

    def _rows(self, news: Mapping[str, News], worth: Collection[str]) -> list[KnownMeeting]:
        """The rows of the meetings, locked; those that are worth knowing are made where they are not known."""
        fresh = [
            KnownMeeting(membership=self.membership, digest=each, uid=news[each][0][1].uid) for each in sorted(worth)
        ]
        KnownMeeting.objects.bulk_create(fresh, ignore_conflicts=True)
        rows = KnownMeeting.objects.select_for_update().filter(membership=self.membership, digest__in=list(news))
        return list(rows.order_by("digest"))

    def _without_texts(self, known: Knowledge) -> Knowledge:
        """Without the texts of what is private, and without descriptions that are not to be written."""
        claims = {}
        for key, claim in known.claims.items():
            if known.is_private(key):
                claims[key] = replace(claim, summary="", location="", description="")
            else:
                claims[key] = claim if self._is_described(claim) else replace(claim, description="")
        return replace(known, claims=claims)

    def _is_described(self, claim: Claim) -> bool:
        """Whether its description may be written: by the role's setting, and for somebody who is not excluded."""
        people = [each.address for each in [*claim.attendees, claim.organizer] if each]
        return self.settings.body != BodyChoice.NONE and any(
            not self._is_internal(address) and not exclude(self.settings.exclusions, address, claim.summary)
            for address in people
        )

    def _decide(self, row: KnownMeeting, known: Knowledge) -> None:
        """Keep what is known, and note what is news."""
        wanted = decide(known, row.uid, self.around)
        is_private = known.is_private(SERIES)
        news, row.reported = find_news(wanted, row.reported, self.now, is_private=is_private)
        row.known = to_json(known) | {OWN: sorted(self.own_addresses | frozenset(row.known.get(OWN, ())))}
        row.next_look_at = next_look(known, self.around)
        row.ends_at = max(last_end(row.reported, wanted) or row.ends_at, row.next_look_at or row.ends_at)
        row.revision += bool(news)
        row.save()
        happened = known.newest or self.now
        self.items += [self._captured(row, number, report, happened) for number, report in enumerate(news)]

    def _captured(self, row: KnownMeeting, number: int, report: Report, happened: datetime) -> Captured:
        meeting = _meeting_of(report, self._is_internal)
        newer = Meeting.objects.filter(
            workspace=self.membership.workspace, uid=meeting.uid, reported_at__gt=happened
        ).first()
        if newer is not None:  # a colleague's mail or calendar knew more already
            happened = newer.reported_at
            meeting = replace(
                meeting,
                title=newer.title,
                start=newer.start,
                end=newer.end,
                location=newer.location,
                description=newer.description,
            )
        return Captured(
            source_id=f"{row.pk}-{row.revision}-{number}",
            user=self.addresses[0] if self.addresses else self.membership.user.email.lower(),
            kind=report.kind,
            occurred_at=happened,
            meeting=meeting,
            via_touchline=False,
            own_addresses=self.own,
        )

    def _capture(self) -> list[CaptureResult]:
        return capture(self.membership.workspace, Source.MEETINGS, self.items)


def _meeting_of(report: Report, is_internal: Callable[[str], bool]) -> CapturedMeeting:
    """The meeting with those it is reported for, and for a confirmation with the colleagues who were asked."""
    wanted: Wanted = report.meeting
    organizer = wanted.organizer or Invited("")
    if organizer.address not in report.addresses and not is_internal(organizer.address):
        organizer = Invited("")
    people = {each.address: each for each in wanted.people if is_internal(each.address)}
    people |= {address: Invited(address) for address in report.addresses}
    people |= {each.address: each for each in wanted.people if each.address in report.addresses}
    people.pop(organizer.address, None)
    return CapturedMeeting(
        uid=report.uid,
        title=wanted.title,
        start=wanted.start,
        end=wanted.end,
        location=wanted.location,
        description=wanted.description,
        organizer=Person(organizer.address, organizer.name),
        attendees=tuple(Attendee(each.address, each.name, each.partstat.lower()) for each in people.values()),
    )


def _digest(uid: str, organizer: str) -> str:
    return hashlib.sha256(f"{uid}\n{organizer}".encode()).hexdigest()


def _addresses_of(news: News) -> set[str]:
    people = [each for _, meeting in news for each in [*meeting.attendees, meeting.organizer]]
    return {each.address for each in people if each}


def _normalized(meeting: ReadMeeting) -> ReadMeeting:
    """With addresses in the form in which they are compared; who has none is left out."""
    organizer = _person(meeting.organizer) if meeting.organizer else None
    attendees = tuple(person for person in map(_person, meeting.attendees) if person is not None)
    return replace(meeting, organizer=organizer, attendees=attendees)


def _person(invited: Invited) -> Invited | None:
    try:
        return replace(invited, address=normalize_address(invited.address))
    except ValueError:
        return None
