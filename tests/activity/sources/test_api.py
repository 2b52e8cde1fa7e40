"""The items: each fault has its place, each odd value its end."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activity.models import Activity, Kind, Message, SyncJob
from activity.pipeline.captured import Captured
from activity.sources.api import read_item
from tests.activity.reports import Report, item, mail
from tests.activity.stories import NORA
from workspaces.models import User

NOT_A_LINK = "This is not a link that begins with http, https, mailto or tel."
MEETING = {
    "uid": "u1",
    "title": "Demo",
    "start": "2026-11-25T10:00:00Z",
    "end": "2026-11-25T11:00:00Z",
    "location": "Room 1",
    "organizer": {"email": "ben@acme.example"},
    "attendees": [{"email": NORA, "status": "ACCEPTED"}],
}


def faults(value: Any) -> list[tuple[str, str]]:
    read = read_item(value)
    assert not isinstance(read, Captured), read
    return [(fault.path, fault.message) for fault in read.errors]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, [(name, "This is required.") for name in ("id", "user", "type", "occurred_at")]),
        ([], [("", "This must be an object.")]),
        (None, [("", "This must be an object.")]),
        (item(id=""), [("id", "This must not be empty.")]),
        (item(id="x" * 201), [("id", "At most 200 characters.")]),
        (item(id=7), [("id", "This must be text.")]),
        (item(id="a\0b"), [("id", "Control characters are not allowed here.")]),
        (item(id="\ud800"), [("id", "This text has half a character in it (a lone surrogate).")]),
        (item(user="Ben <ben@acme.example>"), [("user", "This is not an e-mail address.")]),
        (item(message=None), [("message", "This is required.")]),
        (item(message="x"), [("message", "This must be an object.")]),
        (
            item(message={}),
            [(f"message.{name}", "This is required.") for name in ("from", "to", "subject")],
        ),
        (item(message=mail(to=[])), [("message.to", "At least one recipient is required.")]),
        (item(message=mail(to=[{"email": "nora"}])), [("message.to[0].email", "This is not an e-mail address.")]),
        (item(message=mail(to=[{}])), [("message.to[0].email", "This is required.")]),
        (item(message=mail(to={"email": NORA})), [("message.to", "This must be a list.")]),
        (item(message=mail(cc=[{"email": NORA}] * 501)), [("message.cc", "At most 500 entries.")]),
        (item(message=mail(via_touchline="yes")), [("message.via_touchline", "This must be true or false.")]),
        (item(message=mail(message_id="<>")), [("message.message_id", "This is not a Message-ID.")]),
        (item(type="opened", message={}), [("message.message_id", "This is required.")]),
        (item(type="clicked"), [("url", "This is required.")]),
        (item(type="clicked", url="javascript:alert(1)"), [("url", NOT_A_LINK)]),
        (item(type="downloaded"), [("file_name", "This is required.")]),
        (item(type="meeting_confirmed"), [("meeting", "This is required.")]),
        (
            item(type="meeting_confirmed", meeting=MEETING | {"end": "2026-11-25T09:00:00Z"}),
            [("meeting.end", "A meeting cannot end before it begins.")],
        ),
        (
            item(type="meeting_confirmed", meeting=MEETING | {"end": "2026-12-25T09:00:00Z"}),
            [("meeting.end", "A meeting may last 14 days at most.")],
        ),
        (item(recipient="x@"), [("recipient", "This is not an e-mail address.")]),
    ],
)  # fmt: skip
def test_faults_name_their_place(value: Any, expected: list[tuple[str, str]]) -> None:
    assert faults(value) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("9999-12-31T23:59:59Z", "The year must lie between 1970 and 2199."),
        ("9999-12-31T23:59:59-16:30", "There is no such time."),
        ("0001-01-01T00:00:00+16:30", "There is no such time."),
        ("2026-02-30T10:00:00Z", "There is no such time."),
        ("2026-11-23T10:00:60Z", "There is no such time."),
        ("2026-11-23T10:00:00", "Write the time as in RFC 3339, with its offset: 2026-11-23T09:30:00+01:00."),
        ("2026-11-23", "Write the time as in RFC 3339, with its offset: 2026-11-23T09:30:00+01:00."),
        (1763900000, "Write the time as in RFC 3339, with its offset: 2026-11-23T09:30:00+01:00."),
        ("2026-11-23T10:00:00+25:00", "There is no such time."),
    ],
)
def test_times_that_are_none(text: Any, message: str) -> None:
    assert faults(item(occurred_at=text)) == [("occurred_at", message)]


@pytest.mark.parametrize("offset", ["+23:00", "-17:30", "+00:00", "Z", "z"])
def test_every_offset_becomes_utc(report_items: Report, ben: User, offset: str) -> None:
    [result] = report_items(item(occurred_at=f"2026-11-23T12:00:00.123456{offset}"))

    assert result["status"] == "accepted"
    assert Activity.objects.get().occurred_at.utcoffset().total_seconds() == 0


def test_the_known_type_is_named_in_the_refusal() -> None:
    [(path, message)] = faults(item(type="phoned"))

    assert path == "type"
    assert "'sent'" in message


def test_texts_of_all_kinds_are_kept(report_items: Report, ben: User) -> None:
    subject = "שלום \u202e 👩\u200d👩\u200d👧 " + "x" * 300
    [result] = report_items(item(message=mail(subject=subject, text="a\0b")))

    assert result["status"] == "accepted"
    assert Message.objects.get().subject == subject
    assert Message.objects.get().text == "ab"
    assert len(SyncJob.objects.get().subject) <= 255


def test_a_long_text_is_cut_and_marked(report_items: Report, ben: User) -> None:
    report_items(item(message=mail(text="é" * 40_000)))

    message = Message.objects.get()
    assert (len(message.text), message.text_was_cut) == (32_000, True)


def test_an_address_in_another_alphabet(report_items: Report, ben: User) -> None:
    report_items(item(message=mail(to=[{"email": "Zoë@Café-Zürich.example"}])))

    assert SyncJob.objects.get().recipient == "zoë@xn--caf-zrich-d4a5s.example"


def test_null_is_like_leaving_out() -> None:
    nothing = {"cc": None, "bcc": None, "in_reply_to": None, "via_touchline": None}
    message = mail() | nothing | {"text": None}
    value = item(message=message) | {"recipient": None, "url": None, "meeting": None}

    read = read_item(value)

    assert isinstance(read, Captured)
    assert (read.message.text, read.via_touchline) == ("", True)


def test_a_message_without_an_id_is_known_by_the_reports() -> None:
    first, second = read_item(item(message=mail(message_id=None))), read_item(item(message=mail(message_id=None)))

    assert first.message.message_id == second.message.message_id
    assert first.message.message_id.endswith("@api.touchline.invalid")


def test_a_meeting_is_read() -> None:
    read = read_item(item(type="meeting_confirmed", message=None, meeting=MEETING))

    assert isinstance(read, Captured)
    assert read.kind == Kind.MEETING_CONFIRMED
    assert (read.meeting.uid, read.meeting.attendees[0].email, read.meeting.attendees[0].status) == (
        "u1",
        NORA,
        "accepted",
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
PATHS = st.sampled_from(
    [
        ("id",), ("user",), ("type",), ("occurred_at",), ("message",), ("recipient",), ("url",), ("file_name",),
        ("meeting",), ("message", "to"), ("message", "from"), ("message", "subject"), ("message", "text"),
        ("message", "message_id"), ("message", "in_reply_to"), ("message", "cc"), ("message", "from", "email"),
        ("message", "to", 0), ("message", "to", 0, "email"), ("message", "to", 0, "name"), ("meeting", "uid"),
        ("meeting", "start"), ("meeting", "attendees"), ("meeting", "attendees", 0, "email"), ("meeting", "title"),
    ]
)  # fmt: skip


def replace(value: Any, path: tuple[Any, ...], new: Any) -> None:
    for step in path[:-1]:
        value = value[step]
    value[path[-1]] = new


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    kind=st.sampled_from(Kind.values),
    changes=st.lists(st.tuples(PATHS, JSON), min_size=1, max_size=3),
)
def test_whatever_comes_has_its_end(report_items: Report, ben: User, kind: str, changes: Any) -> None:
    value = json.loads(json.dumps(item(type=kind, url="https://x.example", file_name="f", meeting=MEETING)))
    for path, new in changes:
        try:
            replace(value, path, new)
        except (KeyError, IndexError, TypeError):
            continue

    [result] = report_items(value)

    assert result["status"] in ("accepted", "duplicate", "rejected")
    assert (result["status"] == "rejected") == bool(result["errors"])
