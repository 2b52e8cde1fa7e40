"""The Activity Log: one page of rows by keyset, the counts per status, and whether anything changed.

No OFFSET, and nothing is counted at a view: a page costs the same however deep it lies. Every query starts from the
workspace and, for a member, from the member's own rows, as the indexes `log_of_member` and `log_of_workspace` do.
"""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from activity.models import Kind, LogChange, StatusGroup, SyncJob, SyncState
from activity.models.recipients import name_recipient
from activity.reasons import explain
from workspaces.models import Membership, Workspace

PAGE_SIZE = 50
# A row's time of change is set before its transaction ends: for so long an earlier one may still come to light.
SETTLE = timedelta(minutes=2)

_COLUMNS = (
    "id",
    "uuid",
    "state",
    "reason",
    "reason_detail",
    "error_code",
    "kind",
    "object_type",
    "recipient",
    "subject",
    "created_at",
    "changed_at",
    "owner_id",
    "activity__is_private",
)
# Shown to the owner alone when the activity is private.
_CONFIDENTIAL = ("recipient", "subject", "reason", "reason_detail", "error_code")
_MEMBER_COLUMNS = ("owner__user__name", "owner__user__email")


TONES = {
    SyncState.SYNCED: "good",
    SyncState.FAILED: "bad",
    SyncState.HELD: "wait",
    SyncState.UNKNOWN: "wait",
    SyncState.WAITING: "info",
    SyncState.SKIPPED: "quiet",
}


