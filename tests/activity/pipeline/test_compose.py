"""The fields of the Task or Event."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activity.models import BodyChoice, Kind
from activity.pipeline.captured import Person
from activity.pipeline.choose import Match
from activity.pipeline.compose import (
    CUT_NOTE,
    SUBJECT_TEMPLATES,
    closed_status,
    compose,
    compose_update,
    fill_template,
    local_day,
    render_subject,
    template_name,
)
from activity.pipeline.draft import Draft, MeetingDraft, Style
from activity.pipeline.text import utf16_length
from integrations.salesforce.lookups import read_marker
from integrations.salesforce.organization import TaskStatus
from tests.activity.pipeline.schemas import schema

KEY = "abcdefghijklmnopqrstuvwxy2"
NORA, BEN = Person("nora@northwind.example", "Nora West"), Person("ben@acme.example", "Ben")
MATCH = Match("Contact", "003000000000001AAA", "Nora West", "001", "Opportunity", "006000000000001AAA", "Deal")
LEAD = Match("Lead", "00Q000000000001AAA", "Lena", related_type="Account", related_id="001000000000001AAA")
FULL = Style(body=BodyChoice.FULL)


def draft(**changes: Any) -> Draft:
    values = {
        "kind": Kind.SENT,
        "key": KEY,
        "occurred_at": datetime(2026, 11, 20, 23, 30, tzinfo=UTC),
        "time_zone": "Europe/Berlin",
        "owner_id": "005000000000001AAA",
        "recipient": NORA.email,
        "subject": "Offer",
        "sender": BEN,
        "to": (NORA,),
        "text": "Dear Nora,\nhere it is.",
    }
    return Draft(**(values | changes))


def meeting_draft(**changes: Any) -> Draft:
    meeting = MeetingDraft(
        title="Demo",
        start=datetime(2026, 11, 25, 15, tzinfo=timezone(timedelta(hours=1))),
        end=datetime(2026, 11, 25, 16, tzinfo=timezone(timedelta(hours=1))),
        location="Room 1",
        description="Bring the figures.",
    )
    return draft(**({"kind": Kind.MEETING_CONFIRMED, "meeting": meeting, "text": ""} | changes))


def test_a_sent_mail() -> None:
    composed = compose(draft(), MATCH, schema(), FULL)

    assert composed.record == {
        "attributes": {"type": "Task"},
        "Subject": "Sent (New): Offer",
        "ActivityDate": "2026-11-21",
        "Status": "Completed",
        "TaskSubtype": "Email",
        "OwnerId": "005000000000001AAA",
        "WhoId": "003000000000001AAA",
        "WhatId": "006000000000001AAA",
        "Description": "From: Ben <ben@acme.example>\nTo: Nora West <nora@northwind.example>\n\n"
        "Dear Nora,\nhere it is.",
        "CallObject": f"touchline:{KEY}",
        "IsReminderSet": False,
    }
    assert composed.left_out == ()
    assert next(iter(composed.record)) == "attributes"


def test_a_meeting() -> None:
    composed = compose(meeting_draft(), MATCH, schema("Event"), FULL)

    assert composed.record == {
        "attributes": {"type": "Event"},
        "Subject": "Meeting Confirmed: Demo",
        "StartDateTime": "2026-11-25T14:00:00Z",
        "EndDateTime": "2026-11-25T15:00:00Z",
        "Location": "Room 1",
        "ShowAs": "Busy",
        "OwnerId": "005000000000001AAA",
        "WhoId": "003000000000001AAA",
        "WhatId": "006000000000001AAA",
        "Description": f"From: Ben <ben@acme.example>\n\nBring the figures.\n\nRef: touchline-{KEY}",
        "IsReminderSet": False,
    }


def test_a_canceled_meeting_changes_its_event() -> None:
    canceled = meeting_draft(kind=Kind.MEETING_CANCELED, sender=None)

    composed = compose_update(canceled, "00U000000000001AAA", schema("Event"), FULL)

    assert composed.record == {
        "attributes": {"type": "Event"},
        "Id": "00U000000000001AAA",
        "Subject": "Meeting Canceled: Demo",
        "StartDateTime": "2026-11-25T14:00:00Z",
        "EndDateTime": "2026-11-25T15:00:00Z",
        "Location": "Room 1",
        "ShowAs": "Free",
        "Description": f"Bring the figures.\n\nRef: touchline-{KEY}",
        "IsReminderSet": False,
    }


def test_a_lead_has_nothing_beside_it() -> None:
    record = compose(draft(), LEAD, schema(), FULL).record

    assert (record["WhoId"], "WhatId" in record) == (LEAD.person_id, False)


def test_nobody_matched() -> None:
    record = compose(draft(), None, schema(), FULL).record

    assert not {"WhoId", "WhatId"} & record.keys()


@pytest.mark.parametrize(
    ("kind", "changes", "expected"),
    [
        (Kind.SENT, {}, "Sent (New): Offer"),
        (Kind.SENT, {"is_reply": True}, "Sent (Reply): Offer"),
        (Kind.RECEIVED, {}, "Received: Offer"),
        (Kind.REPLIED, {}, "Replied: Offer"),
        (Kind.OPENED, {}, "Opened: Offer"),
        (Kind.CLICKED, {"url": "https://x.example/a"}, "Clicked: https://x.example/a"),
        (Kind.DOWNLOADED, {"file_name": "Offer.pdf"}, "Downloaded: Offer.pdf"),
        (Kind.BOUNCED, {}, "Bounced: Offer"),
        (Kind.SENT, {"subject": ""}, "Sent (New): (no subject)"),
        (Kind.SENT, {"subject": "two\r\nlines\x00 \u2028x"}, "Sent (New): two lines x"),
    ],
)
def test_subjects(kind: Kind, changes: dict, expected: str) -> None:
    assert render_subject(draft(kind=kind, **changes), Style()) == expected


def test_every_kind_has_a_template() -> None:
    names = {template_name(kind, is_reply=is_reply) for kind in Kind for is_reply in (False, True)}

    assert names == set(SUBJECT_TEMPLATES)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("Mail {subject} to {recipient}", "Mail Offer {url} to nora@northwind.example"),
        ("{unknown} {subject", "{unknown} {subject"),
        ("{{subject}}", "{Offer {url}}"),
        ("no braces", "no braces"),
        ("} {", "} {"),
    ],
)
def test_a_template_replaces_what_it_knows_once(template: str, expected: str) -> None:
    values = {"subject": "Offer {url}", "recipient": "nora@northwind.example", "url": "never"}

    assert fill_template(template, values) == expected


def test_the_role_has_its_own_template() -> None:
    style = Style(subject_templates={"sent_new": "✉ {subject}"})

    assert render_subject(draft(), style) == "✉ Offer"


@pytest.mark.parametrize(
    ("moment", "zone", "day"),
    [
        (datetime(2026, 3, 29, 22, 30, tzinfo=UTC), "Europe/Berlin", "2026-03-30"),
        (datetime(2026, 3, 28, 22, 30, tzinfo=UTC), "Europe/Berlin", "2026-03-28"),
        (datetime(2026, 1, 1, 4, 59, tzinfo=UTC), "America/New_York", "2025-12-31"),
        (datetime(2026, 1, 1, 11, 0, tzinfo=UTC), "Pacific/Kiritimati", "2026-01-02"),
        (datetime(2026, 1, 1, 23, 0, tzinfo=UTC), "Mars/Olympus", "2026-01-01"),
        (datetime(2026, 1, 1, 23, 0, tzinfo=UTC), "../etc/passwd", "2026-01-01"),
        (datetime(2026, 1, 1, 23, 0, tzinfo=UTC), "", "2026-01-01"),
    ],
)
def test_the_day_is_the_members(moment: datetime, zone: str, day: str) -> None:
    assert local_day(moment, zone) == day


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([("Erledigt", True), ("Completed", True)], "Completed"),
        ([("Offen", False), ("Erledigt", True), ("Abgelegt", True)], "Erledigt"),
        ([("Completed", False)], None),
        ([], None),
    ],
)
def test_the_orgs_word_for_done(statuses: list[tuple[str, bool]], expected: str | None) -> None:
    assert closed_status(TaskStatus(value, value, closed, False) for value, closed in statuses) == expected


@pytest.mark.parametrize("choice", BodyChoice)
def test_how_much_of_the_text(choice: BodyChoice) -> None:
    text = "\n\n".join(f"line {number}" for number in range(20))
    description = compose(draft(text=text, sender=None, to=()), MATCH, schema(), Style(body=choice)).record.get(
        "Description"
    )

    expected = {
        BodyChoice.NONE: None,
        BodyChoice.FIRST_LINES: "\n".join(f"line {number}" for number in range(10)) + "\n…",
        BodyChoice.FULL: text,
    }
    assert description == expected[choice]


def test_a_text_that_was_cut_says_so() -> None:
    record = compose(draft(text="long", text_was_cut=True, sender=None, to=()), MATCH, schema(), FULL).record

    assert record["Description"] == f"long{CUT_NOTE}"


def test_blind_copies_are_not_told() -> None:
    record = compose(draft(cc=(Person("c@x.example"),)), MATCH, schema(), FULL).record

    assert "Cc: c@x.example" in record["Description"]


@pytest.mark.parametrize("kind", [Kind.OPENED, Kind.CLICKED, Kind.DOWNLOADED])
def test_what_was_only_looked_at_carries_no_text(kind: Kind) -> None:
    record = compose(draft(kind=kind, url="https://x.example"), MATCH, schema(), FULL).record

    assert "Dear" not in record.get("Description", "")
    assert "TaskSubtype" not in record


@pytest.mark.parametrize(
    ("schema_of", "style"),
    [
        (schema(without=["CallObject"]), FULL),
        (schema(CallObject={"createable": False}), FULL),
        (schema(CallObject={"filterable": False}), FULL),
        (schema(), replace(FULL, use_call_object=False)),
    ],
)
def test_the_key_goes_into_the_description_where_it_must(schema_of: Any, style: Style) -> None:
    record = compose(draft(), MATCH, schema_of, style).record

    assert "CallObject" not in record
    assert record["Description"].splitlines()[-1] == f"Ref: touchline-{KEY}"


@given(text=st.text(max_size=60), times=st.integers(0, 3_000), choice=st.sampled_from(BodyChoice))
def test_the_marker_is_never_cut_away(text: str, times: int, choice: BodyChoice) -> None:
    composed = compose(draft(text=text * times), MATCH, schema(without=["CallObject"]), Style(body=choice))

    description = composed.record["Description"]
    assert utf16_length(description) <= 32_000
    assert read_marker(description) == KEY


@given(subject=st.text(max_size=400), template=st.text(max_size=100))
def test_a_subject_always_fits(subject: str, template: str) -> None:
    rendered = render_subject(draft(subject=subject), Style(subject_templates={"sent_new": template}))

    assert utf16_length(rendered) <= 255
    assert len(rendered.splitlines()) <= 1


@pytest.mark.parametrize(
    ("schema_of", "left_out"),
    [
        (schema(without=["TaskSubtype"]), ("TaskSubtype",)),
        (schema(TaskSubtype={"picklist": ("Task",)}), ("TaskSubtype",)),
        (schema(WhatId={"createable": False}), ("WhatId",)),
        (schema(Status={"restricted": True, "picklist": ("Erledigt",)}), ("Status",)),
        (schema(Status={"restricted": False, "picklist": ("Erledigt",)}), ()),
        (schema(without=["Description", "IsReminderSet"]), ("Description", "IsReminderSet")),
    ],
)
def test_what_the_user_may_not_write_is_left_out(schema_of: Any, left_out: tuple[str, ...]) -> None:
    composed = compose(draft(), MATCH, schema_of, FULL)

    assert composed.left_out == left_out
    assert not set(left_out) & composed.record.keys()


def test_an_orgs_own_length_holds() -> None:
    record = compose(draft(subject="x" * 300), MATCH, schema(Subject={"length": 80}), FULL).record

    assert utf16_length(record["Subject"]) == 80


def test_a_change_writes_only_what_may_be_changed() -> None:
    locked = schema("Event", Location={"updateable": False}, ShowAs={"createable": False})

    composed = compose_update(meeting_draft(), "00U000000000001AAA", locked, FULL)

    assert composed.left_out == ("Location",)
    assert composed.record["ShowAs"] == "Busy"


def test_a_meeting_without_its_meeting_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="without its meeting"):
        compose(meeting_draft(meeting=None), MATCH, schema("Event"), FULL)
