"""Every way in which a call to Salesforce can fail, with answers that repeat whatever the request held."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

from integrations.salesforce.hosts import HostRule
from integrations.salesforce.http import SalesforceSession, open_session
from integrations.salesforce.transport import CallLimits
from tests.integrations.salesforce.raw_server import RawServer, Step, answer, free_port

SHORT = CallLimits(connect_seconds=1, read_seconds=0.02, write_seconds=0.02)


def repeat(request: bytes) -> str:
    """What a server may repeat of a request: its token, and all values of its form, plain and quoted."""
    head, _, body = request.decode().partition("\r\n\r\n")
    token = re.search(r"^Authorization: Bearer (.+)\r?$", head, re.MULTILINE)
    held = [token[1].strip()] if token else []
    held += [value for _name, value in parse_qsl(body)] if "urlencoded" in head else []
    return " ".join([*held, *map(quote, held)]) or "nothing"


def hostile_answers(said: str) -> dict[str, bytes]:
    """What a server answers with a request, by the name of the failure; `said` stands wherever text can stand."""
    fault = {"errorCode": "INVALID_FIELD", "message": said, "fields": [said]}
    session = {"errorCode": "INVALID_SESSION_ID", "message": said}
    row = {"success": False, "errors": [{"statusCode": "STRING_TOO_LONG", "message": said, "fields": [said]}]}
    part = {"httpStatusCode": 400, "body": [fault], "referenceId": "q0"}
    soap = f"<x><faultcode>LOGIN_FAILED</faultcode><faultstring>{said}</faultstring></x>"
    head = f"x-sfdc-request-id: {said}\r\nSforce-Limit-Info: api-usage={said}\r\nDate: {said}\r\n"
    return {
        "half an answer": f'HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n{{"a":"{said}'.encode(),
        "no HTTP": f"{said}\r\n\r\n".encode(),
        "bad packing": answer(200, said, "Content-Encoding: gzip\r\n"),
        "a 500 page": answer(500, f"<html>{said}</html>"),
        "a 503 fault": answer(503, json.dumps([fault])),
        "a 400 fault": answer(400, json.dumps([fault])),
        "a 401 fault": answer(401, json.dumps([session])),
        "a 403 word": answer(403, said),
        "a code that is none": answer(400, json.dumps([{"errorCode": said, "message": said}])),
        "an OAuth error": answer(400, json.dumps({"error": "invalid_grant", "error_description": said})),
        "an OAuth error that is none": answer(400, json.dumps({"error": said, "error_description": said})),
        "a SOAP fault": answer(500, soap),
        "malformed JSON": answer(200, f'{{"a":"{said}'),
        "another shape": answer(200, json.dumps({"records": said, "id": said, said: [said]})),
        "a failed row": answer(200, json.dumps([row])),
        "a failed part": answer(200, json.dumps({"compositeResponse": [part]})),
        "a redirect": answer(302, said, f"Location: https://evil.example/?{quote(said)}\r\n"),
        "a hostile head": answer(400, json.dumps([fault]), head, reason=said),
    }


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call goes: the base address of a host that the rule allows."""

    url: str
    ca_bundle: str | None = None

    @property
    def host(self) -> str:
        """As the host rule wants it."""
        return self.url.partition("://")[2]

    def open_session(self) -> SalesforceSession:
        """A session that may go there, and does not wait long."""
        return open_session(HostRule(frozenset({self.host})), ca_bundle=self.ca_bundle, limits=SHORT)


def script_of(name: str) -> Sequence[Step]:
    """The server's part in this failure."""
    return [lambda request: hostile_answers(repeat(request))[name], "close"]


@contextmanager
def hostile_places(pem: str, ca_bundle: str, other_ca_bundle: str) -> Iterator[dict[str, Place]]:
    """Servers for all failures, those without an answer too, by the name of the failure.

    `pem` and `ca_bundle` belong together; the other one does not vouch for them.
    """
    with ExitStack() as stack:

        def serve(script: Sequence[Step], **options: str) -> RawServer:
            return stack.enter_context(RawServer(script, **options))

        yield {name: Place(serve(script_of(name)).url) for name in hostile_answers("")} | {
            "silence": Place(serve([1.0]).url),
            "a dropped connection": Place(serve(["reset"]).url),
            "a strange certificate": Place(serve([answer(200)], pem=pem).url, other_ca_bundle),
            "no TLS": Place(f"https://{serve([answer(200)]).host}", ca_bundle),
            "a refused connection": Place(f"http://127.0.0.1:{free_port()}"),
        }
