"""What a mail may measure, held before and while it is parsed: Python's own parsers have no limits."""

RAW_BYTES = 10 * 1024 * 1024
HEADERS_BYTES = 64 * 1024
HEADER_BYTES = 8 * 1024
"""Of one header with a single value (Subject, From, Content-Type, …). Lists of people are bound by their number."""
ENCODED_WORDS = 100
PARTS = 200
DEPTH = 20
PEOPLE = 500
CALENDAR_BYTES = 1024 * 1024
HTML_CHARACTERS = 1024 * 1024
TEXT_CHARACTERS = 32_000
REFERENCES = 50
BOUNCED = 50


class Unreadable(Exception):
    """A mail that is not read any further; `reason` is a slug, told in words by QUARANTINE_REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


QUARANTINE_REASONS = {
    "too_large": "The message is larger than 10 MB.",
    "headers_too_large": "Its headers are larger than 64 KB.",
    "header_too_long": "One of its headers is longer than 8 KB.",
    "too_many_words": "A header has more than 100 encoded words.",
    "too_many_parts": "It has more than 200 parts.",
    "too_deep": "Its parts are nested more than 20 levels deep.",
    "too_many_people": "It names more than 500 people.",
    "no_sender": "It does not say who sent it.",
    "too_costly": "Reading it took more time or memory than one message may take.",
    "broken": "It is damaged or not an e-mail.",
    "refused": "Its content could not be stored.",
}
"""Why a message stands aside, for people."""
