"""What is known of a meeting and what follows from it, for every order in which mail can arrive."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activity.models import Kind
from activity.sources.meetings.decision import Around, Standing, Wanted, decide, logged_uid, next_look
from activity.sources.meetings.knowledge import Knowledge, from_json, to_json
from activity.sources.meetings.learning import learn
from activity.sources.meetings.reports import Entry, find_news
from integrations.calendar.messages import CalendarMessage, Instance, Invited, Meeting

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BEN, ADA, NORA, PETER = "ben@acme.example", "ada@acme.example", "nora@northwind.example", "peter@initech.example"
EVE = "eve@evil.example"
OWN = frozenset({BEN})
START = datetime(2026, 11, 25, 14, tzinfo=UTC)
HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)
AROUND = Around(OWN, lambda address: address.endswith("@acme.example"), ZoneInfo("Europe/Berlin"), NOW)

Said = tuple[CalendarMessage, bool]
"""What was said, and whether the member's own calendar says it."""


def meeting(
    *,
    sequence: int = 0,
    minute: int = 0,
    hour: int = 0,
    organizer: str = BEN,
    people: Sequence[tuple[str, str]] = ((NORA, ""),),
    week: int | None = None,
    recurs: bool = False,
    **more: object,
) -> Meeting:
    """A meeting of the series that begins at START; `week` says which instance is meant."""
    start = START + timedelta(hours=hour) + (week or 0) * WEEK
    weeks = [START + timedelta(hours=hour) + number * WEEK for number in range(8)] if recurs else []
    return Meeting(
        uid="uid-1",
        recurrence_id=None if week is None else START + week * WEEK,
        sequence=sequence,
        dtstamp=NOW - timedelta(hours=3) + timedelta(minutes=minute),
        summary="Demo",
        start=start,
        end=start + HOUR,
        organizer=Invited(organizer) if organizer else None,
        attendees=tuple(Invited(address, partstat=said) for address, said in people),
        recurs=recurs,
        instances=tuple(Instance(each, each, each + HOUR) for each in weeks),
        **more,  # type: ignore[arg-type]
    )


def mail(method: str, sender: str, **fields: object) -> Said:
    return CalendarMessage(method, (meeting(**fields),), sender, NOW), False  # type: ignore[arg-type]


def entry(**fields: object) -> Said:
    """An entry of Ben's calendar."""
    return CalendarMessage(None, (meeting(**fields),), "", NOW), True  # type: ignore[arg-type]


def learned(said: Iterable[Said], known: Knowledge | None = None) -> Knowledge:
    known = known or Knowledge()
    for message, in_calendar in said:
        for each in message.meetings:
            known = learn(known, message, each, OWN, in_calendar=in_calendar)
    return known


def standing(*said: Said) -> Standing | None:
    """How the meeting stands after this; None when nothing is known of it."""
    wanted = decide(learned(said), "uid-1", AROUND)
    return wanted["uid-1"].standing if wanted else None


# --- Any order --------------------------------------------------------------------------------------------

versions = st.fixed_dictionaries({"sequence": st.integers(0, 3), "minute": st.integers(0, 30)})
weeks = st.sampled_from([None, None, 0, 2])
organizers = st.sampled_from([BEN, BEN, NORA, NORA, ADA])
answers = st.sampled_from(["ACCEPTED", "ACCEPTED", "ACCEPTED", "DECLINED", "TENTATIVE", "NEEDS-ACTION"])
senders = st.sampled_from([BEN, BEN, BEN, NORA, NORA, NORA, ADA, PETER, EVE, ""])


