"""The parts of a message (RFC 2045, RFC 2046), one after the other, never more or deeper than limits.py allows."""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass

from integrations.mailbox.charsets import decode
from integrations.mailbox.headers import Headers
from integrations.mailbox.limits import DEPTH, HEADERS_BYTES, PARTS, Unreadable

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


@dataclass(frozen=True, slots=True)
class Part:
    """A part that has no parts: its type in lower case, headers and undecoded body. `inside`: the types around it,
    the outermost first.
    """

    type: str
    headers: Headers
    body: bytes
    inside: tuple[str, ...] = ()

    @property
    def is_attachment(self) -> bool:
        """Whether it is meant to be saved, not read."""
        return self.headers.parameters("content-disposition").get_content_disposition() == "attachment"

    def content(self) -> bytes:
        """The body without its transfer encoding; an unknown one is left as it is."""
        encoding = self.headers.raw("content-transfer-encoding").decode("ascii", "replace").strip().lower()
        if encoding == "base64":
            return _from_base64(self.body)
        if encoding == "quoted-printable":
            return quopri.decodestring(self.body)
        if encoding in ("x-uuencode", "uuencode", "x-uue"):
            return b""
        return self.body

    def text(self) -> str:
        """The content as text in its charset."""
        try:
            charset = self.headers.parameters("content-type").get_content_charset()
        except (LookupError, ValueError):
            charset = None
        return decode(self.content(), charset)


def _from_base64(body: bytes) -> bytes:
    """What can be decoded, also of a body that was cut off or has signs between."""
    signs = _NOT_BASE64.sub(b"", body)
    try:
        return base64.b64decode(signs[: len(signs) - len(signs) % 4] + _rest(signs))
    except (binascii.Error, ValueError):
        return b""


def _rest(signs: bytes) -> bytes:
    rest = signs[len(signs) - len(signs) % 4 :]
    return rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""


def split(raw: bytes) -> tuple[bytes, bytes]:
    """Header block and body of a message or part."""
    if raw.startswith((b"\r\n", b"\n")):
        return b"", raw.lstrip(b"\r\n")
    found = _BLANK_LINE.search(raw, 0, HEADERS_BYTES + 4)
    if found:
        return raw[: found.start()], raw[found.end() :]
    return raw, b""


class Walk:
    """The parts of one message in their order; Unreadable is raised as soon as a limit is passed."""

    def __init__(self, headers: Headers, body: bytes) -> None:
        self._headers, self._body, self._count = headers, body, 0

    def parts(self) -> Iterator[Part]:
        """The parts that have no parts."""
        return self._parts(self._headers, self._body, ())

    def _parts(self, headers: Headers, body: bytes, inside: tuple[str, ...]) -> Iterator[Part]:
        self._count += 1
        if self._count > PARTS:
            raise Unreadable("too_many_parts")
        if len(inside) > DEPTH:
            raise Unreadable("too_deep")
        fields = headers.parameters("content-type")
        kind = fields.get_content_type() if headers.has("content-type") else _default(inside)
        boundary = _boundary(fields) if kind.startswith("multipart/") else b""
        if boundary:
            for piece in _pieces(body, boundary):
                yield from self._parts(*_opened(piece), (*inside, kind))
        elif kind.startswith("multipart/"):
            yield Part("text/plain", headers, body, inside)  # says it has parts but not where
        else:
            yield Part(kind, headers, body, inside)


def _default(inside: tuple[str, ...]) -> str:
    return "message/rfc822" if inside and inside[-1] == "multipart/digest" else "text/plain"


def _boundary(fields: object) -> bytes:
    try:
        value = fields.get_boundary("")  # type: ignore[attr-defined]
    except (LookupError, ValueError):
        return b""
    return value.encode("utf-8", "replace")[:200]


def _opened(piece: bytes) -> tuple[Headers, bytes]:
    block, body = split(piece)
    return Headers(block), body


def _pieces(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """What stands between the delimiter lines; the last piece may lack its end."""
    delimiter, body = b"--" + boundary, b"\n" + body
    at = _next(body, delimiter, 0)
    while at >= 0:
        line_end = body.find(b"\n", at)
        if body.startswith(b"--", at + len(delimiter)) or line_end < 0:
            return
        following = _next(body, delimiter, line_end)
        yield body[line_end + 1 : following - 1 if following > 0 else len(body)].removesuffix(b"\r")
        at = following


def _next(body: bytes, delimiter: bytes, start: int) -> int:
    """Where the next delimiter line begins; -1 when there is none. A longer boundary is another one's."""
    while (found := body.find(b"\n" + delimiter, start)) >= 0:
        after = body[found + 1 + len(delimiter) : found + 3 + len(delimiter)]
        if not after or after[:1] in b"\r\n \t" or after == b"--":
            return found + 1
        start = found + 1
    return -1
