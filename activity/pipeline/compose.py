"""The fields of the Task or Event. Pure: what happened, the match and the org's describe in, a record out.

Rules of the fields: Salesforce's object reference for Task and Event. A field that the user may not write, that
the org does not have, or whose restricted picklist lacks our value is left out, never a reason to fail.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from activity.models import BodyChoice, Kind
from activity.pipeline.captured import Person
from activity.pipeline.choose import Match
from activity.pipeline.draft import Composed, Draft, Schema, Status, Style
from activity.pipeline.text import cut, many_lines, one_line, utf16_length

SUBJECT_TEMPLATES: Mapping[str, str] = {
    "sent_new": "Sent (New): {subject}",
    "sent_reply": "Sent (Reply): {subject}",
    "received": "Received: {subject}",
    "replied": "Replied: {subject}",
    "opened": "Opened: {subject}",
    "clicked": "Clicked: {url}",
    "downloaded": "Downloaded: {file}",
    "bounced": "Bounced: {subject}",
    "meeting_confirmed": "Meeting Confirmed: {title}",
    "meeting_canceled": "Meeting Canceled: {title}",
}
"""Every template by its name; a role's settings hold only those that differ. `{recipient}` may be used in each."""

PLACEHOLDERS = ("subject", "url", "file", "title", "recipient")
NO_SUBJECT = "(no subject)"
NO_TITLE = "(no title)"

SUBJECT_LENGTH = 255
DESCRIPTION_LENGTH = 32_000
LOCATION_LENGTH = 255
FIRST_LINES = 10
FIRST_LINES_LENGTH = 1_000
CUT_NOTE = "\n[The rest was cut.]"

CALL_OBJECT = "touchline:{key}"
MARKER = "Ref: touchline-{key}"

EMAIL_KINDS = frozenset({Kind.SENT, Kind.RECEIVED, Kind.REPLIED})
TRACKED_KINDS = frozenset({Kind.OPENED, Kind.CLICKED, Kind.DOWNLOADED})


def compose(draft: Draft, match: Match | None, schema: Schema, style: Style) -> Composed:
    """The Task or Event to create for a draft; without a match it is related to nobody."""
    if draft.kind.is_meeting:
        return _fit("Event", _event_fields(draft, match, style), schema, "createable")
    return _fit("Task", _task_fields(draft, match, schema, style), schema, "createable")


def compose_update(draft: Draft, salesforce_id: str, schema: Schema, style: Style) -> Composed:
    """The change to the Event of a meeting that was moved or canceled; whom it belongs and relates to stays.

    The draft carries the key of the record, so that its marker stays too.
    """
    fields = _event_fields(draft, None, style) | {"OwnerId": None}
    composed = _fit("Event", fields, schema, "updateable")
    attributes = {"attributes": composed.record.pop("attributes"), "Id": salesforce_id}
    return Composed(attributes | composed.record, composed.left_out)


def compose_line(draft: Draft, salesforce_id: str, description: str, schema: Schema) -> Composed | None:
    """The change that adds what happened to the description of the mail's own Task, above its marker.

    None when there is no room for it. A line that stands there already leaves only `attributes` and `Id`.
    """
    line = _line(draft)
    attributes: dict[str, Any] = {"attributes": {"type": "Task"}, "Id": salesforce_id}
    if line in description.splitlines():
        return Composed(attributes)
    text, marker = _split_marker(description)
    longer = "\n".join(part for part in (text, line, marker) if part)
    if utf16_length(longer) > DESCRIPTION_LENGTH:
        return None
    composed = _fit("Task", {"Description": longer}, schema, "updateable")
    return Composed(attributes | composed.record, composed.left_out) if not composed.left_out else None


def _line(draft: Draft) -> str:
    """`Opened by nora@… on 2026-11-20 at 13:00:05`, in the member's time zone; what a click or download was of."""
    moment = draft.occurred_at.astimezone(zone_of(draft.time_zone))
    what = {Kind.CLICKED: draft.url, Kind.DOWNLOADED: draft.file_name}.get(draft.kind, "")
    line = f"{draft.kind.label} by {draft.recipient} on {moment:%Y-%m-%d} at {moment:%H:%M:%S}"
    return one_line(f"{line}: {what}" if what else line)


def _split_marker(description: str) -> tuple[str, str]:
    """The text, and the marker of ours in its last line with the empty line before it."""
    text, _, last = description.rpartition("\n")
    if last.startswith(MARKER.partition("{")[0]):
        return text.rstrip("\n"), f"\n{last}"
    return description, ""


def key_is_in_call_object(schema: Schema, style: Style) -> bool:
    """Whether a Task's key goes into CallObject: it can be written and looked up, and no admin switched it off."""
    found = schema.describe.fields.get("CallObject")
    return style.use_call_object and found is not None and found.createable and found.filterable


def render_subject(draft: Draft, style: Style) -> str:
    """The record's subject by the role's template or the default one, at most 255 units on one line."""
    name = template_name(draft.kind, is_reply=draft.is_reply)
    template = style.subject_templates.get(name) or SUBJECT_TEMPLATES[name]
    title = draft.meeting.title if draft.meeting else ""
    values = {
        "subject": draft.subject or NO_SUBJECT,
        "url": draft.url,
        "file": draft.file_name,
        "title": title or NO_TITLE,
        "recipient": draft.recipient,
    }
    return cut(one_line(fill_template(template, values)), SUBJECT_LENGTH)


def template_name(kind: Kind, *, is_reply: bool = False) -> str:
    """Which template an activity uses."""
    if kind == Kind.SENT:
        return "sent_reply" if is_reply else "sent_new"
    return kind.value


