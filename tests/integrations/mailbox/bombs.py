"""Mail that is meant to do harm: every class of it, in several sizes."""

import base64
import random
from collections.abc import Iterator

HEAD = b"From: Eve <eve@evil.example>\r\nTo: ben@acme.example\r\nSubject: Hello\r\nMessage-ID: <x@evil.example>\r\n"


def with_header(line: bytes, body: bytes = b"Hello") -> bytes:
    return HEAD + line + b"\r\n\r\n" + body


def body_of(kind: bytes, body: bytes, encoding: bytes = b"8bit") -> bytes:
    fields = b"MIME-Version: 1.0\r\nContent-Type: " + kind + b"\r\nContent-Transfer-Encoding: " + encoding
    return with_header(fields, body)


def nested(depth: int) -> bytes:
    opened = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (level, level) for level in range(depth)
    )
    return HEAD + opened + b"Content-Type: text/plain\r\n\r\ndeep"


def parts(count: int) -> bytes:
    pieces = b"".join(b"--b\r\nContent-Type: text/plain\r\n\r\n%d\r\n" % number for number in range(count))
    return body_of(b'multipart/mixed; boundary="b"', pieces + b"--b--")


def calendar(size: int) -> bytes:
    events = b"BEGIN:VEVENT\r\nRRULE:FREQ=SECONDLY\r\nEND:VEVENT\r\n" * (size // 50)
    return body_of(b"text/calendar; method=REQUEST", b"BEGIN:VCALENDAR\r\n" + events)


def report(blocks: int) -> bytes:
    status = b"Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\n\r\n" * blocks
    return body_of(
        b'multipart/report; report-type=delivery-status; boundary="b"',
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\n" + status + b"\r\n--b--",
    )


SIZES = (10, 1_000, 20_000, 300_000)
CHARSETS = ("idna", "punycode", "utf-7", "zip", "hex", "unicode_escape", "undefined", "x" * 5_000, "utf-8\0", "")
GROWING = {
    "comment never closed": lambda n: with_header(b"Cc: " + b"(" * n),
    "sender of comments": lambda n: b"From: " + b"(" * n + b"\r\n\r\n",
    "quotes": lambda n: with_header(b'Cc: "' + b'\\"' * n),
    "angles": lambda n: with_header(b"Cc: " + b"<" * n),
    "groups": lambda n: with_header(b"Cc: " + b"g:" * n),
    "commas": lambda n: with_header(b"Cc: " + b"," * n),
    "people": lambda n: with_header(b"Cc: " + b"a@b.example, " * n),
    "people in fields": lambda n: with_header(b"Cc: a@b.example\r\n" * n),
    "words in the subject": lambda n: with_header(b"Sensitivity: " + b"=?utf-8?q?a?= " * n),
    "open words": lambda n: with_header(b"Sensitivity: " + b"=?" * n),
    "question marks": lambda n: with_header(b"Sensitivity: =?a?q?" + b"?" * n),
    "folds": lambda n: with_header(b"X-Fold: a" + b"\r\n " * n),
    "spaces in the subject": lambda n: b"From: a@b.example\r\nSubject: " + b" " * n + b"x\r\n\r\n",
    "fields": lambda n: with_header(b"X-A: b\r\n" * n),
    "colons": lambda n: with_header(b":" * n),
    "no line end": lambda n: b"From: a@b.example" + b"x" * n,
    "references": lambda n: with_header(b"References: " + b"<a@b> " * n),
    "open references": lambda n: with_header(b"References: " + b"<" * n),
    "dates": lambda n: with_header(b"Date: " + b"1" * n),
    "date words": lambda n: with_header(b"Date: Mon, " + b"- " * n),
    "parameters": lambda n: with_header(b"Content-Type: text/plain" + b"; a=b" * n),
    "continued parameters": lambda n: with_header(
        b"Content-Type: text/plain" + b"".join(b"; charset*%d*=%%41" % each for each in range(min(n, 20_000)))
    ),
    "a large continuation": lambda n: with_header(
        b"Content-Type: text/plain; charset*%d*=utf-8''%%41" % (10**n % 10**18)
    ),
    "quotes in parameters": lambda n: with_header(b'Content-Type: text/plain; charset="' + b'\\"' * n),
    "boundaries": lambda n: body_of(b'multipart/mixed; boundary="b"', b"--b\r\n" * n),
    "near boundaries": lambda n: body_of(b'multipart/mixed; boundary="b"', b"\n--bb" * n),
    "long boundary": lambda n: body_of(b'multipart/mixed; boundary="' + b"b" * n + b'"', b"--" + b"b" * n),
    "dashes": lambda n: body_of(b'multipart/mixed; boundary="-"', b"\n---" * n),
    "depth": lambda n: nested(min(n, 15_000)),
    "parts": lambda n: parts(min(n, 50_000)),
    "base64": lambda n: body_of(b"text/plain", base64.b64encode(b"x" * n), b"base64"),
    "not base64": lambda n: body_of(b"text/plain", b"=" * n + b"!", b"base64"),
    "soft line ends": lambda n: body_of(b"text/plain", b"=\r\n" * n, b"quoted-printable"),
    "equal signs": lambda n: body_of(b"text/plain", b"=" * n, b"quoted-printable"),
    "tags": lambda n: body_of(b"text/html", b"<" * n),
    "open tags": lambda n: body_of(b"text/html", b"<a" * n),
    "open quotes in tags": lambda n: body_of(b"text/html", b'<a href="' * n),
    "comments": lambda n: body_of(b"text/html", b"<!--" * n),
    "declarations": lambda n: body_of(b"text/html", b"<![CDATA[" * n),
    "open scripts": lambda n: body_of(b"text/html", b"<script>" * n),
    "open heads": lambda n: body_of(b"text/html", b"<head>" * n),
    "boxes": lambda n: body_of(b"text/html", b"<div>" * n),
    "ampersands": lambda n: body_of(b"text/html", b"&" * n),
    "numbers as entities": lambda n: body_of(b"text/html", b"&#" + b"9" * n + b";"),
    "lines": lambda n: body_of(b"text/plain", b"\n" * n),
    "one line": lambda n: body_of(b"text/plain", b"x" * n),
    "nothing but zeros": lambda n: b"\0" * n,
    "zeros in the text": lambda n: body_of(b"text/plain", b"a\0" * n),
    "calendar": calendar,
    "reports": lambda n: report(min(n, 20_000)),
}


def bombs() -> Iterator[tuple[str, bytes]]:
    """(name, raw message): several hundred, the same ones every time."""
    for name, make in GROWING.items():
        for size in SIZES:
            yield f"{name} x {size}", make(size)
    for charset in CHARSETS:
        yield f"charset {charset[:20]}", body_of(b"text/plain; charset=" + charset.encode(), b"xn--a\\u0041" * 9_000)
        yield f"word in {charset[:20]}", with_header(b"Sensitivity: =?" + charset.encode() + b"?q?xn--a?=")
    yield "empty", b""
    yield "more than 10 MB", HEAD + b"\r\n" + b"x" * (10 * 1024 * 1024)
    yield "10 MB", body_of(b"text/html", b"<p>x" * (2_500_000))
    chance = random.Random(2_15)
    whole = parts(5)
    for number in range(40):
        yield f"noise {number}", chance.randbytes(chance.randrange(1, 50_000))
        broken = bytearray(whole)
        for _ in range(chance.randrange(1, 60)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        yield f"broken {number}", bytes(broken)
        yield f"cut off {number}", whole[: chance.randrange(len(whole))]
