"""What a record must be beyond its single values: who and what, times of events, and what follows from them.

Each rule takes the org, the values that are being written (already cleaned; it adds the derived ones) and the
record as it will be, and raises ApiError. The sources are the object reference's pages of Task, Event, Lead.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from .errors import ApiError
from .moments import moment_text, parse_moment
from .schema import Field
from .tables import Record

if TYPE_CHECKING:
    from .org import Org

MINUTES_A_DAY = 1440
LONGEST_EVENT = 14 * MINUTES_A_DAY
WON_STAGE, LOST_STAGE = "Closed Won", "Closed Lost"
MOST_PEOPLE = 50


def check_reference(org: Org, field: Field, target_id: str, user_id: str) -> None:
    """The referred record is of a fitting object, is there, is not deleted, and the user may see it."""
    name = org.object_of(target_id)
    if (name is not None and name not in field.references) or target_id[:3] in org.foreign_prefixes(field):
        message = f"{field.label}: id value of incorrect type: {target_id}"
        raise ApiError("FIELD_INTEGRITY_EXCEPTION", message=message, fields=(field.name,))
    row = org.tables[name].rows.get(target_id) if name else None
    if row is None:
        raise ApiError("INVALID_CROSS_REFERENCE_KEY", fields=())
    if row.get("IsDeleted"):
        raise ApiError("ENTITY_IS_DELETED", fields=(), status=400)
    if target_id in org.profiles[user_id].unseen:
        raise ApiError("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", target_id[:15], fields=())


def check_owner(org: Org, object_name: str, owner_id: str, user_id: str) -> None:
    """A deactivated user cannot own anything new."""
    owner = org.tables["User"].rows.get(owner_id)
    allowed = "UpdateWithInactiveOwner" in org.profiles[user_id].permissions
    if owner is not None and not owner["IsActive"] and not allowed:
        raise ApiError("INACTIVE_OWNER_OR_USER", owner_id, object_name.lower(), fields=())


def check_locks(org: Org, record: Record) -> None:
    """A row that somebody else holds cannot be written, nor what hangs on it."""
    for name in ("Id", "WhoId", "WhatId", "AccountId"):
        if record.get(name) in org.locked_rows:
            raise ApiError("UNABLE_TO_LOCK_ROW", record[name], fields=())


def check_who_and_what(org: Org, values: Record, record: Record) -> None:
    """A lead stands alone, a converted lead cannot be used; the account follows from what, else from who."""
    who, what = record.get("WhoId"), record.get("WhatId")
    lead = org.tables["Lead"].rows.get(who) if who else None
    if lead and what:
        message = "Related To ID: cannot specify whatID with lead whoID"
        raise ApiError("FIELD_INTEGRITY_EXCEPTION", message=message, fields=("WhatId",))
    if lead and lead.get("IsConverted") and "WhoId" in values:
        raise ApiError("CANNOT_UPDATE_CONVERTED_LEAD", fields=())
    values["AccountId"] = org.account_of(what) or org.account_of(who)
    record["AccountId"] = values["AccountId"]


def check_people_list(org: Org, list_name: str, values: Record, record: Record) -> None:
    """Shared activities: up to 50 contacts or one lead; the first is WhoId, and WhoId joins the list."""
    people = values.get(list_name)
    if people is None:
        return
    if values.get("WhoId") and values["WhoId"] not in people:
        people.insert(0, values["WhoId"])
    kinds = {org.object_of(each) for each in people}
    too_many = len(people) > MOST_PEOPLE or ("Lead" in kinds and len(people) > 1)
    if too_many or not kinds <= {"Contact", "Lead"}:
        message = f"{list_name}: up to {MOST_PEOPLE} contacts or one lead"
        raise ApiError("FIELD_INTEGRITY_EXCEPTION", message=message, fields=(list_name,))
    values["WhoId"] = record["WhoId"] = people[0] if people else None


def complete_task(org: Org, values: Record, record: Record) -> None:
    """Status decides whether a task is closed."""
    check_people_list(org, "TaskWhoIds", values, record)
    check_who_and_what(org, values, record)
    closed = record.get("Status") in org.closed_statuses
    values["IsHighPriority"] = record.get("Priority") in org.high_priorities
    if closed != record.get("IsClosed"):
        values["CompletedDateTime"] = org.now_text() if closed else None
    values["IsClosed"] = closed


def complete_event(org: Org, values: Record, record: Record) -> None:
    """Times agree with each other; a private event hangs on nobody."""
    check_people_list(org, "EventWhoIds", values, record)
    check_who_and_what(org, values, record)
    if record.get("IsPrivate") and (record.get("WhoId") or record.get("WhatId")):
        raise wrong_time("IsPrivate", "Private events can not be related to other records")
    start = find_start(values, record)
    minutes = find_minutes(values, record, start)
    if minutes > LONGEST_EVENT or (minutes > MINUTES_A_DAY and not org.multiday_events):
        raise wrong_time("DurationInMinutes", "Event duration is longer than this organization allows")
    end = parse_moment(start) + timedelta(minutes=minutes)
    last_moment = end - timedelta(days=1) if record.get("IsAllDayEvent") else end
    values |= {
        "StartDateTime": start,
        "ActivityDateTime": None if record.get("IsAllDayEvent") else start,
        "ActivityDate": start[:10],
        "EndDateTime": moment_text(last_moment),
        "EndDate": last_moment.date().isoformat(),
        "DurationInMinutes": minutes,
    }


def find_start(values: Record, record: Record) -> str:
    """Return the start as a record's text; the several ways to say it must agree."""
    said = [values[name] for name in ("StartDateTime", "ActivityDateTime") if values.get(name)]
    if len(set(said)) > 1:
        raise wrong_time("ActivityDateTime", "StartDateTime and ActivityDateTime must be equal")
    day = values.get("ActivityDate")
    if record.get("IsAllDayEvent"):
        start = f"{day}T00:00:00.000+0000" if day and not said else (said or [record.get("StartDateTime")])[0]
        if start and not start.endswith("T00:00:00.000+0000"):
            raise wrong_time("StartDateTime", "All-day events start at midnight UTC")
    else:
        start = said[0] if said else record.get("StartDateTime")
    if not start:
        raise ApiError("REQUIRED_FIELD_MISSING", "StartDateTime", fields=("StartDateTime",))
    if day and start[:10] != day:
        raise wrong_time("ActivityDate", "StartDateTime and ActivityDate must be equal")
    return start


