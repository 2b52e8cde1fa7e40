"""The error tree and its table: every known code has its class, and unknown ones a safe one."""

import copy
import logging
import pickle
import re
import traceback
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.salesforce import error_classes, errors
from integrations.salesforce.errors import (
    ERROR_TABLE,
    ApiDisabled,
    AppBlocked,
    AppMisconfigured,
    AppNotApproved,
    ConnectionLost,
    ConsentDenied,
    HostNotAllowed,
    IpBlocked,
    LimitReached,
    NoAccess,
    OrgInactive,
    OrgUnavailable,
    OurMistake,
    OutcomeUnknown,
    PasswordExpired,
    PermissionLost,
    RecordGone,
    RecordLocked,
    Rejected,
    Remedy,
    Revoked,
    RolledBack,
    SalesforceError,
    SessionExpired,
    SignInExpired,
    StaleDescribe,
    StorageFull,
    Transient,
    UnexpectedAnswer,
    UserInactive,
    error_from,
    find_row,
)
from integrations.salesforce.stand_in.errors import CATALOG
from tests.integrations.salesforce.recorded import needs_recordings, read_recording

CANARY = "canary-7f3a"

# What the words of the error catalogue's `class` column mean in our tree.
CLASSES = {
    "REFRESH": (SessionExpired,),
    "RETRY_SOON": (Transient,),
    "RETRY_LATER": (LimitReached, RecordLocked),
    # A person at the customer must act: on the record, on the connection, or by making room.
    "ADMIN": (Rejected, ConnectionLost, StorageFull),
    "FIX_DATA": (Rejected,),
    "RELINK": (RecordGone,),
    "REDESCRIBE": (StaleDescribe,),
    "FIX_QUERY": (OurMistake,),
    "BUG": (OurMistake,),
    "SIBLING": (RolledBack,),
}

OAUTH_CLASSES = {
    ("access_denied", "end-user denied authorization"): ConsentDenied,
    ("access-denied", "end-user denied authorization"): ConsentDenied,
    ("OAUTH_APP_ACCESS_DENIED", "user is not admin approved to access this app"): AppNotApproved,
    ("OAUTH_APP_BLOCKED", "this app is blocked by admin"): AppBlocked,
    (
        "OAUTH_APPROVAL_ERROR_GENERIC",
        "An unexpected error has occurred during authentication. Please try again.",
    ): AppNotApproved,
    ("invalid_client", "app must be installed into org"): AppNotApproved,
    ("invalid_scope", ""): AppMisconfigured,
    ("immediate_unsuccessful", ""): OurMistake,
    ("inactive_user", ""): UserInactive,
    ("inactive_org", ""): OrgInactive,
    ("rate_limit_exceeded", ""): Transient,
    ("redirect_uri_mismatch", ""): AppMisconfigured,
    ("invalid_client_id", "client identifier invalid"): AppMisconfigured,
    ("invalid_request", ""): OurMistake,
    ("invalid_grant", "expired authorization code"): SignInExpired,
    ("invalid_grant", "invalid code verifier"): SignInExpired,
    ("invalid_grant", "expired access/refresh token"): Revoked,
    ("invalid_grant", "inactive user"): UserInactive,
    ("invalid_grant", "inactive organization"): OrgInactive,
    ("invalid_grant", "ip restricted"): IpBlocked,
    ("invalid_grant", "authentication failure"): ConnectionLost,
    ("invalid_grant", "authentication failure - Invalid Password"): ConnectionLost,
    ("invalid_grant", "user hasn't approved this consumer"): AppNotApproved,
    ("invalid_grant", "words that nobody has seen before"): Revoked,
    ("invalid_client", "invalid client credentials"): AppMisconfigured,
    ("unsupported_grant_type", "grant type not supported"): OurMistake,
    ("unknown_error", "retry your request"): Transient,
    ("unsupported_token_type", ""): Revoked,
    ("invalid_token", ""): Revoked,
}