@st.composite
def sayings(draw: st.DrawFn) -> Said:
    """Anything that anybody may send, or that the calendar may hold."""
    people = draw(st.lists(st.tuples(st.sampled_from([BEN, ADA, NORA, PETER]), answers), max_size=4))
    fields = draw(versions) | {"week": draw(weeks), "organizer": draw(organizers), "people": people}
    fields |= {"hour": draw(st.integers(0, 4)), "is_private": draw(st.sampled_from([False, False, False, True]))}
    fields |= {"status": draw(st.sampled_from([*[""] * 7, "CANCELLED"])), "and_future": draw(st.booleans())}
    fields["recurs"] = fields["week"] is None and draw(st.booleans())
    if draw(st.integers(0, 3)) == 0:
        return entry(**fields)
    return mail(
        draw(st.sampled_from(["REQUEST", "REQUEST", "REPLY", "REPLY", "REPLY", "CANCEL", "COUNTER"])),
        draw(senders),
        **fields,
    )


@given(st.lists(sayings(), max_size=8), st.randoms(use_true_random=False), st.data())
def test_neither_order_nor_repetition_matters(said: list[Said], chance: object, data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(said), max_size=4)) if said else []
    other = data.draw(st.permutations([*said, *again]))

    assert learned(other) == learned(said)


@given(st.lists(sayings(), max_size=8))
def test_what_is_known_is_kept_whole(said: list[Said]) -> None:
    known = learned(said)

    assert from_json(to_json(known)) == known


@given(st.lists(sayings(), max_size=8))
def test_only_what_is_confirmed_with_somebody_outside_stands(said: list[Said]) -> None:
    known = learned(said)
    accepted = {
        address for of in known.answers.values() for address, each in of.items() if each.partstat == "ACCEPTED"
    }
    for wanted in decide(known, "uid-1", AROUND).values():
        if wanted.standing == Standing.ON:
            assert wanted.outside
            assert not OWN & set(wanted.outside)
            assert accepted & {*wanted.outside, *OWN}
        if wanted.standing == Standing.SILENT:
            assert (wanted.title, wanted.location, wanted.description, wanted.outside) == ("", "", "", ())


def told(batches: Iterable[Sequence[Said]]) -> tuple[dict[str, Entry], list[tuple[str, Kind, str]], Knowledge]:
    """What is reported after each batch in turn: the last entries, and every (uid, kind, address)."""
    known, entries, news = Knowledge(), {}, []
    for batch in batches:
        known = learned(batch, known)
        found, entries = find_news(decide(known, "uid-1", AROUND), entries, NOW, is_private=False)
        news += [(report.uid, report.kind, address) for report in found for address in report.addresses]
    return entries, news, known


@given(st.lists(sayings(), max_size=8))
def test_what_was_reported_last_is_how_it_stands(said: list[Said]) -> None:
    """Said one after the other, whatever stood in between."""
    entries, news, known = told([one] for one in said)
    wanted = decide(known, "uid-1", AROUND)
    for uid, each in wanted.items():
        reported = set(entries[uid]["on"]) if uid in entries else set()
        if each.standing == Standing.ON:
            assert reported == set(each.outside)
        if each.standing == Standing.OFF:
            assert reported == set()
    last = {(uid, address): kind for uid, kind, address in news}
    on = {(uid, address) for uid, entry in entries.items() for address in entry["on"]}
    assert {key for key, kind in last.items() if kind == Kind.MEETING_CONFIRMED} == on


@given(st.lists(sayings(), max_size=8))
def test_the_same_again_is_no_news(said: list[Said]) -> None:
    entries, _, known = told([one] for one in said)
    known = learned(said, known)

    news, after = find_news(decide(known, "uid-1", AROUND), entries, NOW, is_private=False)
    assert (news, after) == ([], entries)


@given(st.lists(sayings(), max_size=8), st.integers(1, 5))
def test_strangers_change_nothing(said: list[Said], sequence: int) -> None:
    """Neither Eve nor a mail whose sender cannot be believed moves, calls off or answers anything."""
    lies = [
        mail(method, sender, sequence=9, minute=59, hour=sequence, organizer=organizer, people=((NORA, "DECLINED"),))
        for method in ("REPLY", "CANCEL")
        for sender in (EVE, "")
        for organizer in (BEN, NORA, ADA)
    ]

    assert decide(learned([*said, *lies]), "uid-1", AROUND) == decide(learned(said), "uid-1", AROUND)