def fill_template(template: str, values: Mapping[str, str]) -> str:
    """The template with its placeholders replaced in one pass: braces in a value or unknown ones stay as they are."""
    parts = []
    rest = template
    while rest:
        before, brace, rest = rest.partition("{")
        parts.append(before)
        name, end, after = rest.partition("}")
        if brace and end and name in values:
            parts.append(values[name])
            rest = after
        else:
            parts.append(brace)
    return "".join(parts)


def _task_fields(draft: Draft, match: Match | None, schema: Schema, style: Style) -> dict[str, Any]:
    in_call_object = key_is_in_call_object(schema, style)
    return {
        "Subject": render_subject(draft, style),
        "ActivityDate": local_day(draft.occurred_at, draft.time_zone),
        "Status": closed_status(schema.statuses),
        "TaskSubtype": "Email" if draft.kind in EMAIL_KINDS else None,
        "OwnerId": draft.owner_id,
        "WhoId": match.person_id if match else None,
        "WhatId": _what_id(match),
        "Description": _description(draft, style, "" if in_call_object else MARKER.format(key=draft.key)),
        "CallObject": CALL_OBJECT.format(key=draft.key) if in_call_object else None,
        # Users can have reminders on by default; what is logged has happened already.
        "IsReminderSet": False,
    }


def _event_fields(draft: Draft, match: Match | None, style: Style) -> dict[str, Any]:
    meeting = draft.meeting
    if meeting is None:
        raise ValueError("a meeting's activity without its meeting")
    return {
        "Subject": render_subject(draft, style),
        "StartDateTime": _utc(meeting.start),
        "EndDateTime": _utc(meeting.end),
        "Location": cut(one_line(meeting.location), LOCATION_LENGTH) or None,
        "ShowAs": "Free" if draft.kind == Kind.MEETING_CANCELED else "Busy",
        "OwnerId": draft.owner_id,
        "WhoId": match.person_id if match else None,
        "WhatId": _what_id(match),
        "Description": _description(draft, style, MARKER.format(key=draft.key)),
        "IsReminderSet": False,
    }


def _what_id(match: Match | None) -> str | None:
    """Salesforce refuses a WhatId beside a Lead ("cannot specify whatID with lead whoID")."""
    return match.related_id if match and match.person_type != "Lead" and match.related_id else None


def local_day(moment: datetime, time_zone: str) -> str:
    """The calendar day of the moment where the member lives, as YYYY-MM-DD; UTC for an unknown zone."""
    try:
        return moment.astimezone(zone_of(time_zone)).date().isoformat()
    except OverflowError:
        return moment.date().isoformat()


def zone_of(name: str) -> tzinfo:
    """The time zone of this IANA name; UTC when there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def closed_status(statuses: Iterable[Status]) -> str | None:
    """The org's status for what is done: `Completed` where that is one, else the first closed one."""
    closed = [status.value for status in statuses if status.is_closed]
    return "Completed" if "Completed" in closed else next(iter(closed), None)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _description(draft: Draft, style: Style, marker: str) -> str | None:
    """Who and what, then the text by the role's choice, then the marker: the text is cut, the marker never."""
    body = "\n\n".join(part for part in (_facts(draft), _body(draft, style.body)) if part)
    if not marker:
        return cut(body, DESCRIPTION_LENGTH, CUT_NOTE) or None
    room = DESCRIPTION_LENGTH - utf16_length(marker) - 2
    return "\n\n".join(part for part in (cut(body, room, CUT_NOTE), marker) if part)


def _facts(draft: Draft) -> str:
    """Lines that say who took part and what was clicked; blind copies are nobody's business."""
    lines = []
    if draft.sender and draft.kind not in TRACKED_KINDS:
        lines.append(f"From: {_shown([draft.sender])}")
    if draft.to and not draft.kind.is_meeting:
        lines.append(f"To: {_shown(draft.to)}")
    if draft.cc and not draft.kind.is_meeting:
        lines.append(f"Cc: {_shown(draft.cc)}")
    if draft.url and draft.kind == Kind.CLICKED:
        lines.append(f"Link: {one_line(draft.url)}")
    if draft.file_name and draft.kind == Kind.DOWNLOADED:
        lines.append(f"File: {one_line(draft.file_name)}")
    return "\n".join(lines)


def _shown(people: Iterable[Person]) -> str:
    return ", ".join(f"{one_line(each.name)} <{each.email}>" if each.name else each.email for each in people)


def _body(draft: Draft, choice: BodyChoice) -> str:
    if choice == BodyChoice.NONE or draft.kind in TRACKED_KINDS:
        return ""
    text = many_lines(draft.meeting.description if draft.meeting else draft.text)
    if choice == BodyChoice.FIRST_LINES:
        lines = [line for line in text.split("\n") if line.strip()]
        shown = "\n".join(lines[:FIRST_LINES])
        return cut(shown if len(lines) <= FIRST_LINES else f"{shown}\n…", FIRST_LINES_LENGTH)
    return f"{text}{CUT_NOTE}" if draft.text_was_cut else text


def _fit(object_type: str, fields: dict[str, Any], schema: Schema, flag: str) -> Composed:
    """Keep what the describe lets this user write, and cut texts to the org's own lengths."""
    record: dict[str, Any] = {"attributes": {"type": object_type}}
    left_out = []
    for name, value in fields.items():
        if value is None:
            continue
        known = schema.describe.fields.get(name)
        if known is None or not getattr(known, flag) or (known.restricted and value not in known.picklist):
            left_out.append(name)
            continue
        # Description is cut already, with the marker in mind; what is half as long fits in any case.
        if name != "Description" and isinstance(value, str) and 0 < known.length < 2 * len(value):
            value = cut(value, known.length)
        record[name] = value
    return Composed(record, tuple(left_out))
