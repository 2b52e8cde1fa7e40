"""Takes what was read of meetings, keeps what is known, and hands what is news to capture, in one transaction.

The rows are locked, so mail and calendar may bring the same news at the same time: it is news once.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Literal

from django.db import transaction
from django.utils import timezone

from activity.models import BodyChoice, KnownMeeting, Meeting, Source
from activity.pipeline.capture import capture
from activity.pipeline.captured import Attendee, Captured, CapturedMeeting, CaptureResult, Person
from activity.pipeline.compose import zone_of
from activity.pipeline.exclude import exclude, in_domains
from activity.settings import EffectiveSettings, settings_for
from activity.sources.addresses import normalize_address
from activity.sources.meetings.decision import Around, Wanted, decide, next_look
from activity.sources.meetings.knowledge import NO_PERSON, SERIES, Claim, Knowledge, from_json, learn, to_json
from activity.sources.meetings.reports import Report, find_news, last_end
from integrations.calendar.messages import CalendarMessage, Invited
from integrations.calendar.messages import Meeting as ReadMeeting
from workspaces.members import find_members
from workspaces.models import Membership

AT_ONCE = 200
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
    by_uid: dict[str, list[tuple[CalendarMessage, ReadMeeting]]] = {}
    for message in messages:
        for meeting in message.meetings:
            by_uid.setdefault(meeting.uid, []).append((message, _normalized(meeting)))
    if not by_uid:
        return []
    with transaction.atomic():
        return _Taking(membership, frozenset(own_addresses)).take(by_uid, in_calendar=seen_in == "calendar")


def log_next_instances() -> int:
    """Capture the instances of recurring meetings that have come near; returns how many activities are new."""
    due = KnownMeeting.objects.filter(next_look_at__lte=timezone.now(), membership__left_at=None)
    new = 0
    for pk in due.order_by("next_look_at").values_list("pk", flat=True)[:AT_ONCE]:
        with transaction.atomic():
            row = KnownMeeting.objects.select_for_update(of=["self"], skip_locked=True).filter(pk=pk).first()
            if row is not None:
                results = _Taking(row.membership, frozenset(row.known.get(OWN, ()))).look_again(row)
                new += sum(result.status == "accepted" for result in results)
    return new


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

    def take(
        self, by_uid: dict[str, list[tuple[CalendarMessage, ReadMeeting]]], *, in_calendar: bool
    ) -> list[CaptureResult]:
        """Learn and capture; the rows in one order, so that two calls wait for each other."""
        self._find_colleagues(_addresses_of(by_uid.values()))
        worth = {uid for uid, news in by_uid.items() if self._is_worth_knowing(news)}
        rows = [(row, from_json(row.known)) for row in self._rows(worth | self._known_among(by_uid.keys() - worth))]
        self._find_colleagues(_addresses_of(by_uid.values()).union(*(known.addresses for _, known in rows)))
        for row, before in rows:
            known = before
            for message, meeting in by_uid[row.uid]:
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

    def _known_among(self, uids: Collection[str]) -> set[str]:
        """Which of these meetings are known from before."""
        digests = [_digest(uid) for uid in uids]
        rows = KnownMeeting.objects.filter(membership=self.membership, digest__in=digests)
        return set(rows.values_list("uid", flat=True)) if digests else set()

    def _rows(self, uids: Collection[str]) -> list[KnownMeeting]:
        fresh = [KnownMeeting(membership=self.membership, digest=_digest(uid), uid=uid) for uid in sorted(uids)]
        KnownMeeting.objects.bulk_create(fresh, ignore_conflicts=True)
        rows = KnownMeeting.objects.select_for_update().filter(
            membership=self.membership, digest__in=[row.digest for row in fresh]
        )
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
            workspace=self.membership.workspace, uid=report.uid, reported_at__gt=happened
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
            source_id=f"{row.pk}-{_digest(report.uid)[:16]}-{row.revision}-{number}",
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


def _digest(uid: str) -> str:
    return hashlib.sha256(uid.encode()).hexdigest()


def _addresses_of(news: Iterable[News]) -> set[str]:
    people = [each for of in news for _, meeting in of for each in [*meeting.attendees, meeting.organizer]]
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