@given(st.lists(sayings(), max_size=8))
def test_after_the_organizers_word_that_it_is_private_nothing_is_said(said: list[Said]) -> None:
    last = entry(sequence=9, minute=59, is_private=True)

    assert {each.standing for each in decide(learned([*said, last]), "uid-1", AROUND).values()} == {Standing.SILENT}


# --- The rule, case by case -------------------------------------------------------------------------------

ASKED = mail("REQUEST", BEN)
INVITED = mail("REQUEST", NORA, organizer=NORA, people=((BEN, "NEEDS-ACTION"),))
YES, NO = (
    mail("REPLY", NORA, minute=5, people=((NORA, "ACCEPTED"),)),
    mail("REPLY", NORA, minute=6, people=((NORA, "DECLINED"),)),
)
OUR_YES = mail("REPLY", BEN, minute=5, organizer=NORA, people=((BEN, "ACCEPTED"),))
OUR_NO = mail("REPLY", BEN, minute=6, organizer=NORA, people=((BEN, "DECLINED"),))
BOTH = ((NORA, ""), (PETER, ""))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([ASKED], Standing.OPEN),
        ([ASKED, YES], Standing.ON),
        ([YES], Standing.ON),
        ([ASKED, YES, NO], Standing.OFF),
        ([ASKED, mail("REPLY", NORA, minute=5, people=((NORA, "TENTATIVE"),))], Standing.OPEN),
        ([ASKED, mail("REPLY", NORA, minute=5, people=((NORA, "DELEGATED"),))], Standing.OPEN),
        # the answer to the version before counts until there is another
        ([mail("REQUEST", BEN, sequence=1, minute=9), YES], Standing.ON),
        # the last outside decline
        ([mail("REQUEST", BEN, people=BOTH), YES, NO], Standing.OPEN),
        ([mail("REQUEST", BEN, people=BOTH), NO, mail("REPLY", PETER, people=((PETER, "DECLINED"),))], Standing.OFF),
        ([mail("REQUEST", BEN, people=BOTH), NO, mail("REPLY", PETER, people=((PETER, "ACCEPTED"),))], Standing.ON),
        # who was not asked cannot say yes for the others
        ([ASKED, mail("REPLY", PETER, people=((PETER, "ACCEPTED"),))], Standing.OPEN),
        # colleagues are nobody outside
        ([mail("REQUEST", BEN, people=((ADA, "ACCEPTED"),))], Standing.OFF),
        # a colleague's meeting: somebody outside and we ourselves
        ([entry(organizer=ADA, people=((NORA, "ACCEPTED"), (BEN, "NEEDS-ACTION")))], Standing.OPEN),
        ([entry(organizer=ADA, people=((NORA, "ACCEPTED"), (BEN, "ACCEPTED")))], Standing.ON),
        ([entry(organizer=ADA, people=((NORA, "ACCEPTED"), (BEN, "DECLINED")))], Standing.OFF),
        # outside invitations
        ([INVITED], Standing.OPEN),
        ([INVITED, OUR_YES], Standing.ON),
        ([OUR_YES], Standing.ON),
        ([INVITED, OUR_YES, OUR_NO], Standing.OFF),
        ([mail("REQUEST", NORA, organizer=NORA, people=((BEN, "ACCEPTED"),))], Standing.OPEN),
        ([entry(organizer=NORA, people=((BEN, "ACCEPTED"),))], Standing.ON),
        # calling off
        ([ASKED, YES, mail("CANCEL", BEN, minute=9)], Standing.OFF),
        ([ASKED, YES, mail("REQUEST", BEN, minute=9, status="CANCELLED")], Standing.OFF),
        ([ASKED, YES, mail("CANCEL", BEN, minute=9), mail("REQUEST", BEN, sequence=1, minute=10)], Standing.ON),
        ([mail("CANCEL", BEN, sequence=1, minute=9), ASKED, YES], Standing.OFF),
        ([mail("CANCEL", BEN)], None),
        ([INVITED, OUR_YES, mail("CANCEL", NORA, minute=9, organizer=NORA, people=((BEN, ""),))], Standing.OFF),
        # from one of the people who were asked: they are not wanted, the others are
        ([mail("REQUEST", BEN, people=BOTH), YES, mail("CANCEL", BEN, minute=9, people=((PETER, ""),))], Standing.ON),
        # without an organizer it is ours, in our own calendar
        ([entry(organizer="", people=((NORA, "ACCEPTED"),))], Standing.ON),
        ([mail("PUBLISH", NORA)], None),
        ([mail("COUNTER", NORA)], None),
    ],
)  # fmt: skip
def test_how_it_stands(said: list[Said], expected: Standing | None) -> None:
    assert standing(*said) == expected


