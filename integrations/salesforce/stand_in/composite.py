"""Several calls in one: composite (later parts may use earlier answers) and composite/batch."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qsl, urlsplit

from .calls import Answer, Call, read_version
from .errors import ApiError
from .external_ids import SeveralFoundError
from .many_records import RolledBackError, answer_collection
from .tables import Record

MOST_PARTS = 25
MOST_QUERIES = 5
REFERENCE = re.compile(r"@\{([^}]+)\}")


def answer_composite(call: Call) -> Answer:
    """Everything under composite/."""
    kind = call.parts[1].lower() if len(call.parts) > 1 else ""
    if kind == "":
        return run_composite(call)
    if kind == "batch":
        return run_batch(call)
    if kind == "sobjects":
        return answer_collection(call)
    raise ApiError("NOT_FOUND")


def run_composite(call: Call) -> Answer:
    """Run up to 25 calls in order; later ones may use what earlier ones answered."""
    call.need("POST")
    body = call.read_body()
    parts = body.get("compositeRequest") if isinstance(body, dict) else None
    if not isinstance(parts, list):
        raise ApiError("JSON_PARSER_ERROR", message="compositeRequest is required")
    check_parts(parts)
    answers: dict[str, object] = {}
    if body.get("allOrNone"):
        return Answer(body={"compositeResponse": run_all_or_none(call, parts, answers)})
    return Answer(body={"compositeResponse": [run_part(call, part, answers) for part in parts]})


def check_parts(parts: list) -> None:
    """Refuse too many parts, double names, and parts without what they need."""
    if len(parts) > MOST_PARTS:
        raise ApiError("LIMIT_EXCEEDED", message=f"Limit exceeded: up to {MOST_PARTS} subrequests in a call")
    if not all(isinstance(part, dict) and {"method", "url", "referenceId"} <= part.keys() for part in parts):
        raise ApiError("JSON_PARSER_ERROR", message="Each subrequest needs method, url and referenceId")
    heavy = [part for part in parts if re.search(r"/(query|queryAll|composite/sobjects)\b", part["url"], re.I)]
    if len(heavy) > MOST_QUERIES:
        message = f"Limit exceeded: up to {MOST_QUERIES} query or sObject collections subrequests in a call"
        raise ApiError("LIMIT_EXCEEDED", message=message)
    names = [part["referenceId"] for part in parts]
    if len(set(names)) < len(names):
        raise ApiError("INVALID_INPUT", message="Duplicate referenceId in the composite request")


def run_all_or_none(call: Call, parts: list[Record], answers: dict[str, object]) -> list[Record]:
    """Run the parts; where one fails, all are taken back and the others say so."""
    results: list[Record] = []
    try:
        with call.org.all_or_nothing():
            for part in parts:
                results.append(run_part(call, part, answers))
                if results[-1]["httpStatusCode"] >= 400:
                    raise RolledBackError
    except RolledBackError:
        halted = [ApiError("PROCESSING_HALTED").as_answer()]
        failed = results[-1]
        return [failed if part["referenceId"] == failed["referenceId"] else halt(part, halted) for part in parts]
    return results


def halt(part: Record, body: list) -> Record:
    """The result of a part that was not run, or taken back."""
    return {"body": body, "httpHeaders": {}, "httpStatusCode": 400, "referenceId": part["referenceId"]}


def run_part(call: Call, part: Record, answers: dict[str, object]) -> Record:
    """Run one part and remember its answer under its name."""
    try:
        filled = json.loads(fill_references(json.dumps(part), answers))
    except LookupError:
        return halt(part, [ApiError("PROCESSING_HALTED", message="Invalid reference specified.").as_answer()])
    answer = run_url(call, filled["method"], filled["url"], filled.get("body"), filled.get("httpHeaders") or {})
    if answer.status < 300:
        answers[part["referenceId"]] = answer.body
    return {
        "body": answer.body,
        "httpHeaders": answer.headers,
        "httpStatusCode": answer.status,
        "referenceId": part["referenceId"],
    }


def fill_references(text: str, answers: dict[str, object]) -> str:
    """Replace each @{name.path[0].key} by what the named part answered; raises LookupError."""

    def look_up(match: re.Match[str]) -> str:
        name, _, path = match[1].partition(".")
        value = answers[name]
        for step in re.findall(r"[^.\[\]]+", path):
            value = value[int(step)] if isinstance(value, list) else value[step]
        return json.dumps(str(value))[1:-1]

    return REFERENCE.sub(look_up, text)


def run_batch(call: Call) -> Answer:
    """Run up to 25 calls that know nothing of each other."""
    call.need("POST")
    body = call.read_body()
    parts = body.get("batchRequests") if isinstance(body, dict) else None
    if not isinstance(parts, list):
        raise ApiError("JSON_PARSER_ERROR", message="batchRequests is required")
    if len(parts) > MOST_PARTS:
        raise ApiError("LIMIT_EXCEEDED", message=f"Limit exceeded: up to {MOST_PARTS} subrequests in a call")
    call.org.usage.count("composite/batch", call.user_id, len(parts) - 1)
    results = []
    for part in parts:
        url = "/services/data/" + part["url"].removeprefix("/services/data/").lstrip("/")
        answer = run_url(call, part["method"], url, part.get("richInput"), {})
        results.append({"statusCode": answer.status, "result": answer.body})
    return Answer(body={"hasErrors": any(each["statusCode"] >= 400 for each in results), "results": results})


def run_url(call: Call, method: str, url: str, body: object, headers: Record) -> Answer:
    """Run the call that a URL names, as the same user; a refusal becomes its answer."""
    target = urlsplit(url)
    parts = [part for part in target.path.removeprefix("/services/data/").split("/") if part]
    try:
        if not url.startswith("/services/data/") or not parts:
            raise ApiError("NOT_FOUND")
        return call.dispatch(
            Call(
                call.org,
                call.user_id,
                read_version(parts[0]),
                method.upper(),
                parts[1:],
                dict(parse_qsl(target.query, keep_blank_values=True)),
                {key.lower(): str(value) for key, value in headers.items()},
                lambda: body if body is not None else {},
                call.dispatch,
                call.row_fault,
            )
        )
    except SeveralFoundError as several:
        return Answer(300, several.paths)
    except ApiError as error:
        return Answer(error.status, [error.as_answer()])