# One code, several meanings: message -> class; the last line of each is the safe default.
TOLD_APART = [
    ("INVALID_SESSION_ID", "This session is not valid for use with the REST API", PermissionLost),
    ("INVALID_SESSION_ID", "Session expired or invalid", SessionExpired),
    ("INVALID_SESSION_ID", "", SessionExpired),
    ("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.", Transient),
    ("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.", Transient),
    ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", LimitReached),
    ("REQUEST_LIMIT_EXCEEDED", "new words", LimitReached),
    ("API_CURRENTLY_DISABLED", "API is disabled for this User", ApiDisabled),
    ("API_CURRENTLY_DISABLED", "The API is temporarily unavailable", OrgUnavailable),
    ("INVALID_FIELD", "field 'Description' can not be filtered in a query call", OurMistake),
    ("INVALID_FIELD", "The Id field should not be specified in the sobject data.", OurMistake),
    ("INVALID_FIELD", "No such column 'EventWhoIds' on sobject of type Event", StaleDescribe),
    ("NOT_FOUND", "Provided external ID field does not exist or is not accessible: 23foo", OurMistake),
    ("NOT_FOUND", "The requested resource does not exist", RecordGone),
    ("INVALID_CROSS_REFERENCE_KEY", "Record Type ID: this ID value isn't valid for the user: 0128M", NoAccess),
    ("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", RecordGone),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "T: System.LimitException: Apex CPU time limit exceeded", Transient),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "T: UNABLE_TO_LOCK_ROW, unable to obtain", Transient),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "T: Too many SOQL queries: 101", Transient),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "T: System.NullPointerException", Rejected),
    ("CANNOT_EXECUTE_FLOW_TRIGGER", "flow: UNABLE_TO_LOCK_ROW", Transient),
    ("CANNOT_EXECUTE_FLOW_TRIGGER", "We can't save this record", Rejected),
]


def tree() -> list[type[SalesforceError]]:
    found = [SalesforceError]
    for each in found:
        found += each.__subclasses__()
    return list(dict.fromkeys(found))


@needs_recordings
@pytest.mark.parametrize("entry", read_recording("errors/catalog.json"), ids=lambda entry: entry["errorCode"])
def test_every_code_of_the_catalogue_has_the_class_it_should(entry: dict) -> None:
    error = error_from(
        entry["errorCode"], entry["message"], entry["fields"] or (), http_status=entry["httpStatus"] or None
    )

    assert isinstance(error, CLASSES[entry["class"]])
    assert find_row("api", entry["errorCode"], entry["message"]) is not None
    assert (error.code, error.salesforce_text) == (entry["errorCode"], entry["message"])
    assert error.fields == tuple(entry["fields"] or ())


@needs_recordings
def test_no_entry_of_the_oauth_catalogue_is_without_a_row() -> None:
    entries = read_recording("oauth/error-catalog.json")

    assert len(entries) == 26
    assert [
        (e["error"], e["error_description"])
        for e in entries
        if (e["error"], e["error_description"]) not in OAUTH_CLASSES
    ] == []


@pytest.mark.parametrize(("code", "message"), OAUTH_CLASSES)
def test_oauth_errors(code: str, message: str) -> None:
    error = error_from(code, message, http_status=400, source="oauth")

    assert type(error) is OAUTH_CLASSES[code, message]


@pytest.mark.parametrize(("code", "message", "expected"), TOLD_APART)
def test_codes_that_mean_two_things_are_told_apart_by_their_message(
    code: str, message: str, expected: type[SalesforceError]
) -> None:
    assert type(error_from(code, message, http_status=400)) is expected


def test_every_code_has_exactly_one_default_and_no_second_row_for_a_pattern() -> None:
    rows = sorted(ERROR_TABLE, key=lambda row: (row.source, row.code.casefold()))
    for (source, code), group in groupby(rows, key=lambda row: (row.source, row.code.casefold())):
        patterns = [row.pattern for row in group]
        assert patterns.count(None) == 1, (source, code)
        assert len(set(patterns)) == len(patterns), (source, code)