@dataclass(frozen=True, slots=True)
class LogFilters:
    """What to show. Empty strings and None filter nothing; `since` is included, `until` is not (aware times).

    `status` is a StatusGroup, `kind` a Kind, `object_type` an ObjectType; `reason` a Reason, or the state
    waiting or unknown; `recipient` an address in lower case, a part of one, or a domain.
    """

    status: str = ""
    kind: str = ""
    object_type: str = ""
    reason: str = ""
    recipient: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row as the log shows it; of somebody else's private activity neither recipient nor subject."""

    uuid: uuid.UUID
    state: str
    kind: str
    object_type: str
    recipient: str
    subject: str
    reason: str
    detail: str
    error_code: str
    created_at: datetime
    changed_at: datetime
    member: str
    is_hidden: bool

    @property
    def status(self) -> StatusGroup:
        """What the column Status says."""
        return StatusGroup.of(self.state)

    @property
    def kind_label(self) -> str:
        """What the column Activity says."""
        return Kind(self.kind).label

    @property
    def tone(self) -> str:
        """The colour of the status: Not Synced is amber while held, blue on its way, grey when it stays so."""
        return TONES[SyncState(self.state)]

    @property
    def version(self) -> str:
        """Changes with every write of the row."""
        return f"{self.changed_at.timestamp():.6f}"

    @property
    def time(self) -> str:
        """When it was created, in the current time zone: "23 Nov, 14:05"."""
        return f"{timezone.localtime(self.created_at):%-d %b, %H:%M}"

    @property
    def time_in_full(self) -> str:
        """The same to the second, with the year and the zone."""
        return f"{timezone.localtime(self.created_at):%-d %B %Y, %H:%M:%S %Z}"

    @property
    def sentence(self) -> str:
        """Why it is not synced; empty for a synced row and for one that is private to somebody else."""
        if self.is_hidden or self.state == SyncState.SYNCED:
            return ""
        return explain(self.reason, self.detail, self).sentence


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, newest first. `older` and `newer` are the rows to go on from; None where there is nothing."""

    rows: tuple[Row, ...]
    older: uuid.UUID | None
    newer: uuid.UUID | None

    @property
    def version(self) -> str:
        """Changes exactly when a row of the page comes, goes or changes."""
        seen = ",".join(f"{row.uuid.hex}{row.version}" for row in self.rows)
        return hashlib.sha256(seen.encode()).hexdigest()[:16]


def activity_log(
    workspace: Workspace,
    filters: LogFilters,
    owner: Membership | None = None,
    after: uuid.UUID | None = None,
    *,
    before: uuid.UUID | None = None,
    viewer: Membership | None = None,
    size: int = PAGE_SIZE,
) -> Page:
    """A page of the rows of one member, or of everybody (`owner` None), as `viewer` may see them.

    `after` asks for the rows older than that row, `before` for those newer than it. A cursor whose row is gone,
    and a `before` with less than a page above it, give the first page.
    """
    jobs = select_jobs(workspace, filters, owner, viewer)
    cursor = _find_cursor(workspace, after or before)
    columns = _COLUMNS if owner else (*_COLUMNS, *_MEMBER_COLUMNS)
    if before and cursor:
        found = list(_newer(jobs, *cursor).values(*columns)[: size + 1])
        if len(found) >= size:
            rows = found[:size][::-1]
            return _page(rows, viewer, has_older=True, has_newer=len(found) > size)
        cursor = None
    found = list(_older(jobs, cursor).values(*columns)[: size + 1])
    return _page(found[:size], viewer, has_older=len(found) > size, has_newer=cursor is not None)


def select_jobs(
    workspace: Workspace, filters: LogFilters, owner: Membership | None, viewer: Membership | None
) -> QuerySet[SyncJob]:
    """The jobs that match, unordered. A search for a recipient never finds what is private to somebody else."""
    jobs = workspace.sync_jobs.filter(**equalities(filters))
    if filters.status == StatusGroup.ERRORS:
        jobs = jobs.filter(stopped__isnull=False)  # implied by the state; the index `log_stopped` knows the few
    if owner:
        jobs = jobs.filter(owner=owner)
    if filters.recipient:
        jobs = jobs.filter(recipient__contains=filters.recipient)
        if owner is None or owner != viewer:
            jobs = jobs.filter(Q(owner=viewer) | Q(activity__is_private=False))
    return jobs


def equalities(filters: LogFilters) -> dict[str, Any]:
    """The filters but for the recipient, as they are asked of the rows."""
    by_state = filters.reason in (SyncState.WAITING, SyncState.UNKNOWN)
    wanted = {
        "kind": filters.kind,
        "object_type": filters.object_type,
        "reason": "" if by_state else filters.reason,
        "created_at__gte": filters.since,
        "created_at__lt": filters.until,
    }
    found = {name: value for name, value in wanted.items() if value}
    states = set(StatusGroup(filters.status).states) if filters.status else set(SyncState)
    if by_state:
        states &= {SyncState(filters.reason)}
    if states != set(SyncState):
        found["state__in"] = sorted(states)
    return found


def _find_cursor(workspace: Workspace, row: uuid.UUID | None) -> tuple[datetime, int] | None:
    return workspace.sync_jobs.filter(uuid=row).values_list("created_at", "id").first() if row else None


def _older(jobs: QuerySet[SyncJob], cursor: tuple[datetime, int] | None) -> QuerySet[SyncJob]:
    if cursor:
        created, row = cursor
        # The bound is implied by what follows, but only the bound lets the index start at the cursor.
        jobs = jobs.filter(Q(created_at__lt=created) | Q(id__lt=row), created_at__lte=created)
    return jobs.order_by("-created_at", "-id")


def _newer(jobs: QuerySet[SyncJob], created: datetime, row: int) -> QuerySet[SyncJob]:
    jobs = jobs.filter(Q(created_at__gt=created) | Q(id__gt=row), created_at__gte=created)
    return jobs.order_by("created_at", "id")


def _page(found: Sequence[dict], viewer: Membership | None, *, has_older: bool, has_newer: bool) -> Page:
    rows = tuple(build_row(columns, viewer) for columns in found)
    return Page(
        rows,
        older=rows[-1].uuid if rows and has_older else None,
        newer=rows[0].uuid if rows and has_newer else None,
    )


def build_row(columns: dict[str, Any], viewer: Membership | None) -> Row:
    """The row for the columns of one job, without what the viewer may not see."""
    hidden = columns["activity__is_private"] and (viewer is None or columns["owner_id"] != viewer.pk)
    shown = dict.fromkeys(_CONFIDENTIAL, "") if hidden else {name: columns[name] for name in _CONFIDENTIAL}
    return Row(
        uuid=columns["uuid"],
        state=columns["state"],
        kind=columns["kind"],
        object_type=columns["object_type"],
        recipient=name_recipient(shown["recipient"]),
        subject=shown["subject"],
        reason=shown["reason"],
        detail=shown["reason_detail"],
        error_code=shown["error_code"],
        created_at=columns["created_at"],
        changed_at=columns["changed_at"],
        member=columns.get("owner__user__name") or columns.get("owner__user__email") or "",
        is_hidden=hidden,
    )


def last_change(workspace: Workspace, owner: Membership | None = None) -> datetime | None:
    """When a row last changed: one probe of the index `log_change_newest` for a member, one for each otherwise."""
    if owner:
        changes = owner.log_changes.filter(owner__workspace=workspace).order_by("-changed_at")
        return changes.values_list("changed_at", flat=True).first()
    newest = LogChange.objects.filter(owner=OuterRef("pk")).order_by("-changed_at")
    members = workspace.memberships.annotate(last=Subquery(newest.values("changed_at")[:1]))
    return members.aggregate(newest=Max("last"))["newest"]


def is_settled(change: datetime | None) -> bool:
    """Whether `change` is so long ago that no transaction older than it can still be open."""
    return change is None or timezone.now() - change > SETTLE