# --- Repeated meetings ------------------------------------------------------------------------------------

SERIES = entry(organizer=NORA, people=((BEN, "ACCEPTED"),), recurs=True)


def starts(*said: Said) -> dict[str, tuple[Standing, datetime]]:
    found: dict[str, Wanted] = decide(learned(said), "uid-1", AROUND)
    return {uid.partition("/")[2][:8]: (each.standing, each.start) for uid, each in found.items()}


def test_of_a_series_the_next_thirty_days_are_logged() -> None:
    assert starts(SERIES) == {
        f"{START + week * WEEK:%Y%m%d}": (Standing.ON, START + week * WEEK) for week in range(4)
    }
    assert next_look(learned([SERIES]), AROUND) == START + 4 * WEEK - timedelta(days=30)
    assert next_look(learned([ASKED]), AROUND) is None


def test_an_instance_that_is_moved_far_ahead_comes_near_again() -> None:
    month = timedelta(days=30)
    known = learned([SERIES, entry(organizer=NORA, people=((BEN, "ACCEPTED"),), week=7, hour=24 * 60, sequence=1)])
    start = START + 7 * WEEK + 60 * 24 * HOUR
    after_the_others = replace(AROUND, now=START + 6 * WEEK)

    assert next_look(known, after_the_others) == start - month
    assert f"{START + 7 * WEEK:%Y%m%d}" in {
        uid.partition("/")[2][:8] for uid in decide(known, "uid-1", replace(AROUND, now=start - month))
    }


def test_from_one_instance_on_everything_moves() -> None:
    later = entry(organizer=NORA, people=((BEN, "ACCEPTED"),), week=2, hour=3, sequence=1, and_future=True)

    assert [start for _, start in starts(SERIES, later).values()] == [
        START, START + WEEK, START + 2 * WEEK + 3 * HOUR, START + 3 * WEEK + 3 * HOUR,
    ]  # fmt: skip


def test_from_one_instance_on_everything_is_called_off() -> None:
    end = mail("CANCEL", NORA, organizer=NORA, week=2, minute=9, and_future=True)

    assert [each for each, _ in starts(SERIES, end).values()] == [
        Standing.ON, Standing.ON, Standing.OFF, Standing.OFF,
    ]  # fmt: skip


def test_one_instance_is_declined() -> None:
    no = mail("REPLY", BEN, organizer=NORA, week=1, minute=9, people=((BEN, "DECLINED"),))

    assert [each for each, _ in starts(SERIES, no).values()] == [
        Standing.ON, Standing.OFF, Standing.ON, Standing.ON,
    ]  # fmt: skip


def test_an_invitation_to_one_instance_stands_alone() -> None:
    one = entry(organizer=NORA, people=((BEN, "ACCEPTED"),), week=1)

    assert starts(one) == {f"{START + WEEK:%Y%m%d}": (Standing.ON, START + WEEK)}


def test_the_uid_of_an_instance_fits() -> None:
    assert logged_uid("u", START) == "u/20261125T140000Z"
    assert logged_uid("u", START.date()) == "u/20261125"
    assert logged_uid("u" * 998, None) == "u" * 998
    assert len(logged_uid("u" * 998, START)) == 81