def test_every_row_says_what_happened_and_who_acts() -> None:
    who = {error_classes.YOU, error_classes.SALESFORCE_ADMIN, error_classes.TOUCHLINE_ADMIN}
    who |= {error_classes.MAKERS, error_classes.NOBODY}
    for row in ERROR_TABLE:
        assert re.fullmatch(r"[A-Z][^\n]{20,}[.]", row.user_message), row
        assert row.who in who, row
        assert row.where or row.who == error_classes.NOBODY, row
        assert row.title, row
        if row.pattern is None:
            error = error_from(row.code, source=row.source)
            assert type(error) is row.error
            assert error.user_message == row.user_message
            assert error.remedy == Remedy(row.who, row.where)


def test_the_stand_in_says_nothing_that_the_table_does_not_know() -> None:
    assert [code for code in CATALOG if find_row("api", code) is None] == []


@pytest.mark.parametrize("status", [300, 302, 400, 401, 403, 404, 405, 410, 418, 429, 431, 499, None])
@pytest.mark.parametrize("write", [True, False])
def test_an_unknown_code_below_500_is_parked(status: int | None, write: bool) -> None:
    error = error_from("BRAND_NEW_CODE", "words", http_status=status, write=write)

    assert type(error) is UnexpectedAnswer


@pytest.mark.parametrize("status", [420, 500, 502, 503, 504, 599])
def test_an_unknown_code_of_a_broken_server_is_tried_again_and_a_write_looked_up(status: int) -> None:
    assert type(error_from("BRAND_NEW_CODE", http_status=status)) is Transient
    assert type(error_from("BRAND_NEW_CODE", http_status=status, write=True)) is OutcomeUnknown


@pytest.mark.parametrize(
    "code", ["SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION", "REQUEST_RUNNING_TOO_LONG", "QUERY_TIMEOUT"]
)
def test_after_these_codes_a_write_may_have_happened(code: str) -> None:
    assert type(error_from(code, http_status=400)) is Transient
    assert type(error_from(code, http_status=400, write=True)) is OutcomeUnknown


def test_a_lost_token_answer_is_unknown() -> None:
    assert type(error_from("unknown_error", "retry your request", source="oauth", write=True)) is OutcomeUnknown


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("UNABLE_TO_LOCK_ROW", 400, Transient),
        ("INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", 503, OrgUnavailable),
        ("REQUEST_LIMIT_EXCEEDED", 403, LimitReached),
        ("ENTITY_IS_LOCKED", 400, RecordLocked),
        ("PROCESSING_HALTED", 400, RolledBack),
        ("STORAGE_LIMIT_EXCEEDED", 400, StorageFull),
    ],
)
def test_a_definite_no_to_a_write_stays_definite(code: str, status: int, expected: type) -> None:
    assert type(error_from(code, http_status=status, write=True)) is expected


def test_causes_of_a_lost_connection_are_stable_words() -> None:
    assert {each.__name__: each.cause for each in tree() if issubclass(each, ConnectionLost)} == {
        "ConnectionLost": "other",
        "SessionExpired": "session_expired",
        "Revoked": "revoked",
        "Idle": "idle",
        "UserInactive": "user_inactive",
        "OrgInactive": "org_inactive",
        "AppNotApproved": "app_not_approved",
        "AppBlocked": "app_blocked",
        "AppMisconfigured": "other",
        "IpBlocked": "ip_blocked",
        "ApiDisabled": "api_disabled",
        "PasswordExpired": "password",
        "PermissionLost": "permission_lost",
        "Sealed": "sealed",
        "HostChanged": "host_changed",
    }


