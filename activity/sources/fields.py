"""What the fields of a report may hold, for every kind of report, and the words for what is wrong with one."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)

from activity.pipeline.captured import Fault, Person
from activity.pipeline.text import as_id, without_control
from activity.sources.addresses import normalize_address

MOST_PEOPLE = 500
FIRST_YEAR, LAST_YEAR = 1970, 2199
LINE_LENGTH, NAME_LENGTH, FILE_NAME_LENGTH, URL_LENGTH, STATUS_LENGTH = 998, 200, 255, 2_000, 40
REQUIRED = "This is required."

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)
_MESSAGE_ID = re.compile(r"<([^<>]+)>")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def _parse_time(value: Any) -> datetime:
    """RFC 3339 with an offset, as a time in UTC between the years 1970 and 2199."""
    if not isinstance(value, str) or not _RFC_3339.match(value):
        raise ValueError("Write the time as in RFC 3339, with its offset: 2026-11-23T09:30:00+01:00.")
    try:
        moment = datetime.fromisoformat(value.upper().replace(" ", "T")).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("There is no such time.") from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"The year must lie between {FIRST_YEAR} and {LAST_YEAR}.")
    return moment


def refuse_control(value: str) -> str:
    """The text; raises ValueError when a control character is in it."""
    if _CONTROL.search(value):
        raise ValueError("Control characters are not allowed here.")
    return value


def clean(value: Any) -> Any:
    """Text as it can be stored: NUL and half surrogates are left out."""
    return without_control(value) if isinstance(value, str) else value


def _message_id(value: str) -> str:
    """A Message-ID without its angle brackets; the first one where several stand."""
    found = _MESSAGE_ID.search(value)
    bare = (found.group(1) if found else value).strip(" <>")
    if not bare:
        raise ValueError("This is not a Message-ID.")
    return as_id(bare[:LINE_LENGTH])


def none_as(default: Any) -> BeforeValidator:
    """`null` means the same as leaving the field out."""
    return BeforeValidator(lambda value: default if value is None else value)


def cut_at(length: int) -> AfterValidator:
    """Keeps the first characters of a text."""
    return AfterValidator(lambda value: value[:length])


Time = Annotated[
    datetime,
    BeforeValidator(_parse_time),
    WithJsonSchema({"type": "string", "format": "date-time", "description": "RFC 3339 with an offset"}),
]
Email = Annotated[
    str,
    Field(max_length=320),
    AfterValidator(normalize_address),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": 320}),
]
Id = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(refuse_control)]
MessageId = Annotated[
    str, Field(min_length=1, max_length=2 * LINE_LENGTH), AfterValidator(refuse_control), AfterValidator(_message_id)
]
Line = Annotated[str, BeforeValidator(clean), cut_at(LINE_LENGTH)]
Name = Annotated[str, BeforeValidator(clean), cut_at(NAME_LENGTH), none_as("")]
Text = Annotated[str, BeforeValidator(clean), none_as("")]


class Model(BaseModel):
    """What every part of a report has in common: unknown fields are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=False)


class PersonIn(Model):
    """An address and the name that stood beside it."""

    email: Email
    name: Name = ""

    def person(self) -> Person:
        """As the pipeline takes it."""
        return Person(self.email, self.name)


People = Annotated[list[PersonIn], Field(max_length=MOST_PEOPLE), none_as([])]


def id_of(item: Any) -> str | None:
    """The id to answer with: as it was sent, when it is text."""
    found = item.get("id") if isinstance(item, dict) else None
    return found if isinstance(found, str) else None


_PLAIN_WORDS = {
    "missing": REQUIRED,
    "string_type": "This must be text.",
    "string_unicode": "This text has half a character in it (a lone surrogate).",
    "list_type": "This must be a list.",
    "bool_type": "This must be true or false.",
    "model_type": "This must be an object.",
    "model_attributes_type": "This must be an object.",
    "string_too_short": "This must not be empty.",
}


def faults_of(error: ValidationError) -> tuple[Fault, ...]:
    """Every fault that was found in an item, in plain words."""
    return tuple(
        Fault(_path(each["loc"]), _words(each)) for each in error.errors(include_url=False, include_input=False)
    )


def _words(error: Any) -> str:
    limits = error.get("ctx", {})
    if error["type"] == "string_too_long":
        return f"At most {limits['max_length']} characters."
    if error["type"] == "too_long":
        return f"At most {limits['max_length']} entries."
    return _PLAIN_WORDS.get(error["type"]) or str(error["msg"]).removeprefix("Value error, ")


def _path(place: Sequence[int | str]) -> str:
    """`message.to[0].email`; empty for the item itself."""
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return path.removeprefix(".")
