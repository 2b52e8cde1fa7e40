"""From a code to its class: the one entrance to the error tree and the error table.

    error = error_from("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access…", http_status=400)
    isinstance(error, Transient)   # True

Dispatch is on the code (and, where one code means several things, on its message), never on the HTTP status;
the status only decides about codes that stand in no table.
"""

import re
from collections.abc import Iterable

from integrations.salesforce.connection_errors import (
    ApiDisabled,
    AppBlocked,
    AppMisconfigured,
    AppNotApproved,
    ConnectionLost,
    HostChanged,
    Idle,
    IpBlocked,
    OrgInactive,
    PasswordExpired,
    PermissionLost,
    Revoked,
    Sealed,
    SessionExpired,
    UserInactive,
)
from integrations.salesforce.error_classes import (
    ConsentDenied,
    Duplicates,
    ErrorRow,
    HostNotAllowed,
    LimitReached,
    NoAccess,
    OrgUnavailable,
    OurMistake,
    OutcomeUnknown,
    RecordGone,
    RecordLocked,
    Rejected,
    Remedy,
    RolledBack,
    SalesforceError,
    SignInExpired,
    StaleDescribe,
    StorageFull,
    Transient,
    UnexpectedAnswer,
)
from integrations.salesforce.error_rows import connection, mistakes, oauth, records

__all__ = [
    "ERROR_TABLE",
    "ApiDisabled",
    "AppBlocked",
    "AppMisconfigured",
    "AppNotApproved",
    "ConnectionLost",
    "ConsentDenied",
    "Duplicates",
    "ErrorRow",
    "HostChanged",
    "HostNotAllowed",
    "Idle",
    "IpBlocked",
    "LimitReached",
    "NoAccess",
    "OrgInactive",
    "OrgUnavailable",
    "OurMistake",
    "OutcomeUnknown",
    "PasswordExpired",
    "PermissionLost",
    "RecordGone",
    "RecordLocked",
    "Rejected",
    "Remedy",
    "Revoked",
    "RolledBack",
    "SalesforceError",
    "Sealed",
    "SessionExpired",
    "SignInExpired",
    "StaleDescribe",
    "StorageFull",
    "Transient",
    "UnexpectedAnswer",
    "UserInactive",
    "error_from",
    "find_row",
]

ERROR_TABLE: tuple[ErrorRow, ...] = connection.ROWS + records.ROWS + mistakes.ROWS + oauth.ROWS

# A code goes into logs and pages, so it must look like one: a callback's `error` parameter is anybody's text.
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,79}\Z", re.ASCII)

EDGE_HAS_NO_ROUTE = 420
"""Salesforce's own status: its edge found no instance to hand the request to."""


def _key(source: str, code: str) -> tuple[str, str]:
    """Codes are compared without case, and `access-denied` (as one help page writes it) as `access_denied`."""
    return source, code.strip().replace("-", "_").casefold()


def _index_rows() -> dict[tuple[str, str], list[tuple[re.Pattern[str] | None, ErrorRow]]]:
    """Rows by code, those with a pattern first, so that the one without is the default."""
    index: dict[tuple[str, str], list[tuple[re.Pattern[str] | None, ErrorRow]]] = {}
    for row in sorted(ERROR_TABLE, key=lambda row: row.pattern is None):
        pattern = re.compile(row.pattern, re.IGNORECASE) if row.pattern else None
        index.setdefault(_key(row.source, row.code), []).append((pattern, row))
    return index


_ROWS_BY_CODE = _index_rows()


def find_row(source: str, code: str, message: str = "") -> ErrorRow | None:
    """The row of the table for a code and its message; None when the code is not in the table.

    `source` is "api" or "oauth".
    """
    for pattern, row in _ROWS_BY_CODE.get(_key(source, code), ()):
        if pattern is None or pattern.search(message):
            return row
    return None


def error_from(
    code: str,
    message: str = "",
    fields: Iterable[str] = (),
    *,
    http_status: int | None = None,
    request_id: str | None = None,
    source: str = "api",
    write: bool = False,
    duplicates: Duplicates | None = None,
) -> SalesforceError:
    """The error for one fault that Salesforce reported; it is returned, not raised.

    `write` says that the call was to change something: then a fault after which the change may still have
    happened (status 420 and 5xx, some codes) is an OutcomeUnknown. Codes beyond the table: 420 and 5xx are
    Transient, everything else is an UnexpectedAnswer, so that nothing unknown is repeated in a loop.
    """
    code = code if _CODE.match(code) else "unreadable_code"
    row = find_row(source, code, message)
    details = {
        "salesforce_text": message,
        "fields": tuple(fields),
        "request_id": request_id,
        "http_status": http_status,
        "duplicates": duplicates,
    }
    server_fault = http_status is not None and (http_status == EDGE_HAS_NO_ROUTE or http_status >= 500)
    if row is None:
        error: type[SalesforceError] = Transient if server_fault else UnexpectedAnswer
    else:
        error = row.error
    if write and issubclass(error, Transient) and (server_fault or (row is not None and row.unknown_on_write)):
        return OutcomeUnknown(code, **details)
    if row is None:
        return error(code, **details)
    return error(code, user_message=row.user_message, remedy=Remedy(row.who, row.where), **details)
