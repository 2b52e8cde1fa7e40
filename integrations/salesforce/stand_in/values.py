"""Is a value fit for a field? Each cleaner returns what is stored, or raises ApiError as Salesforce does."""

import re
from collections.abc import Callable
from datetime import date

from .errors import ApiError
from .ids import id18
from .moments import utc_text
from .schema import Field

EMAIL = re.compile(r"[^\s@,;<>()\[\]\\\"]+@[^\s@,;<>()\[\]\\\"]+\.[^\s@,;<>()\[\]\\\"]+")
FIRST_YEAR, LAST_YEAR = 1700, 4000
INT_LIMIT = 2**31


def clean_value(field: Field, value: object) -> object:
    """Return the value as a record holds it; None for an emptied field."""
    if value is None:
        return False if field.type == "boolean" else None
    return CLEANERS[field.type](field, value)


def clean_text(field: Field, value: object) -> str | None:
    """Text loses blanks at both ends, and empty text is no value."""
    if not isinstance(value, str):
        raise wrong_json("string", value)
    text = value.strip()
    if len(text) > field.length:
        raise ApiError("STRING_TOO_LONG", field.label, text, field.length, fields=(field.name,))
    return text or None


def clean_email(field: Field, value: object) -> str | None:
    """An address that looks like one."""
    text = clean_text(field, value)
    if text is not None and not EMAIL.fullmatch(text):
        message = f"{field.label}: invalid email address: {text}"
        raise ApiError("INVALID_EMAIL_ADDRESS", message=message, fields=(field.name,))
    return text


def clean_picklist(field: Field, value: object) -> str | None:
    """A restricted picklist takes its own values only."""
    text = clean_text(field, value)
    if text is not None and "R" in field.flags and text not in field.picklist:
        raise ApiError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", field.label, text, fields=(field.name,))
    return text


def clean_boolean(field: Field, value: object) -> bool:
    """True or false, also written as text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise wrong_json("boolean", value)


def clean_int(field: Field, value: object) -> int:
    """A whole number of 32 bits."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise wrong_json("int", value)
    if not -INT_LIMIT <= value < INT_LIMIT:
        raise ApiError("NUMBER_OUTSIDE_VALID_RANGE", field.label, value, fields=(field.name,))
    return int(value)


def clean_number(field: Field, value: object) -> float:
    """Any number; currency and percent too."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong_json("double", value)
    if abs(value) >= 1e16:
        raise ApiError("NUMBER_OUTSIDE_VALID_RANGE", field.label, value, fields=(field.name,))
    return float(value)


def clean_date(field: Field, value: object) -> str:
    """A day "YYYY-MM-DD"."""
    try:
        day = date.fromisoformat(value if isinstance(value, str) and len(value) == 10 else "")
    except ValueError:
        raise wrong_json("date", value) from None
    check_year(field, day.year, value)
    return day.isoformat()


def clean_datetime(field: Field, value: object) -> str:
    """A moment with offset, stored as UTC in whole seconds."""
    try:
        text = utc_text(value if isinstance(value, str) and "T" in value else "")
    except (ValueError, OverflowError):
        raise wrong_json("datetime", value) from None
    check_year(field, int(text[:4]), value)
    return text


def check_year(field: Field, year: int, value: object) -> None:
    """Salesforce knows the years 1700 to 4000."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        message = f"{field.label}: invalid date: {value}"
        raise ApiError("FIELD_INTEGRITY_EXCEPTION", message=message, fields=(field.name,))


def clean_reference(field: Field, value: object) -> str | None:
    """An id in the long form; whether it exists is a question for the org."""
    if value == "":
        return None
    full = id18(value) if isinstance(value, str) else None
    if full is None:
        raise ApiError("MALFORMED_ID", field.label, value, fields=(field.name,))
    return full


def clean_id_list(field: Field, value: object) -> list[str]:
    """A junction list such as TaskWhoIds."""
    if not isinstance(value, list):
        raise wrong_json("list", value)
    return list(dict.fromkeys(clean_reference(field, each) for each in value))


def wrong_json(kind: str, value: object) -> ApiError:
    """The answer to a value of the wrong JSON type, which refuses the whole call."""
    names = {str: "VALUE_STRING", bool: "VALUE_TRUE" if value is True else "VALUE_FALSE", int: "VALUE_NUMBER_INT"}
    names |= {float: "VALUE_NUMBER_FLOAT", list: "START_ARRAY", dict: "START_OBJECT"}
    shown = f" value {value}" if not isinstance(value, list | dict) else ""
    message = (
        f"Cannot deserialize instance of {kind} from {names.get(type(value), 'VALUE_NULL')}{shown}"
        " or request may be missing a required field at [line:1, column:2]"
    )
    return ApiError("JSON_PARSER_ERROR", message=message)


CLEANERS: dict[str, Callable[[Field, object], object]] = {
    "string": clean_text,
    "combobox": clean_text,
    "textarea": clean_text,
    "phone": clean_text,
    "url": clean_text,
    "email": clean_email,
    "picklist": clean_picklist,
    "boolean": clean_boolean,
    "int": clean_int,
    "double": clean_number,
    "currency": clean_number,
    "percent": clean_number,
    "date": clean_date,
    "datetime": clean_datetime,
    "reference": clean_reference,
    "id": clean_reference,
    "junctionidlist": clean_id_list,
}
