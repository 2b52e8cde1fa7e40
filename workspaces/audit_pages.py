"""Reads the audit log, a page at a time, the newest first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from workspaces.models import AuditEntry, User, Workspace

SIZE = 50


@dataclass(frozen=True)
class AuditPage:
    """Entries, the newest first, and the cursors of the pages around them ("" where there is none)."""

    entries: list[AuditEntry]
    newer: str
    older: str


def read_page(
    workspace: Workspace, *, action: str = "", person: User | None = None, older_than: str = "", newer_than: str = ""
) -> AuditPage:
    """Return one page; a cursor that is none counts as not given. Two queries at most, whatever the log's length."""
    entries = workspace.audit_entries.select_related("actor")
    if action:
        entries = entries.filter(action=action)
    if person:
        entries = entries.filter(actor=person)
    if (cursor := _parse(newer_than)) is not None:
        return _towards_now(entries, cursor)
    cursor = _parse(older_than)
    rows = list(_older(entries, cursor)[: SIZE + 1])
    shown = rows[:SIZE]
    return AuditPage(
        shown,
        newer=_cursor(shown[0]) if shown and cursor else "",
        older=_cursor(shown[-1]) if len(rows) > SIZE else "",
    )


def detail_words(details: dict[str, Any]) -> str:
    """Return an entry's details in one line: `role: Sales · admin: yes`.

    A pair is from → to; what is empty is left out.
    """
    said = ((name.replace("_", " "), _words(value)) for name, value in details.items())
    return " · ".join(f"{name}: {words}" for name, words in said if words)


def _towards_now(entries: QuerySet[AuditEntry], cursor: tuple[datetime, UUID]) -> AuditPage:
    moment, uuid = cursor
    newer = entries.filter(Q(created_at__gt=moment) | Q(created_at=moment, uuid__gt=uuid))
    rows = list(newer.order_by("created_at", "uuid")[: SIZE + 1])
    if len(rows) <= SIZE:  # less than a full page up to now: the first page is fuller
        rows = list(_older(entries, None)[: SIZE + 1])
        return AuditPage(rows[:SIZE], newer="", older=_cursor(rows[SIZE - 1]) if len(rows) > SIZE else "")
    shown = rows[SIZE - 1 :: -1]
    return AuditPage(shown, newer=_cursor(shown[0]), older=_cursor(shown[-1]))


def _older(entries: QuerySet[AuditEntry], cursor: tuple[datetime, UUID] | None) -> QuerySet[AuditEntry]:
    if cursor is not None:
        moment, uuid = cursor
        entries = entries.filter(Q(created_at__lt=moment) | Q(created_at=moment, uuid__lt=uuid))
    return entries.order_by("-created_at", "-uuid")


def _cursor(entry: AuditEntry) -> str:
    return f"{entry.created_at.isoformat()}~{entry.uuid}"


def _parse(cursor: str) -> tuple[datetime, UUID] | None:
    moment, _, uuid = cursor.partition("~")
    try:
        parsed = datetime.fromisoformat(moment), UUID(uuid)
    except ValueError:
        return None
    return parsed if parsed[0].tzinfo else None


def _words(value: Any) -> str:
    if isinstance(value, list) and len(value) == 2 and not any(isinstance(each, dict) for each in value):
        return " → ".join(_plain(each) for each in value)
    return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value)
