"""One call of one user, and what it answers: shared by all that answer calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .access import View
from .errors import ApiError
from .tables import Record

if TYPE_CHECKING:
    from .faults import RowFault
    from .org import Org

RETIRED_VERSIONS = range(7, 31)
VERSIONS = range(31, 69)
RELEASES = ("Summer", "Winter", "Spring")


@dataclass(slots=True)
class Answer:
    """What a call answers before it is JSON; None is an empty body."""

    status: int = 200
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Call:
    """One call, or one part of a composite call. `parts` is the path behind the version."""

    org: Org
    user_id: str
    version: str
    method: str
    parts: list[str]
    params: dict[str, str]
    headers: dict[str, str]
    read_body: Callable[[], object]
    dispatch: Callable[[Call], Answer]
    row_fault: RowFault | None = None

    def need(self, *methods: str) -> None:
        """Refuse other methods; raises METHOD_NOT_ALLOWED."""
        if self.method not in methods:
            raise ApiError("METHOD_NOT_ALLOWED", self.method, "HEAD," + ",".join(methods))

    def view(self, name: str) -> View:
        """Return an object as the caller sees it; raises NOT_FOUND."""
        view = self.org.view(self.user_id, name)
        if view is None:
            raise ApiError("NOT_FOUND")
        return view

    def record(self) -> Record:
        """Return the body as one record; raises JSON_PARSER_ERROR."""
        body = self.read_body()
        if not isinstance(body, dict):
            raise ApiError("JSON_PARSER_ERROR", message="The body must be one record")
        return body


def list_versions() -> list[dict[str, str]]:
    """The versions that the instance offers; anybody may ask."""
    found = []
    for number in VERSIONS:
        label = f"{RELEASES[(number - 31) % 3]} '{14 + (number - 31 + 2) // 3}"
        found.append({"label": label, "url": f"/services/data/v{number}.0", "version": f"{number}.0"})
    return found


def read_version(part: str) -> str:
    """Return "62.0" of "v62.0"; raises ApiError for versions that are unknown (404) or retired (410)."""
    number = part[1:].removesuffix(".0") if part[:1] == "v" and part.endswith(".0") else ""
    if number.isdigit() and int(number) in RETIRED_VERSIONS:
        raise ApiError("GONE")
    if not number.isdigit() or int(number) not in VERSIONS:
        raise ApiError("UNSUPPORTED_API_VERSION")
    return f"{number}.0"