def find_minutes(values: Record, record: Record, start: str) -> int:
    """Return the length in minutes; an end and a duration that are both sent must agree."""
    all_day = bool(record.get("IsAllDayEvent"))
    minutes = values.get("DurationInMinutes")
    if values.get("EndDateTime"):
        length = (parse_moment(values["EndDateTime"]) - parse_moment(start)).total_seconds() / 60
        length += MINUTES_A_DAY if all_day else 0
        if minutes is not None and minutes != length:
            raise wrong_time("EndDateTime", "EndDateTime and DurationInMinutes must agree")
        minutes = int(length)
    if minutes is None:
        minutes = record.get("DurationInMinutes")
    if minutes is None and all_day:
        minutes = MINUTES_A_DAY
    if minutes is None:
        raise ApiError("REQUIRED_FIELD_MISSING", "EndDateTime", fields=("EndDateTime",))
    if minutes < 0:
        raise wrong_time("EndDateTime", "An event can not end before it starts")
    return minutes


def wrong_time(field_name: str, message: str) -> ApiError:
    """The refusal of an event whose fields contradict each other."""
    return ApiError("FIELD_INTEGRITY_EXCEPTION", message=message, fields=(field_name,))


def complete_person(org: Org, values: Record, record: Record) -> None:
    """The full name of a Contact, Lead or User."""
    parts = [record.get(name) for name in ("FirstName", "LastName")]
    values["Name"] = " ".join(part for part in parts if part)


def complete_opportunity(org: Org, values: Record, record: Record) -> None:
    """The stage decides whether an opportunity is closed and won."""
    stage = record.get("StageName")
    values["IsWon"] = stage == WON_STAGE
    values["IsClosed"] = stage in (WON_STAGE, LOST_STAGE)
    values["ForecastCategory"] = {WON_STAGE: "Closed", LOST_STAGE: "Omitted"}.get(stage, "Pipeline")
    values["ForecastCategoryName"] = values["ForecastCategory"]
    if "Probability" not in record or "StageName" in values:
        chance = 100.0 if stage == WON_STAGE else 0.0 if stage == LOST_STAGE else 10.0
        values["Probability"] = values.get("Probability") or chance


RULES = {
    "Task": complete_task,
    "Event": complete_event,
    "Contact": complete_person,
    "Lead": complete_person,
    "User": complete_person,
    "Opportunity": complete_opportunity,
}
