"""Well-formed and nearly well-formed mail as programs really write it, with exactly what is to be read of it."""

import base64
from datetime import UTC, datetime

import pytest

from integrations.mailbox.bounces import Bounce
from integrations.mailbox.mime import parse_headers, parse_message

FROM = b"From: a@b.example\r\n"

PEOPLE = [
    (b"nora@x.example", [("nora@x.example", "")]),
    (b"<nora@x.example>", [("nora@x.example", "")]),
    (b"Nora <nora@x.example>", [("nora@x.example", "Nora")]),
    (b"Nora West <nora@x.example>", [("nora@x.example", "Nora West")]),
    (b'"West, Nora" <nora@x.example>', [("nora@x.example", "West, Nora")]),
    (b'"Nora \\"No\\" West" <nora@x.example>', [("nora@x.example", 'Nora "No" West')]),
    (b"'Nora West' <nora@x.example>", [("nora@x.example", "Nora West")]),
    (b"nora@x.example (Nora West)", [("nora@x.example", "Nora West")]),
    (b"(Sales) nora@x.example", [("nora@x.example", "Sales")]),
    (b"Nora (in (the) West) <nora@x.example>", [("nora@x.example", "Nora")]),
    (b"Nora\r\n West\r\n\t<nora@x.example>", [("nora@x.example", "Nora West")]),
    (b"NORA@X.EXAMPLE", [("NORA@X.EXAMPLE", "")]),
    (b"nora@x.example, peter@y.example", [("nora@x.example", ""), ("peter@y.example", "")]),
    (b"nora@x.example; peter@y.example", [("nora@x.example", ""), ("peter@y.example", "")]),
    (b"nora@x.example,,, peter@y.example,", [("nora@x.example", ""), ("peter@y.example", "")]),
    (b"Team: nora@x.example, Peter <peter@y.example>;", [("nora@x.example", ""), ("peter@y.example", "Peter")]),
    (b"undisclosed-recipients:;", []),
    (b"Undisclosed recipients:;", []),
    (
        b"A: a@x.example; B: b@x.example;, c@x.example",
        [("a@x.example", ""), ("b@x.example", ""), ("c@x.example", "")],
    ),
    (b"", []),
    (b"Nora West", []),
    (b"Nora <>", []),
    (b"<@relay.example,@b.example:nora@x.example>", [("nora@x.example", "")]),
    (b"<mailto:nora@x.example>", [("nora@x.example", "")]),
    (b"nora@x.example <nora@x.example>", [("nora@x.example", "")]),
    (b'"nora@x.example" <nora@x.example>', [("nora@x.example", "")]),
    (b'"nora@x.example" <other@x.example>', [("other@x.example", "nora@x.example")]),
    (b"=?utf-8?q?J=C3=B6rg?= <j@x.example>", [("j@x.example", "J\u00f6rg")]),
    (b"=?UTF-8?B?SsO2cmc=?= <j@x.example>", [("j@x.example", "J\u00f6rg")]),
    (b'"=?utf-8?q?J=C3=B6rg?=" <j@x.example>', [("j@x.example", "J\u00f6rg")]),
    (b"=?utf-8?q?West=2C_Nora?= <nora@x.example>", [("nora@x.example", "West, Nora")]),
    (b"=?utf-8?q?evil=40x=2Eexample?= <nora@x.example>", [("nora@x.example", "evil@x.example")]),
    (b"=?utf-8?q?Nora_=3Cevil=40x=2Eexample=3E?= <nora@x.example>", [("nora@x.example", "Nora <evil@x.example>")]),
    (b"J\xc3\xb6rg <j@x.example>", [("j@x.example", "J\u00f6rg")]),
    (b"J\xf6rg <j@x.example>", [("j@x.example", "J\u00f6rg")]),
    (b"j\xc3\xb6rg@x.example", [("j\u00f6rg@x.example", "")]),
    (b"nora@b\xc3\xbccher.example", [("nora@b\u00fccher.example", "")]),
    (b"nora.west+tag@x.example", [("nora.west+tag@x.example", "")]),
    (b'"nora west"@x.example', []),
    (b"O'Hara <o'hara@x.example>", [("o'hara@x.example", "O'Hara")]),
    (b"Nora <nora @ x.example>", [("nora@x.example", "Nora")]),
    (b"Nora <nora@x.example", [("nora@x.example", "Nora")]),
    (b'"Nora <nora@x.example>', [("nora@x.example", "Nora")]),
    (b"Nora West nora@x.example", []),
    (b"Nora: <nora@x.example>", [("nora@x.example", "")]),
    (b"Nora\t<nora@x.example>", [("nora@x.example", "Nora")]),
    (b"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?= <jp@x.example>", [("jp@x.example", "\u65e5\u672c")]),
]

