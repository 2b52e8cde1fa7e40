"""Calls to one org's REST API with one access token.

simple-salesforce builds the addresses and headers and sends every call (`restful`), through our own session.
What it lacks is filled at two places: the session (`http.py`) maps every failed answer before that library
sees it, and `Calls.call` here maps whatever the library itself may raise. `restful` rather than its `query`,
`query_more` and `SFType`, because those write `https://` into each address of their own, while `base_url` can
be set: a stand-in on the loopback address may speak plain HTTP.

Long IN lists do not fit into a URL (16 KB), so lists of queries travel in the body of `composite`, five in a
call, which Salesforce counts as one (REST guide, composite).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import requests

from integrations.salesforce.answers import Fault, faults_in
from integrations.salesforce.errors import (
    OutcomeUnknown,
    RolledBack,
    SalesforceError,
    StaleDescribe,
    UnexpectedAnswer,
    error_from,
)
from integrations.salesforce.http import SalesforceSession, unreadable_answer
from integrations.salesforce.soql import in_chunks

QUERIES_IN_A_COMPOSITE = 5

Row = dict[str, Any]
Result = TypeVar("Result")
Parsed = TypeVar("Parsed")


class Calls:
    """The calls of one client. `base` is the canonical instance URL, `api_version` such as "62.0"."""

    def __init__(self, instance_url: str, access_token: str, session: SalesforceSession, api_version: str) -> None:
        self.session = session
        self.base = session.host_rule.check_instance(instance_url)
        self.path = f"/services/data/v{api_version}/"
        # Not at the top: the package takes 0.6 s to import (it brings a SOAP client), and pages never need
        # it.
        from simple_salesforce import Salesforce

        self._salesforce = Salesforce(
            session_id=access_token,
            instance_url=self.base,
            version=api_version,
            session=session,
            object_pairs_hook=None,  # plain dicts, several times faster than its OrderedDict
        )
        self._salesforce.base_url = f"{self.base}{self.path}"
        del self._salesforce.headers["X-PrettyPrint"]  # blanks that only cost bytes

    def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: dict[str, str] | None = None,
        write: bool = False,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """One call below `/services/data/vXX.0/`; the parsed body, None when it is empty.

        `write` says that it changes something; `headers` come besides those of every call. Raises SalesforceError.
        """
        try:
            return self._salesforce.restful(
                path, params=params, method=method, json=json, write=write, headers=headers or {}
            )
        except (requests.RequestException, *_library_errors(), RecursionError):
            # Our session has handed the library a whole 2xx answer, so all that it can trip over is the JSON
            # in it.
            pass
        # Outside the handler, so that the library's exception (URL, body) does not hang on ours as context.
        raise unreadable_answer(write=write, request_id=self.session.request_id)

    def query(self, soql: str, *, include_deleted: bool = False) -> list[Row]:
        """All rows of one short query, pages followed; with deleted and archived ones on demand."""
        path = "queryAll" if include_deleted else "query"
        return self._all_pages(self.call("GET", path, params={"q": soql}))

    def query_many(self, queries: Sequence[str], *, include_deleted: bool = False) -> list[list[Row]]:
        """All rows of each query, in order; five queries cost one API call, and each further page one.

        Raises the first error of any of them: a failed query must never look like an empty one.
        """
        path = f"{self.path}{'queryAll' if include_deleted else 'query'}?q="
        answers: list[list[Row]] = []
        for chunk in in_chunks(queries, QUERIES_IN_A_COMPOSITE):
            bodies = self._composite([path + quote(soql, safe="") for soql in chunk])
            answers += [self._all_pages(body) for body in bodies]
        return answers

    def _composite(self, urls: list[str]) -> list[Any]:
        """The bodies of several GETs in one call, in order."""
        requests_ = [{"method": "GET", "url": url, "referenceId": f"q{number}"} for number, url in enumerate(urls)]
        body = self.call("POST", "composite", json={"allOrNone": False, "compositeRequest": requests_})
        answers = body.get("compositeResponse") if isinstance(body, dict) else None
        if not isinstance(answers, list) or len(answers) != len(urls):
            raise UnexpectedAnswer("composite_incomplete", request_id=self.session.request_id)
        errors = [error for answer in answers if (error := error_in_part(answer, self.session.request_id))]
        if errors:
            raise next((error for error in errors if not isinstance(error, RolledBack)), errors[0])
        return [answer.get("body") for answer in answers]

    def _all_pages(self, body: Any) -> list[Row]:
        rows: list[Row] = []
        while True:
            if not isinstance(body, dict) or not isinstance(body.get("records"), list):
                raise UnexpectedAnswer("query_answer_malformed")
            rows += body["records"]
            if body.get("done", True):
                return rows
            body = self.call("GET", self._next_page(body.get("nextRecordsUrl")))

    def _next_page(self, url: Any) -> str:
        """The path below our base of `nextRecordsUrl`, which may only lead to this API."""
        if not isinstance(url, str) or not re.fullmatch(re.escape(self.path) + r"query(All)?/[\w-]+", url):
            raise UnexpectedAnswer("next_page_malformed")
        return url.removeprefix(self.path)


def error_in_part(answer: Any, request_id: str | None, *, write: bool = False) -> SalesforceError | None:
    """The error of one part of a composite; None when it succeeded. `write`: it was to change something."""
    status = answer.get("httpStatusCode") if isinstance(answer, dict) else None
    if not isinstance(status, int) or (write and not 200 <= status < 300 and status < 400):
        kind = OutcomeUnknown if write else UnexpectedAnswer
        return kind("composite_malformed", request_id=request_id)
    if 200 <= status < 300:
        return None
    fault = next(iter(faults_in(answer.get("body"))), Fault(f"HTTP_{status}"))
    return error_from(
        fault.code,
        fault.message,
        fault.fields,
        http_status=status,
        request_id=request_id,
        source=fault.source,
        write=write,
    )


def _library_errors() -> tuple[type[Exception], ...]:
    """All that simple-salesforce raises of its own; imported late for the reason given in `Calls`."""
    from simple_salesforce import exceptions

    return exceptions.SalesforceError, exceptions.SalesforceOperationError


def parse_rows(parse: Callable[[Row], Parsed], rows: Iterable[Row]) -> list[Parsed]:
    """Each row parsed; raises UnexpectedAnswer for a row that is not as its query must answer."""
    try:
        return [parse(row) for row in rows]
    except (KeyError, TypeError, ValueError, AttributeError):
        pass
    raise UnexpectedAnswer("row_malformed")


def select_known_columns(run: Callable[[list[str]], Result], optional: Sequence[str]) -> Result:
    """Runs a query with as many of the optional columns as this user may see; gives what `run` gives.

    `run` is called with optional columns; when Salesforce answers that one of them is unknown, once more
    without it. Raises StaleDescribe when it speaks of another column.
    """
    kept = list(optional)
    while True:
        try:
            return run(kept)
        except StaleDescribe as error:
            unknown = unknown_columns(error, kept)
            if not unknown:
                raise
            kept = [column for column in kept if column not in unknown]


def unknown_columns(error: StaleDescribe, columns: Sequence[str]) -> list[str]:
    """Those of the columns that "No such column 'X'" or "Didn't understand relationship 'X'" speaks of."""
    match = re.search(r"(No such column|relationship) '([\w.]+)'", error.salesforce_text)
    if match is None:
        return []
    name = match[2].lower()
    if match[1] == "relationship":
        return [column for column in columns if column.lower().startswith(f"{name}.")]
    return [column for column in columns if name in (column.lower(), column.lower().rpartition(".")[2])]
