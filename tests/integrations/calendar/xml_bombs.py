"""Answers of a calendar server that is out for harm, each kind in several sizes."""

from collections.abc import Iterator

HEAD = '<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">'
TAIL = "</d:multistatus>"
RESPONSE = (
    "<d:response><d:href>/c/{}.ics</d:href><d:propstat><d:prop><d:getetag>e</d:getetag></d:prop></d:propstat>"
    "</d:response>"
)


def hostile_answers() -> Iterator[tuple[str, bytes]]:
    """A name and a body for each."""
    yield from _entities()
    yield from _shapes()
    yield from _damaged()


def _entities() -> Iterator[tuple[str, bytes]]:
    for levels in (3, 9, 20, 40):
        lines = [f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, levels)]
        dtd = f'<!DOCTYPE x [<!ENTITY e0 "ha">{"".join(lines)}]>'
        yield f"billion laughs {levels}", f"{dtd}<x>&e{levels - 1};</x>".encode()
        yield f"laughs in an attribute {levels}", f'{dtd}<x a="&e{levels - 1};"/>'.encode()
    for size in (10_000, 100_000, 1_000_000):
        yield f"quadratic {size}", f'<!DOCTYPE x [<!ENTITY a "{"a" * size}">]><x>{"&a;" * (size // 100)}</x>'.encode()
    for target in (
        "file:///etc/passwd",
        "http://127.0.0.1:1/",
        "//evil.example/x",
        "php://filter",
        "file:///dev/zero",
    ):
        yield f"external entity {target}", f'<!DOCTYPE x [<!ENTITY a SYSTEM "{target}">]><x>&a;</x>'.encode()
        yield f"external DTD {target}", f'<!DOCTYPE x SYSTEM "{target}"><x/>'.encode()
        yield f"parameter entity {target}", f'<!DOCTYPE x [<!ENTITY % p SYSTEM "{target}"> %p;]><x/>'.encode()
        yield f"notation {target}", f'<!DOCTYPE x [<!NOTATION n SYSTEM "{target}">]><x/>'.encode()
        yield f"schema {target}", f'<!DOCTYPE x PUBLIC "-//X" "{target}"><x/>'.encode()
    yield "recursive entity", b'<!DOCTYPE x [<!ENTITY a "&b;"><!ENTITY b "&a;">]><x>&a;</x>'
    yield "bare DTD", b"<!DOCTYPE multistatus><multistatus/>"
    yield "unknown entity", b"<x>&nbsp;</x>"


def _shapes() -> Iterator[tuple[str, bytes]]:
    for depth in (40, 1_000, 100_000, 1_000_000):
        yield f"depth {depth}", b"<a>" * depth + b"</a>" * depth
        yield f"depth without end {depth}", b"<a>" * depth
        yield f"depth in a property {depth}", (
            HEAD + "<d:response><d:propstat><d:prop>" + "<a>" * depth + "</a>" * depth
            + "</d:prop></d:propstat></d:response>" + TAIL
        ).encode()  # fmt: skip
    for count in (30_000, 60_000, 200_000):
        yield f"{count} responses", (HEAD + RESPONSE * count + TAIL).encode()[: 16 * 1024 * 1024]
        yield (
            f"{count} hrefs",
            (HEAD + "<d:response>" + "<d:href>/c/a</d:href>" * count * 7 + "</d:response>" + TAIL).encode()[
                : 16 * 1024 * 1024
            ],
        )
        yield f"{count} elements", (HEAD + "<a/>" * (count * 7) + TAIL).encode()
    for count in (10_000, 100_000, 1_000_000):
        yield f"{count} attributes", b"<a " + b" ".join(b'a%d=""' % n for n in range(count)) + b"/>"
        yield f"{count} namespaces", b"<a " + b" ".join(b'xmlns:n%d="u"' % n for n in range(count)) + b"/>"
        yield f"{count} signs of a name", b"<" + b"a" * count * 10 + b"/>"
        yield f"{count} signs of an attribute", b'<a b="' + b"x" * count * 10 + b'"/>'
        yield f"{count} signs of a comment", b"<!--" + b"x" * count * 10 + b"--><a/>"
        yield f"{count} signs of an instruction", b"<?x " + b"x" * count * 10 + b"?><a/>"
        yield f"{count} signs of an open tag", b"<a " + b" " * count * 10
        yield f"{count} open brackets", b"<" * count
        yield f"{count} comments", b"<a>" + b"<!---->" * count + b"</a>"
        yield f"{count} sections", b"<a>" + b"<![CDATA[]]>" * count + b"</a>"
        yield f"{count} references", b"<a>" + b"&#x20;" * count + b"</a>"


def _damaged() -> Iterator[tuple[str, bytes]]:
    good = (HEAD + RESPONSE.format(1) + TAIL).encode()
    for encoding in ("utf-16", "utf-32", "utf-7", "cp037", "utf_16_be", "shift_jis"):
        yield f"in {encoding}", good.decode().encode(encoding)
    for name in ("utf-16", "x-unknown", "utf-7", "a" * 10_000, "../../etc/passwd"):
        yield f"said to be {name[:20]}", f'<?xml version="1.0" encoding="{name}"?>'.encode() + good
    for start in range(0, len(good), 16):
        yield f"cut at {start}", good[:start]
        yield f"NUL at {start}", good[:start] + b"\0" + good[start:]
        yield f"broken byte at {start}", good[:start] + b"\xff" + good[start:]
        yield f"second root after {start}", good + good[start:]
    yield "nothing", b""
    yield "zeros", bytes(1_000_000)
    yield "noise", bytes(range(256)) * 4_000