SUBJECTS = [
    (b"Offer", "Offer"),
    (b"", ""),
    (b"  Offer  ", "Offer"),
    (b"An offer\r\n that goes on", "An offer that goes on"),
    (b"An offer\r\n\tthat goes on", "An offer that goes on"),
    (b"An\n offer", "An offer"),
    (b"a   b", "a b"),
    (b"=?utf-8?q?Angebot_f=C3=BCr_Sie?=", "Angebot f\u00fcr Sie"),
    (b"=?utf-8?b?QW5nZWJvdCBmw7xyIFNpZQ==?=", "Angebot f\u00fcr Sie"),
    (b"=?utf-8?b?QW5nZWJvdCBmw7xyIFNpZQ?=", "Angebot f\u00fcr Sie"),
    (b"=?iso-8859-1?q?Caf=E9?=", "Caf\u00e9"),
    (b"=?iso-8859-15?q?=A4_5?=", "\u20ac 5"),
    (b"=?windows-1252?q?=80_5_=96_6?=", "\u20ac 5 \u2013 6"),
    (b"=?iso-8859-1?q?=80_5?=", "\u20ac 5"),
    (b"=?koi8-r?B?8NLJ18XU?=", "\u041f\u0440\u0438\u0432\u0435\u0442"),
    (b"=?windows-1251?Q?=CF=F0=E8=E2=E5=F2?=", "\u041f\u0440\u0438\u0432\u0435\u0442"),
    (b"=?gb2312?B?xOO6ww==?=", "\u4f60\u597d"),
    (b"=?big5?B?p0Gmbg==?=", "\u4f60\u597d"),
    (b"=?euc-kr?B?vsiz58fPvLy/5A==?=", "\uc548\ub155\ud558\uc138\uc694"),
    (b"=?ks_c_5601-1987?B?vsiz5w==?=", "\uc548\ub155"),
    (b"=?shift_jis?B?k/qWew==?=", "\u65e5\u672c"),
    (b"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "\u65e5\u672c"),
    (b"=?utf-8?q?one?= =?utf-8?q?two?=", "onetwo"),
    (b"=?utf-8?q?one?=\r\n =?utf-8?q?two?=", "onetwo"),
    (b"=?utf-8?q?one?= and =?utf-8?q?two?=", "one and two"),
    (b"=?utf-8?q?one_?= =?utf-8?q?two?=", "one two"),
    (b"=?utf-8?b?8J+Y?= =?utf-8?b?gA==?=", "\U0001f600"),
    (b"=?utf-8?q?a?= =?iso-8859-1?q?=E9?=", "a\u00e9"),
    (b"=?utf-8*en?q?tagged?=", "tagged"),
    (b"=?UTF-8?Q?Upper?=", "Upper"),
    (b"=?utf-8?x?no_such_encoding?=", "=?utf-8?x?no_such_encoding?="),
    (b"=?utf-8?q?open", "=?utf-8?q?open"),
    (b"=?no-such-charset?q?Caf=C3=A9?=", "Caf\u00e9"),
    (b"=?no-such-charset?q?Caf=E9?=", "Caf\u00e9"),
    (b"=?us-ascii?q?Caf=C3=A9?=", "Caf\u00e9"),
    (b"=?utf-8?q?Caf=E9?=", "Caf\ufffd"),
    (b"=?utf-8?q?a=0D=0ABcc=3A_x?=", "a Bcc: x"),
    (b"=?utf-8?q?a=00b?=", "ab"),
    (b"=?utf-8?q?a b?=", "a b"),
    (b"Re: =?utf-8?q?Caf=C3=A9?= (again)", "Re: Caf\u00e9 (again)"),
    (b"Caf\xc3\xa9", "Caf\u00e9"),
    (b"Caf\xe9", "Caf\u00e9"),
    (b"\x80 5", "\u20ac 5"),
    (b"a\x07b", "a b"),
    (b"What? =2?=", "What? =2?="),
]

DATES = [
    (b"Fri, 20 Nov 2026 12:00:00 +0000", datetime(2026, 11, 20, 12, tzinfo=UTC)),
    (b"Fri, 20 Nov 2026 12:00:00 +0100", datetime(2026, 11, 20, 11, tzinfo=UTC)),
    (b"20 Nov 2026 12:00:00 -0800", datetime(2026, 11, 20, 20, tzinfo=UTC)),
    (b"Fri, 20 Nov 2026 12:00:00 GMT", datetime(2026, 11, 20, 12, tzinfo=UTC)),
    (b"Fri, 20 Nov 2026 12:00:00 EST", datetime(2026, 11, 20, 17, tzinfo=UTC)),
    (b"Fri, 20 Nov 2026 12:00 +0000", datetime(2026, 11, 20, 12, tzinfo=UTC)),
    (b"Fri, 20 Nov 26 12:00:00 +0000", datetime(2026, 11, 20, 12, tzinfo=UTC)),
    (b"Fri, 20 Nov 2026 12:00:00 +0100 (CET)", datetime(2026, 11, 20, 11, tzinfo=UTC)),
    (b"Fri,20 Nov 2026 12:00:00 -0000", datetime(2026, 11, 20, 12, tzinfo=UTC)),
    (b"Fri, 20 Nov 2026 12:00:00", datetime(2026, 11, 20, 12, tzinfo=UTC)),
    (b"2026-11-20", None),
    (b"yesterday", None),
    (b"", None),
    (b"Fri, 99 Nov 2026 12:00:00 +0000", None),
    (b"Fri, 20 Nov 2026 12:00:00 +9999", None),
]

IDS = [
    (b"Message-ID: <1@x.example>", "1@x.example"),
    (b"Message-Id:<1@x.example>", "1@x.example"),
    (b"MESSAGE-ID: < 1@x.example >", "1@x.example"),
    (b"Message-ID:\r\n <1@x.example>", "1@x.example"),
    (b"Message-ID: 1@x.example", "1@x.example"),
    (b"Message-ID: <1>", "1"),
    (b"Message-ID: <1@x.example> (added by postmaster)", "1@x.example"),
    (b"Message-ID: <1@x.example>\r\nMessage-ID: <2@x.example>", "1@x.example"),
    (b"Message-ID:\r\nMessage-ID: <2@x.example>", "2@x.example"),
    (b"Message-ID: <a$b%c=d@[10.0.0.1]>", "a$b%c=d@[10.0.0.1]"),
]

ANSWERS = [
    (b"In-Reply-To: <1@x.example>", ("1@x.example", ())),
    (b"In-Reply-To: <1@x.example> <2@x.example>", ("1@x.example", ())),
    (b"In-Reply-To: Your message of Friday <1@x.example>", ("1@x.example", ())),
    (b"In-Reply-To: 1@x.example", ("", ())),
    (b"References: <1@x.example>\r\n <2@x.example>", ("", ("1@x.example", "2@x.example"))),
    (b"References: <1@x.example><2@x.example>", ("", ("1@x.example", "2@x.example"))),
    (b"References: <1@x.example>,<2@x.example>", ("", ("1@x.example", "2@x.example"))),
    (b"References: " + b"<1@x.example> " * 60, ("", ("1@x.example",) * 50)),
]

AUTOMATIC = [
    (b"Auto-Submitted: auto-replied", True),
    (b"Auto-Submitted: auto-generated", True),
    (b"Auto-Submitted: auto-replied; owner-email=a@b.example", True),
    (b"Auto-Submitted: no", False),
    (b"Auto-Submitted: No", False),
    (b"Precedence: auto_reply", True),
    (b"Precedence: bulk", True),
    (b"Precedence: list", False),
    (b"X-Autoreply: yes", True),
    (b"X-Autoreply: no", False),
    (b"X-Autorespond: Away", True),
    (b"X-Auto-Response-Suppress: All", False),
    (b"X-Priority: 1", False),
]

PLAIN, HTML = b"text/plain; charset=utf-8", b"text/html; charset=utf-8"
TEXTS = [
    (b"text/plain", b"7bit", b"Hello", "Hello"),
    (b"text/plain", b"7bit", b"one\r\ntwo  \r\n\r\n", "one\ntwo"),
    (b"text/plain", b"7bit", b"one\rtwo", "one\ntwo"),
    (PLAIN, b"8bit", b"Caf\xc3\xa9", "Caf\u00e9"),
    (PLAIN, b"8bit", b"Caf\xe9", "Caf\ufffd"),
    (PLAIN, b"8bit", b"\xef\xbb\xbfHello", "Hello"),
    (b"text/plain; charset=iso-8859-1", b"8bit", b"Caf\xe9 \x80", "Caf\u00e9 \u20ac"),
    (b'text/plain; charset="ISO-8859-1"', b"8bit", b"Caf\xe9", "Caf\u00e9"),
    (b"text/plain; charset='utf-8'", b"8bit", b"Caf\xc3\xa9", "Caf\u00e9"),
    (b"text/plain; charset=utf-16", b"base64", base64.b64encode("Caf\u00e9".encode("utf-16")), "Caf\u00e9"),
    (b"text/plain; charset=utf-7", b"7bit", b"Caf+AOk-", "Caf\u00e9"),
    (b"text/plain; charset=unknown-8bit", b"8bit", b"Caf\xe9", "Caf\u00e9"),
    (b"text/plain; charset=x-unknown", b"8bit", b"Caf\xc3\xa9", "Caf\u00e9"),
    (b"text/plain; charset=idna", b"7bit", b"xn--caf-dma", "xn--caf-dma"),
    (b"text/plain; charset=zip", b"7bit", b"Hello", "Hello"),
    (b"text/plain; charset=unicode_escape", b"7bit", b"\\u0041", "\\u0041"),
    (b"text/plain; charset=gb2312", b"8bit", "\u4f60\u597d".encode("gb18030"), "\u4f60\u597d"),
    (b"text/plain; charset=iso-2022-jp", b"7bit", "\u65e5\u672c".encode("iso-2022-jp"), "\u65e5\u672c"),
    (b"text/plain; charset=shift_jis", b"8bit", "\u2460".encode("cp932"), "\u2460"),
    (b"text/plain", b"8bit", b"Caf\xc3\xa9", "Caf\u00e9"),
    (b"text/plain", b"8bit", b"Caf\xe9", "Caf\u00e9"),
    (b"text/plain; charset*=utf-8''utf-8", b"8bit", b"Caf\xc3\xa9", "Caf\u00e9"),
    (b"text/plain; charset*0=iso-; charset*1=8859-1", b"8bit", b"Caf\xe9", "Caf\u00e9"),
    (b"", b"", b"Hello", "Hello"),
    (b"text", b"7bit", b"Hello", "Hello"),
    (b"text/plain;;", b"7bit", b"Hello", "Hello"),
    (b"TEXT/PLAIN; CHARSET=UTF-8", b"8BIT", b"Caf\xc3\xa9", "Caf\u00e9"),
    (PLAIN, b"quoted-printable", b"Caf=C3=A9 =\r\nau lait", "Caf\u00e9 au lait"),
    (PLAIN, b"Quoted-Printable", b"a=3Db=", "a=b"),
    (PLAIN, b"quoted-printable", b"100 =% sure", "100 =% sure"),
    (PLAIN, b"base64", b"SGVs\r\nbG8=", "Hello"),
    (PLAIN, b"base64", b"SGVsbG8", "Hello"),
    (PLAIN, b"base64", b"SGVs!bG8=", "Hello"),
    (PLAIN, b"base64", b"SGVsbG8gV", "Hello "[:5]),
    (PLAIN, b"x-no-such", b"Hello", "Hello"),
    (PLAIN, b"7bit", b"a\0b", "ab"),
    (HTML, b"8bit", b"<p>Hello</p><p>World</p>", "Hello\n\nWorld"),
    (HTML, b"8bit", b"one<br>two<br/>three", "one\ntwo\nthree"),
    (HTML, b"8bit", b"<ul><li>one</li><li>two</li></ul>", "- one\n- two"),
    (HTML, b"8bit", b"<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\n\nc"),
    (HTML, b"8bit", b"a &amp; b &lt;c&gt; &#8364; &euro; &nbsp;d", "a & b <c> \u20ac \u20ac d"),
    (HTML, b"8bit", b"<style>p{}</style><script>alert(1)</script>Hello", "Hello"),
    (HTML, b"8bit", b"<html><head><title>T</title></head><body>Hello</body></html>", "Hello"),
    (HTML, b"8bit", b"<!-- no -->Hello<!--[if mso]>no<![endif]-->", "Hello"),
    (HTML, b"8bit", b'<a href="javascript:alert(1)">link</a>', "link"),
    (HTML, b"8bit", b'<img alt="a > b" src=x>Hello', "Hello"),
    (HTML, b"8bit", b"5 < 6 and 7 > 2", "5 < 6 and 7 > 2"),
    (HTML, b"8bit", b"some <b>bold</b> and <i>more</i>", "some bold and more"),
    (HTML, b"8bit", b"a\n  b\n c", "a b c"),
    (HTML, b"8bit", b"<div>one</div><div>two</div>", "one\n\ntwo"),
    (b"text/rtf", b"7bit", b"{\\rtf1 Hello}", ""),
    (b"application/pkcs7-mime; smime-type=enveloped-data", b"base64", b"MIIB", ""),
    (b"application/ms-tnef; name=winmail.dat", b"base64", b"eJ8+", ""),
]


def boundary(*pieces: bytes, kind: bytes = b"mixed", end: bytes = b"--b--") -> bytes:
    """A multipart body with its header."""
    inside = b"".join(b"--b\r\n" + piece + b"\r\n" for piece in pieces)
    return b"Content-Type: multipart/" + kind + b'; boundary="b"\r\n\r\n' + inside + end


def part(kind: bytes, body: bytes, *more: bytes) -> bytes:
    """A part."""
    return b"\r\n".join([b"Content-Type: " + kind, *more, b"", body])


ATTACHED = b"Content-Disposition: attachment; filename*=utf-8''%C3%A9.txt"
INNER = b'Content-Type: multipart/alternative; boundary="c"\r\n\r\n--c\r\n' + part(PLAIN, b"plain") + b"\r\n--c--"
STRUCTURES = [
    ("alternative", boundary(part(PLAIN, b"plain"), part(HTML, b"<p>html"), kind=b"alternative"), "plain"),
    ("html first", boundary(part(HTML, b"<p>html"), part(PLAIN, b"plain"), kind=b"alternative"), "plain"),
    ("empty plain", boundary(part(PLAIN, b" \r\n"), part(HTML, b"<p>html"), kind=b"alternative"), "html"),
    ("attachment", boundary(part(PLAIN, b"text"), part(PLAIN, b"file", ATTACHED)), "text"),
    ("only an attachment", boundary(part(PLAIN, b"file", ATTACHED)), ""),
    ("attachment first", boundary(part(PLAIN, b"file", ATTACHED), part(PLAIN, b"text")), "text"),
    ("inner alternative", boundary(INNER, part(b"application/pdf", b"%PDF")), "plain"),
    ("prologue", b'Content-Type: multipart/mixed; boundary="b"\r\n\r\nNo MIME\r\n--b\r\n\r\ntext\r\n--b--', "text"),
    ("epilogue", boundary(part(PLAIN, b"text")) + b"\r\nThe end", "text"),
    ("no end", boundary(part(PLAIN, b"text"), end=b""), "text"),
    ("cut off", boundary(part(PLAIN, b"text"), part(b"application/pdf", b"x" * 99), end=b"")[:-50], "text"),
    ("no boundary named", b"Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\ntext", "--b\n\ntext"),
    ("no such boundary", b'Content-Type: multipart/mixed; boundary="z"\r\n\r\n--b\r\n\r\ntext', ""),
    ("a longer boundary", boundary(part(PLAIN, b"one\r\n--bb\r\ntwo")), "one\n--bb\ntwo"),
    ("boundary with space", boundary(part(PLAIN, b"text")).replace(b"--b\r\n", b"--b \r\n"), "text"),
    ("line feeds", boundary(part(PLAIN, b"text")).replace(b"\r\n", b"\n"), "text"),
    ("part without a type", boundary(b"\r\ntext"), "text"),
    ("attached mail", boundary(part(PLAIN, b"see"), part(b"message/rfc822", FROM + b"\r\nthat")), "see"),
    ("signed", boundary(part(PLAIN, b"text"), part(b"application/pkcs7-signature", b"MII"), kind=b"signed"), "text"),
    ("encrypted", boundary(part(b"application/pgp-encrypted", b"Version: 1"), kind=b"encrypted"), ""),
    ("tnef", boundary(part(PLAIN, b"text"), part(b"application/ms-tnef", b"x")), "text"),
    ("related", boundary(part(HTML, b"<p>html<img src=cid:1>"), part(b"image/png", b"x"), kind=b"related"), "html"),
    (
        "quoted boundary",
        b"Content-Type: multipart/mixed; boundary=\"b'()+_,-./:=?\"\r\n\r\n--b'()+_,-./:=?\r\n\r\ntext",
        "text",
    ),
]

CASES = (
    len(PEOPLE) + len(SUBJECTS) + len(DATES) + len(IDS) + len(ANSWERS) + len(AUTOMATIC) + len(TEXTS) + len(STRUCTURES)
)


def test_there_are_enough_oddities() -> None:
    assert CASES >= 150


@pytest.mark.parametrize(("value", "people"), PEOPLE)
def test_people(value: bytes, people: list[tuple[str, str]]) -> None:
    assert list(parse_headers(FROM + b"To: " + value + b"\r\n").to) == people


@pytest.mark.parametrize(("value", "subject"), SUBJECTS)
def test_subjects(value: bytes, subject: str) -> None:
    assert parse_headers(FROM + b"Subject: " + value + b"\r\n").subject == subject


@pytest.mark.parametrize(("value", "date"), DATES)
def test_dates(value: bytes, date: datetime | None) -> None:
    assert parse_headers(FROM + b"Date: " + value + b"\r\n").date == date


@pytest.mark.parametrize(("field", "message_id"), IDS)
def test_message_ids(field: bytes, message_id: str) -> None:
    assert parse_headers(FROM + field + b"\r\n").message_id == message_id


@pytest.mark.parametrize(("field", "found"), ANSWERS)
def test_what_it_answers(field: bytes, found: tuple[str, tuple[str, ...]]) -> None:
    mail = parse_headers(FROM + field + b"\r\n")
    assert (mail.in_reply_to, mail.references) == found


@pytest.mark.parametrize(("field", "is_automatic"), AUTOMATIC)
def test_automatic_answers(field: bytes, is_automatic: bool) -> None:
    assert parse_headers(FROM + field + b"\r\n").is_automatic is is_automatic


@pytest.mark.parametrize(("kind", "encoding", "body", "text"), TEXTS)
def test_texts(kind: bytes, encoding: bytes, body: bytes, text: str) -> None:
    fields = (b"Content-Type: " + kind + b"\r\n") * bool(kind) + (
        b"Content-Transfer-Encoding: " + encoding + b"\r\n"
    ) * bool(encoding)
    assert parse_message(FROM + fields + b"\r\n" + body).text == text


@pytest.mark.parametrize(("name", "raw", "text"), STRUCTURES, ids=[each[0] for each in STRUCTURES])
def test_structures(name: str, raw: bytes, text: str) -> None:
    assert parse_message(FROM + raw).text == text


def test_the_fingerprint_of_a_mail_without_an_id_is_the_same_for_each_copy() -> None:
    mail = FROM + b"To: Nora <nora@x.example>\r\nDate: Fri, 20 Nov 2026 12:00:00 +0000\r\nSubject: Hi\r\n"
    copy = b"Received: by somebody\r\n" + mail.replace(b"Nora <nora@x.example>", b"nora@X.example")

    assert parse_headers(mail).message_id == parse_headers(copy).message_id
    assert parse_headers(mail).message_id.endswith("@no-message-id.invalid")
    assert parse_headers(mail).message_id != parse_headers(mail.replace(b"Hi", b"Ho")).message_id


def test_the_text_is_cut_and_says_so() -> None:
    mail = parse_message(FROM + b"\r\n" + b"x" * 40_000)
    assert (len(mail.text), mail.text_was_cut) == (32_000, True)


def test_calendars_are_kept_apart() -> None:
    invitation = b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR"
    raw = boundary(part(PLAIN, b"Come"), part(b"text/calendar; method=REQUEST", invitation), kind=b"alternative")
    mail = parse_message(FROM + raw)
    assert (mail.text, mail.calendars) == ("Come", (invitation.decode(),))


def delivery_report(*recipients: bytes, original: bytes) -> bytes:
    status = b"Reporting-MTA: dns; mx.example\r\n\r\n" + b"\r\n\r\n".join(recipients)
    pieces = [part(PLAIN, b"It failed"), part(b"message/delivery-status", status), original]
    return FROM + boundary(*pieces, kind=b"report; report-type=delivery-status")


ORIGINAL = part(b"message/rfc822", b"From: ben@acme.example\r\nMessage-ID: <m1@acme.example>\r\n\r\nHello")
ORIGINAL_HEADERS = part(b"text/rfc822-headers", b"From: ben@acme.example\r\nMessage-ID: <m1@acme.example>\r\n")
NORA = b"Final-Recipient: rfc822; nora@x.example\r\nAction: failed\r\nStatus: 5.1.1"
BOUNCES = [
    ([NORA], ORIGINAL, Bounce("m1@acme.example", ("nora@x.example",))),
    ([NORA], ORIGINAL_HEADERS, Bounce("m1@acme.example", ("nora@x.example",))),
    ([NORA.replace(b"failed", b"Failed")], ORIGINAL, Bounce("m1@acme.example", ("nora@x.example",))),
    ([NORA.replace(b"rfc822; ", b"RFC822;<") + b">"], ORIGINAL, Bounce("m1@acme.example", ("nora@x.example",))),
    (
        [b"Original-Recipient: rfc822;asked@x.example\r\n" + NORA],
        ORIGINAL,
        Bounce("m1@acme.example", ("asked@x.example",)),
    ),
    (
        [NORA, NORA.replace(b"nora", b"peter"), NORA.replace(b"nora", b"late").replace(b"failed", b"delayed")],
        ORIGINAL,
        Bounce("m1@acme.example", ("nora@x.example", "peter@x.example")),
    ),
    ([NORA, NORA], ORIGINAL, Bounce("m1@acme.example", ("nora@x.example",))),
    ([NORA.replace(b"failed", b"delayed")], ORIGINAL, None),
    ([NORA.replace(b"failed", b"delivered")], ORIGINAL, None),
    ([NORA.replace(b"rfc822;", b"x400;")], ORIGINAL, None),
    ([NORA], part(PLAIN, b"nothing"), Bounce("", ("nora@x.example",))),
]


@pytest.mark.parametrize(("recipients", "original", "bounce"), BOUNCES)
def test_delivery_reports(recipients: list[bytes], original: bytes, bounce: Bounce | None) -> None:
    mail = parse_message(delivery_report(*recipients, original=original))
    assert (mail.may_be_bounce, mail.bounce) == (True, bounce)
