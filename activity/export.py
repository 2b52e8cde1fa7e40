"""The Activity Log as a table for a spreadsheet."""

import csv
import re
from collections.abc import Iterator

from django.utils import timezone

from activity.queries.log import LogFilters, Row, activity_log
from workspaces.models import Membership, Workspace

COLUMNS = ("Status", "Time", "Activity", "Type", "Recipient", "Subject", "Reason", "Member")
CHUNK = 1000
# A cell that begins so is run as a formula by spreadsheets (OWASP, "CSV Injection").
# The same behind a sign at which a spreadsheet may split a cell: in half of Europe lists are separated by semicolons.
_FORMULA = re.compile(r"\A(?=[=+\-@\t\r\n＝＋－＠])|(?<=[;\t\r\n])(?=[=+\-@＝＋－＠])")


class _Line:
    """What csv.writer writes to: hands the line back instead of keeping it."""

    def write(self, text: str) -> str:
        return text


def write_csv(
    workspace: Workspace,
    filters: LogFilters,
    owner: Membership | None,
    viewer: Membership,
    chunk: int = CHUNK,
) -> Iterator[str]:
    """Yield the lines of the filtered log as `viewer` may see it, newest first, read in chunks.

    Times are in the time zone that is current when this is called, with their offset.
    """
    zone = timezone.get_current_timezone()

    def lines() -> Iterator[str]:
        writer = csv.writer(_Line())
        yield "\ufeff" + writer.writerow(COLUMNS)  # the mark tells Excel that it is UTF-8
        after = None
        while True:
            page = activity_log(workspace, filters, owner, after, viewer=viewer, size=chunk)
            for row in page.rows:
                yield writer.writerow([as_text(cell) for cell in _cells(row, owner or row.member, zone)])
            after = page.older
            if after is None:
                return

    return lines()


def _cells(row: Row, member: object, zone: object) -> tuple[str, ...]:
    sentence = "Kept private" if row.is_hidden else row.sentence
    return (
        row.status.label,
        row.created_at.astimezone(zone).isoformat(sep=" ", timespec="seconds"),
        row.kind_label,
        row.object_type,
        row.recipient,
        row.subject,
        sentence,
        str(member),
    )


def as_text(cell: str) -> str:
    """The cell with an apostrophe before whatever a spreadsheet would take for a formula."""
    return _FORMULA.sub("'", cell)
