"""By which rules a row was decided when it was recorded. Nothing of that is kept with the row: it is derived from the
versions of the role's settings, today's lists, and what the audit log says of their changes since.

A personal list has no history, so that what its owner took off leaves no trace; it is read for its owner alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from activity.models import Exclusion, LoggingSettingsVersion, SyncJob
from activity.pipeline.exclude import ExclusionRules
from activity.settings import ExclusionEntry, rules_of
from workspaces.audit import Action
from workspaces.models import AuditEntry, Membership

FOLLOWED = (Action.EXCLUSION_CHANGED, Action.ROLE_RENAMED, Action.MEMBER_ROLE_CHANGED, Action.WORKSPACE_CHANGED)
FIRST_VERSION = 1
"""Holds until an admin saves something, and is not kept: the defaults."""


@dataclass(frozen=True, slots=True)
class RulesThen:
    """What an activity met when it was recorded.

    `role`: the name of the member's role. `version` of its settings: None where the member was in another role than
    today; then `rules` lacks the role's list, too. `personal` in `rules` are the entries that still stand on the
    member's own list, none unless `reads_personal`: the viewer is that member.
    """

    role: str
    version: int | None
    own_domains: int
    rules: ExclusionRules
    reads_personal: bool

    @property
    def knows_role(self) -> bool:
        """Whether the settings of the role are those of today's role at an earlier time."""
        return self.version is not None


@dataclass(frozen=True, slots=True)
class Change:
    """An entry of the audit log."""

    action: str
    target: str
    details: Mapping[str, Any]


def read_rules_then(job: SyncJob, viewer: Membership) -> RulesThen:
    """The rules that the job was recorded under, as `viewer` may see them; three queries."""
    reads_personal = viewer.pk == job.owner_id
    role, owner, changes = job.owner.role, job.owner, _changes_since(job)
    former = former_role(changes, owner.user.email)
    of_role, personal = _lists_then(job, reads_personal=reads_personal)
    if former is None:
        of_role = undo(of_role, changes, names_of(role.name, changes))
    return RulesThen(
        role=former or role.name,
        version=None if former else _version_then(job),
        own_domains=len(domains_then(job.workspace.own_domains, changes)),
        rules=rules_of([] if former else of_role, personal),
        reads_personal=reads_personal,
    )


def _changes_since(job: SyncJob) -> list[Change]:
    entries = AuditEntry.objects.filter(
        workspace=job.workspace_id, created_at__gt=job.created_at, action__in=FOLLOWED
    )
    rows = entries.order_by("created_at", "pk").values_list("action", "target", "details")
    return [Change(*row) for row in rows]


def _version_then(job: SyncJob) -> int:
    versions = LoggingSettingsVersion.objects.filter(settings__role=job.owner.role_id, changed_at__lte=job.created_at)
    return versions.order_by("-number").values_list("number", flat=True).first() or FIRST_VERSION


def _lists_then(job: SyncJob, *, reads_personal: bool) -> tuple[list[ExclusionEntry], list[ExclusionEntry]]:
    """The entries of the role's list, and of the personal one where it may be read, that stood then and still do."""
    whose = Q(role=job.owner.role_id) | (Q(membership=job.owner_id) if reads_personal else Q())
    rows = Exclusion.objects.filter(whose, workspace=job.workspace_id, created_at__lte=job.created_at).order_by("pk")
    found = list(rows.values_list("role", "kind", "value", "is_override"))
    of_role = [(kind, value, is_override) for role, kind, value, is_override in found if role is not None]
    return of_role, [(kind, value, is_override) for role, kind, value, is_override in found if role is None]


# --- Going back through the audit log; changes come in the order in which they were made ---------------------


def undo(entries: Sequence[ExclusionEntry], changes: Iterable[Change], roles: frozenset[str]) -> list[ExclusionEntry]:
    """A role's list before the changes: the entries that stood then and still do, and those removed since.

    `roles` are the names that the role had. An entry whose first change is its removal stood before.
    """
    first: dict[ExclusionEntry, Mapping[str, Any]] = {}
    for change in changes:
        if change.action == Action.EXCLUSION_CHANGED and change.target in roles:
            details = change.details
            first.setdefault((details["kind"], details["value"], details["override"]), details)
    return [*entries, *(entry for entry, details in first.items() if details.get("removed"))]


def names_of(role: str, changes: Sequence[Change]) -> frozenset[str]:
    """The names that a role had over the changes, today's among them."""
    names = {role}
    for change in reversed(changes):
        if change.action == Action.ROLE_RENAMED and change.target in names:
            names.add(change.details["name"][0])
    return frozenset(names)


def former_role(changes: Iterable[Change], email: str) -> str | None:
    """The role that a member had before the changes, where it was another one than after them."""
    moves = [
        each.details["role"] for each in changes if each.action == Action.MEMBER_ROLE_CHANGED and each.target == email
    ]
    before, after = (moves[0][0], moves[-1][1]) if moves else (None, None)
    return None if before == after else before


def domains_then(own_domains: Sequence[str], changes: Iterable[Change]) -> Sequence[str]:
    """The workspace's own domains before the changes."""
    for change in changes:
        if change.action == Action.WORKSPACE_CHANGED and "own_domains" in change.details:
            before: Sequence[str] = change.details["own_domains"][0]
            return before
    return own_domains
