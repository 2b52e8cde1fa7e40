"""Bytes to text whatever they claim to be. Never raises."""

import codecs

# What mail programs mean by these names (WHATWG Encoding); the narrow standards are the exception in real mail.
_MEANT = {
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "ansi_x3.4-1968": "utf-8",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso-8859-8-i": "iso-8859-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "x-sjis": "cp932",
    "unicode-1-1-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "windows-874": "cp874",
    "x-windows-949": "cp949",
    "x-mac-roman": "mac-roman",
    "macintosh": "mac-roman",
    "cp-850": "cp850",
}
# Codecs of Python's that are no charsets of mail: some are slow, some run escapes.
_NO_CHARSETS = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"})


def decode(data: bytes, charset: str | None) -> str:
    """The text in the charset that is named, else in UTF-8, else in Windows-1252; without NUL and lone surrogates."""
    name = (charset or "").strip().strip("'\"").lower()
    for each in (_MEANT.get(name, name), "utf-8"):
        text = _decoded(data, each)
        if text is not None:
            return _clean(text)
    return _clean(_lenient(data, name))


def _decoded(data: bytes, name: str) -> str | None:
    if not name or name.replace("-", "_") in _NO_CHARSETS or len(name) > 40:
        return None
    try:
        return data.decode(name)
    except (LookupError, ValueError):
        return None


def _lenient(data: bytes, name: str) -> str:
    """A known charset with some bad bytes keeps what is good; else the Western guess, which takes any byte."""
    meant = _MEANT.get(name, name)
    if meant and meant not in ("utf-8", "cp1252") and meant.replace("-", "_") not in _NO_CHARSETS:
        try:
            if codecs.lookup(meant)._is_text_encoding:  # type: ignore[attr-defined]
                return data.decode(meant, "replace")
        except (LookupError, ValueError):
            pass
    return data.decode("utf-8" if name in ("utf-8", "utf8") else "cp1252", "replace")


def _clean(text: str) -> str:
    text = text.replace("\0", "").removeprefix("\ufeff")
    return text.encode("utf-8", "replace").decode("utf-8")
