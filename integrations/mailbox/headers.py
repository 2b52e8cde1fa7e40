"""The header block of a message: unfolded, decoded (RFC 2047), each step linear in its length."""

import base64
import binascii
import re
from email.message import Message

from integrations.mailbox.charsets import decode
from integrations.mailbox.limits import ENCODED_WORDS, HEADER_BYTES, HEADERS_BYTES, Unreadable

_FIELD = re.compile(rb"([!-9;-~]{1,100})[ \t]*:(.*)\Z", re.DOTALL)
_FOLD = re.compile(rb"\r?\n(?=[ \t])|\r(?=[ \t])")
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bqBQ])\?([^?]*)\?=")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Headers:
    """The fields of a header block, in order; asked for by name in lower case."""

    def __init__(self, block: bytes) -> None:
        """Raises Unreadable when the block is larger than is read."""
        if len(block) > HEADERS_BYTES:
            raise Unreadable("headers_too_large")
        self._fields: list[tuple[str, bytes]] = []
        for line in re.split(rb"\r?\n(?![ \t])", block):
            if found := _FIELD.match(line):
                self._fields.append((found[1].decode("ascii").lower(), _FOLD.sub(b"", found[2]).strip()))

    def raw(self, name: str, limit: int = HEADER_BYTES) -> bytes:
        """The first field of this name that is not empty, as it stands. Raises Unreadable when it is too long."""
        value = next((value for field, value in self._fields if field == name and value), b"")
        if len(value) > limit:
            raise Unreadable("header_too_long")
        return value

    def all(self, name: str) -> bytes:
        """All fields of this name, joined by commas: lists of people that came in several fields (RFC 5322 §4)."""
        return b", ".join(value for field, value in self._fields if field == name and value)

    def text(self, name: str) -> str:
        """The field as people read it, on one line."""
        return decode_words(eight_bit(self.raw(name)))

    def has(self, name: str) -> bool:
        """Whether there is such a field with a value."""
        return bool(self.raw(name, HEADERS_BYTES))

    def parameters(self, name: str) -> Message:
        """The field for reading its value and parameters, RFC 2231 included, as email.message does."""
        message = Message()
        value = eight_bit(self.raw(name)).replace("\r", " ").replace("\n", " ")
        if value:
            message[name] = value
        return message


def eight_bit(value: bytes) -> str:
    """A raw field as text: bytes above ASCII are UTF-8 (RFC 6532), else Windows-1252."""
    return decode(value, "utf-8" if _is_utf8(value) else "cp1252")


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def decode_words(text: str) -> str:
    """Decode encoded words (RFC 2047). Bytes of neighbours in one charset are joined before they are decoded,
    because some programs cut a character in two. Raises Unreadable for too many of them.
    """
    if text.count("=?") > ENCODED_WORDS:
        raise Unreadable("too_many_words")
    out: list[str] = []
    pending, charset, end = b"", "", 0
    for word in _WORD.finditer(text):
        between = text[end : word.start()]
        named = word[1].partition("*")[0].lower()  # RFC 2231 §5 adds a language after an asterisk
        if pending and (between.strip() or named != charset):
            out.append(decode(pending, charset))
            pending = b""
        if between.strip() or not end:
            out.append(between)
        pending, charset, end = pending + _word_bytes(word[2], word[3]), named, word.end()
    if pending:
        out.append(decode(pending, charset))
    out.append(text[end:])
    return " ".join(_CONTROL.sub(" ", "".join(out)).split())


def _word_bytes(encoding: str, payload: str) -> bytes:
    raw = payload.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(raw, header=True)
    try:
        return base64.b64decode(raw + b"=" * (-len(raw) % 4))
    except (binascii.Error, ValueError):
        return raw
