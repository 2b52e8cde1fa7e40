"""Requests and answers between the sockets and what answers them."""

import gzip
import json
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from .errors import ApiError


@dataclass(slots=True)
class Request:
    """One HTTP request. Header names are lower-case; `query` keeps the last value of a name."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""
    path: str = ""
    query: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = urlsplit(self.target)
        self.path = parts.path
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))

    def plain_body(self) -> bytes:
        """The body without its gzip coating; raises ApiError."""
        if self.headers.get("content-encoding", "").lower() != "gzip":
            return self.body
        try:
            return gzip.decompress(self.body)
        except (OSError, EOFError):
            raise ApiError("JSON_PARSER_ERROR", message="The request body is not valid gzip") from None

    def form(self) -> dict[str, str]:
        """The body as a form."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def json(self) -> object:
        """The body as JSON; raises ApiError 415 or JSON_PARSER_ERROR."""
        kind = self.headers.get("content-type", "")
        if kind.partition(";")[0].strip().lower() != "application/json":
            raise ApiError("UNSUPPORTED_MEDIA_TYPE", kind)
        return read_json(self.plain_body())

    def cookie(self, name: str) -> str | None:
        """The value of a cookie, or None."""
        for part in self.headers.get("cookie", "").split(";"):
            key, _, value = part.strip().partition("=")
            if key == name:
                return value
        return None


@dataclass(slots=True)
class Response:
    """One HTTP answer, its body ready to be sent."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def read_json(body: bytes) -> object:
    """Parse a body; raises JSON_PARSER_ERROR."""

    def refuse(text: str) -> None:
        raise ValueError(text)

    if not body:
        raise ApiError("JSON_PARSER_ERROR")
    try:
        return json.loads(body, parse_constant=refuse)
    except (ValueError, RecursionError):
        message = "Unexpected character encountered in the request body at [line:1, column:1]"
        raise ApiError("JSON_PARSER_ERROR", message=message) from None


def json_response(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer of JSON."""
    data = json.dumps(body, separators=(",", ":")).encode()
    return Response(status, data, {"Content-Type": "application/json;charset=UTF-8", **(headers or {})})


def html_response(text: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer of a page."""
    data = text.encode("utf-8", "replace")
    return Response(status, data, {"Content-Type": "text/html; charset=UTF-8", **(headers or {})})


def redirect_response(location: str, headers: dict[str, str] | None = None) -> Response:
    """An answer that sends the browser elsewhere."""
    return Response(302, b"", {"Location": location, **(headers or {})})
