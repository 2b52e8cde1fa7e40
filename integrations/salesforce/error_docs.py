"""docs/errors.md, written from the error table.

python -m integrations.salesforce.error_docs > docs/errors.md
"""

import sys
from collections.abc import Iterable

from integrations.salesforce.errors import (
    ERROR_TABLE,
    ConnectionLost,
    ErrorRow,
    LimitReached,
    RecordGone,
    Rejected,
    SalesforceError,
    StaleDescribe,
    Transient,
    UnexpectedAnswer,
)

_INTRODUCTION = """\
# What Salesforce answers, and what Touchline does

This page is written from the error table in `integrations/salesforce/error_rows/`; change it there, then run
`python -m integrations.salesforce.error_docs > docs/errors.md`.

Codes are Salesforce's own. Where one code means several things, the words of its message tell them apart; the
line without words is what Touchline assumes otherwise. A code that is not listed here stops the row and is
shown as it is; together with a status of 420 or from 500 on it is tried again, and a write is looked up
first.

After a time-out, a broken connection, or a code marked with ¹, a record may have been saved although no
answer came. Touchline then looks for it by its key before it sends anything again.
"""

# Section: title, what Touchline does, the classes in it. The first fitting section takes a row.
_SECTIONS: tuple[tuple[str, str, tuple[type[SalesforceError], ...]], ...] = (
    (
        "It heals itself",
        "Nothing was written. Touchline tries again, with growing pauses, and nobody has to act.",
        (Transient,),
    ),
    (
        "The whole org waits",
        "Touchline holds everything for this Salesforce org, tries one call from time to time, and goes on in order.",
        (LimitReached,),
    ),
    (
        "The connection needs attention",
        "Touchline holds this person's activities; they flow in order once the connection works again.",
        (ConnectionLost,),
    ),
    (
        "A field is missing or hidden",
        "Touchline reads the org's fields again and leaves an optional field out. If that does not help, "
        "the row stops.",
        (StaleDescribe,),
    ),
    (
        "Salesforce does not accept the record",
        "The row stops in the Activity Log under Errors until a person has acted and pressed Retry.",
        (Rejected,),
    ),
    (
        "The record is gone",
        "Touchline looks for the right record again. A record of ours that a person deleted is not made again.",
        (RecordGone,),
    ),
    (
        "A fault of Touchline, or an answer it does not know",
        "The row stops. Please report the code and the request id.",
        (UnexpectedAnswer,),
    ),
)


def render_errors_page() -> str:
    """The page as Markdown; every row of the table stands in it once."""
    rest = list(ERROR_TABLE)
    parts = [_INTRODUCTION]
    for title, treatment, classes in _SECTIONS:
        rows = [row for row in rest if issubclass(row.error, classes)]
        rest = [row for row in rest if row not in rows]
        parts.append(_render_section(title, treatment, rows))
    return "\n".join(parts)


def _render_section(title: str, treatment: str, rows: Iterable[ErrorRow]) -> str:
    ordered = sorted(rows, key=lambda row: (row.source, row.code.casefold(), row.pattern or ""))
    lines = [f"## {title}", "", treatment, ""]
    lines += ["| code | what happened | what it means for you | who acts | where |", "|---|---|---|---|---|"]
    lines += [_render_row(row) for row in ordered]
    return "\n".join([*lines, ""])


def _render_row(row: ErrorRow) -> str:
    code = f"`{row.code}`" + (" (OAuth)" if row.source == "oauth" else "") + (" ¹" if row.unknown_on_write else "")
    if row.pattern:
        words = row.pattern.replace(r"\b", "").replace(".?", "'").replace(" ?", "").replace("|", "” or “")
        code += f" with “{words}”"
    # Some messages and places hold a bar, which would end the cell.
    cells = (
        code,
        row.title,
        row.user_message,
        row.who,
        row.where or "–",
    )
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


if __name__ == "__main__":
    sys.stdout.write(render_errors_page())
