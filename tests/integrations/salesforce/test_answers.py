"""The shapes in which Salesforce says that something went wrong."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.salesforce.answers import Fault, faults_in, parse_faults
from integrations.salesforce.errors import Duplicates
from tests.integrations.salesforce.recorded import needs_recordings, read_recording

DUPLICATES = {
    "allowSave": True,
    "matchResults": [
        {"matchRecords": [{"record": {"Id": "003A"}}, {"record": {"Id": "003B"}}]},
        {"matchRecords": [{"record": {"Id": "00QC"}}, {"record": {"Id": "003A"}}]},
    ],
}


def duplicate(**result: object) -> str:
    return json.dumps([{"errorCode": "DUPLICATES_DETECTED", "message": "Use one of these records?", **result}])


SHAPES = {
    "duplicates": (
        400,
        duplicate(duplicateResut=DUPLICATES),
        [
            Fault(
                "DUPLICATES_DETECTED",
                "Use one of these records?",
                duplicates=Duplicates(("003A", "003B", "00QC"), True),
            )
        ],
    ),
    "duplicates, spelled right and blocked": (
        400,
        duplicate(duplicateResult=DUPLICATES | {"allowSave": False}),
        [
            Fault(
                "DUPLICATES_DETECTED",
                "Use one of these records?",
                duplicates=Duplicates(("003A", "003B", "00QC"), False),
            )
        ],
    ),
    "duplicates that say nothing": (
        400,
        duplicate(
            duplicateResut={"allowSave": "yes", "matchResults": [None, {"matchRecords": [7, {"record": {"Id": 1}}]}]}
        ),
        [Fault("DUPLICATES_DETECTED", "Use one of these records?", duplicates=Duplicates((), False))],
    ),
    "list": (
        400,
        '[{"message":"No such column","errorCode":"INVALID_FIELD","fields":["Subject"]}]',
        [Fault("INVALID_FIELD", "No such column", ("Subject",))],
    ),
    "list without fields": (
        401,
        '[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]',
        [Fault("INVALID_SESSION_ID", "Session expired or invalid")],
    ),
    "several": (
        400,
        '[{"message":"a","errorCode":"PROCESSING_HALTED"},{"message":"b","errorCode":"INVALID_TYPE"}]',
        [Fault("PROCESSING_HALTED", "a"), Fault("INVALID_TYPE", "b")],
    ),
    "row form": (
        400,
        '[{"statusCode":"DUPLICATES_DETECTED","message":"Use one of these records?","fields":[]}]',
        [Fault("DUPLICATES_DETECTED", "Use one of these records?")],
    ),
    "bare object": (
        403,
        '{"errorCode":"INSUFFICIENT_ACCESS","message":"no"}',
        [Fault("INSUFFICIENT_ACCESS", "no")],
    ),
    "list of records": (300, '["/services/data/v62.0/sobjects/Contact/a"]', [Fault("HTTP_300")]),
    "HTML": (503, "<html><body>Maintenance</body></html>", [Fault("HTTP_503")]),
    "empty": (502, "", [Fault("HTTP_502")]),
    "XML": (
        401,
        "<response><faultcode>LOGIN_OAUTH_INVALID_TOKEN(db=1703)</faultcode><error>Failed</error></response>",
        [
            Fault(
                "LOGIN_OAUTH_INVALID_TOKEN",
                "<response><faultcode>LOGIN_OAUTH_INVALID_TOKEN(db=1703)</faultcode><error>Failed</error></response>",
            )
        ],
    ),
    "SOAP": (
        500,
        "<soapenv:Fault><faultcode>sf:INVALID_SESSION_ID</faultcode></soapenv:Fault>",
        [
            Fault(
                "INVALID_SESSION_ID",
                "<soapenv:Fault><faultcode>sf:INVALID_SESSION_ID</faultcode></soapenv:Fault>",
            )
        ],
    ),
    "bare word": (403, "Bad_OAuth_Token", [Fault("Bad_OAuth_Token")]),
    "OAuth": (
        400,
        '{"error":"invalid_grant","error_description":"expired access/refresh token"}',
        [Fault("invalid_grant", "expired access/refresh token", source="oauth")],
    ),
    "OAuth without words": (400, '{"error":"invalid_token"}', [Fault("invalid_token", source="oauth")]),
}


@pytest.mark.parametrize("name", SHAPES)
def test_each_shape_is_read(name: str) -> None:
    status, body, faults = SHAPES[name]

    assert parse_faults(status, body.encode()) == faults


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"5",
        b'"text"',
        b"[]",
        b"{}",
        b"[[]]",
        b"[null, 5]",
        b'{"errorCode":5}',
        b'{"errorCode":null,"message":[]}',
        b'{"error":{"code":1}}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"a sentence with_an_underscore in it",
        b"word",
    ],
)
def test_a_body_without_a_code_gives_the_status(body: bytes) -> None:
    assert parse_faults(418, body) == [Fault("HTTP_418")]


def test_odd_messages_and_fields_are_dropped() -> None:
    body = [{"errorCode": "X", "message": {"a": 1}, "fields": [1, "Subject", None]}]

    assert faults_in(body) == [Fault("X", "", ("Subject",))]


@settings(max_examples=300, deadline=None)
@given(st.integers(300, 599), st.binary(max_size=200))
def test_any_bytes_give_at_least_one_fault(status: int, body: bytes) -> None:
    assert parse_faults(status, body) != []


@needs_recordings
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("errors/invalid-field.json", "INVALID_FIELD"),
        ("errors/invalid-session-id.json", "INVALID_SESSION_ID"),
        ("errors/malformed-search.json", "MALFORMED_SEARCH"),
        ("errors/not-found.json", "NOT_FOUND"),
        ("errors/not-found-external-id.json", "NOT_FOUND"),
        ("errors/multiple-choices-300.json", "HTTP_400"),
        ("oauth/refresh-error-expired.json", "invalid_grant"),
        ("oauth/token-error-auth-failure.json", "invalid_grant"),
    ],
)
def test_recorded_bodies(name: str, code: str) -> None:
    faults = parse_faults(400, json.dumps(read_recording(name)).encode())

    assert [fault.code for fault in faults] == [code]


@needs_recordings
def test_the_recorded_xml_answer() -> None:
    recording = read_recording("errors/oauth-invalid-token-xml.json")
    faults = parse_faults(recording["status"], recording["body"].encode())

    assert [fault.code for fault in faults] == ["LOGIN_OAUTH_INVALID_TOKEN"]