def test_the_tree() -> None:
    assert {each.__name__: each.__mro__[1].__name__ for each in tree()} == {
        "SalesforceError": "Exception",
        "Transient": "SalesforceError",
        "OutcomeUnknown": "Transient",
        "RolledBack": "Transient",
        "RecordLocked": "Transient",
        "LimitReached": "SalesforceError",
        "OrgUnavailable": "LimitReached",
        "StorageFull": "LimitReached",
        "ConnectionLost": "SalesforceError",
        "SessionExpired": "ConnectionLost",
        "Revoked": "ConnectionLost",
        "Idle": "ConnectionLost",
        "UserInactive": "ConnectionLost",
        "OrgInactive": "ConnectionLost",
        "AppNotApproved": "ConnectionLost",
        "AppBlocked": "ConnectionLost",
        "AppMisconfigured": "ConnectionLost",
        "IpBlocked": "ConnectionLost",
        "ApiDisabled": "ConnectionLost",
        "PasswordExpired": "ConnectionLost",
        "PermissionLost": "ConnectionLost",
        "Sealed": "ConnectionLost",
        "HostChanged": "ConnectionLost",
        "Rejected": "SalesforceError",
        "StaleDescribe": "Rejected",
        "NoAccess": "Rejected",
        "ConsentDenied": "Rejected",
        "SignInExpired": "Rejected",
        "RecordGone": "SalesforceError",
        "UnexpectedAnswer": "SalesforceError",
        "OurMistake": "UnexpectedAnswer",
        "HostNotAllowed": "SalesforceError",
    }


def test_the_whole_tree_is_offered_by_one_module() -> None:
    assert {each.__name__ for each in tree()} - set(errors.__all__) == set()


@pytest.mark.parametrize("error_class", tree(), ids=lambda each: each.__name__)
def test_an_error_shows_its_class_and_code_alone(
    error_class: type[SalesforceError], caplog: pytest.LogCaptureFixture
) -> None:
    error = error_class(
        "SOME_CODE",
        salesforce_text=f"Subject: data value too large: {CANARY}",
        fields=(CANARY,),
        request_id=CANARY,
        user_message=CANARY,
        http_status=400,
    )
    try:
        raise error
    except SalesforceError:
        logging.getLogger("test").exception("a call failed: %s %r", error, error)
        shown = traceback.format_exc() + caplog.text + str(error) + repr(error) + str(error.args)

    assert str(error) == repr(error) == f"{error_class.__name__}(SOME_CODE)"
    assert CANARY not in shown


def test_errors_survive_copies_and_other_processes() -> None:
    error = error_from("INVALID_FIELD", "No such column 'X'", ["X"], http_status=400, request_id="r1")
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(other) is StaleDescribe
        assert vars(other) == vars(error)


@settings(max_examples=300, deadline=None)
@given(st.text(), st.text(), st.sampled_from(["api", "oauth"]), st.one_of(st.none(), st.integers(0, 999)))
def test_any_text_as_a_code_gives_an_error_that_shows_only_a_code(
    code: str, message: str, source: str, status: int | None
) -> None:
    error = error_from(code, message, source=source, http_status=status)

    assert re.fullmatch(r"\w+\([A-Za-z][A-Za-z0-9_.-]{0,79}\)", str(error), re.ASCII)


def test_a_foreign_word_in_place_of_a_code_is_not_repeated() -> None:
    error = error_from(f"access_denied\n{CANARY} 00D000000000001!AQ", source="oauth")

    assert (type(error), str(error)) == (UnexpectedAnswer, "UnexpectedAnswer(unreadable_code)")


def test_waiting_for_an_approval_takes_its_time() -> None:
    assert (Transient.wait_seconds, OutcomeUnknown.wait_seconds, RecordLocked.wait_seconds) == (0, 0, 900)


def test_a_refused_address_has_its_own_code() -> None:
    assert str(HostNotAllowed()) == "HostNotAllowed(host_not_allowed)"


def test_an_expired_password_is_told_apart_from_other_refusals() -> None:
    assert type(error_from("INVALID_OPERATION_WITH_EXPIRED_PASSWORD", http_status=403)) is PasswordExpired
