"""The settings of a role: how they look, how they came to be, what a change would mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q, Sum
from django.utils import timezone

from activity.counts import count_rows_of, sum_rows
from activity.models import (
    Counted,
    ExclusionKind,
    Kind,
    LoggingSettings,
    LoggingSettingsVersion,
    Reason,
    SyncState,
)
from activity.pipeline.compose import SUBJECT_TEMPLATES, render_subject
from activity.pipeline.draft import Draft, MeetingDraft, Style
from activity.pipeline.exclude import SYSTEM_DOMAINS, SYSTEM_LOCAL_PARTS, SYSTEM_PREFIXES
from activity.settings import FOLLOWS, SWITCHES, content_of
from integrations.models import ApiCallCount
from workspaces.models import Role

DAYS = 7
VERSIONS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Change:
    """One value that a version changed, in the words of the page."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Version:
    """One save of a role's settings."""

    number: int
    by: str
    at: datetime
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Records of the last 7 days by the saved switches and by the proposed ones, and the API calls they cost.

    Calls are None where none of those days' records reached Salesforce, so that there is no rate to go by.
    """

    records: int
    records_then: int
    calls: int | None
    calls_then: int | None

    @property
    def difference(self) -> int:
        """How many records more (or fewer, below 0)."""
        return self.records_then - self.records

    @property
    def calls_difference(self) -> int | None:
        """How many API calls more (or fewer)."""
        return None if self.calls is None or self.calls_then is None else self.calls_then - self.calls


def saved_settings(role: Role) -> LoggingSettings:
    """The role's settings, unsaved defaults where nobody has saved any: reading writes nothing."""
    return LoggingSettings.objects.filter(role=role).first() or LoggingSettings(role=role)


def preview_subjects(templates: Mapping[str, str]) -> dict[str, str]:
    """What each subject template makes of an example; the same function composes the real ones."""
    style = Style(subject_templates=templates)
    return {name: render_subject(_example(name), style) for name in SUBJECT_TEMPLATES}


def _example(name: str) -> Draft:
    kind = Kind.SENT if name.startswith("sent_") else Kind(name)
    start = datetime(2026, 1, 15, 9, tzinfo=UTC)
    return Draft(
        kind=kind,
        key="",
        occurred_at=start,
        time_zone="UTC",
        owner_id="",
        recipient="grace@example.com",
        subject="Pricing for 40 seats",
        is_reply=name == "sent_reply",
        url="https://example.com/pricing",
        file_name="Price list.pdf",
        meeting=MeetingDraft("Kick-off", start, start + timedelta(hours=1)) if kind.is_meeting else None,
    )


def versions_of(settings: LoggingSettings) -> list[Version]:
    """The newest versions first, each with what it changed; the oldest is compared with the defaults."""
    if settings.pk is None:
        return []
    found = list(
        LoggingSettingsVersion.objects.filter(settings=settings)
        .select_related("changed_by")
        .order_by("-number")[: VERSIONS_SHOWN + 1]
    )
    befores = [*[version.content for version in found[1:]], content_of(LoggingSettings())]
    return [
        Version(
            version.number,
            str(version.changed_by or "Touchline"),
            version.changed_at,
            changes_between(before, version.content),
        )
        for version, before in zip(found, befores, strict=False)
    ][:VERSIONS_SHOWN]


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """The values that differ, in the words of the page."""
    return tuple(
        change
        for name in after
        if before.get(name) != after[name]
        for change in _change(name, before.get(name), after[name])
    )


def _change(name: str, before: Any, after: Any) -> list[Change]:
    if name == "subject_templates":
        before, after = before or {}, after or {}
        return [
            Change(f"Subject of {key.replace('_', ' ')}", *(side.get(key) or default for side in (before, after)))
            for key, default in SUBJECT_TEMPLATES.items()
            if before.get(key) != after.get(key)
        ]
    field = LoggingSettings._meta.get_field(name)
    return [Change(str(field.verbose_name).capitalize(), _shown(field, before), _shown(field, after))]


def _shown(field: Any, value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(dict(field.choices or ()).get(value, value))


def estimate(role: Role, proposed: frozenset[Kind]) -> Estimate:
    """What the last 7 days, to the quarter of an hour, would have produced with the proposed kinds. Three queries."""
    since = timezone.now() - timedelta(days=DAYS)
    counts = count_rows_of(Counted.LOG, role.workspace, role.memberships.all(), since)
    candidates = counts.filter(~Q(state=SyncState.SKIPPED) | Q(reason=Reason.SWITCHED_OFF))
    by_kind = dict(candidates.values_list("kind").annotate(Sum("rows")))
    synced = sum_rows(counts.filter(state=SyncState.SYNCED))
    saved = saved_settings(role)
    current = frozenset(kind for kind, switch in SWITCHES.items() if getattr(saved, switch))
    records, records_then = (_records(by_kind, kinds) for kinds in (current, proposed))
    used = _calls(role, since)
    rate = used / synced if used and synced else None
    calls = [None if rate is None else round(rate * count) for count in (records, records_then)]
    return Estimate(records, records_then, *calls)


def _records(by_kind: Mapping[str, int], kinds: frozenset[Kind]) -> int:
    return sum(count for kind, count in by_kind.items() if FOLLOWS.get(Kind(kind), Kind(kind)) in kinds)


def _calls(role: Role, since: datetime) -> int:
    counts = ApiCallCount.objects.filter(connection__membership__role=role, day__gte=since.date())
    return counts.aggregate(calls=Sum("calls"))["calls"] or 0


def exclusion_lists(role: Role) -> dict[str, Any]:
    """The role's own rules, its overrides, and the built-in list of addresses that only machines use."""
    entries = list(role.exclusions.order_by("kind", "value"))
    overrides = {entry.value: entry for entry in entries if entry.is_override}
    return {
        "exclusions": [entry for entry in entries if not entry.is_override],
        "overrides": list(overrides.values()),
        "system_local_parts": [{"value": part, "override": overrides.get(part)} for part in SYSTEM_LOCAL_PARTS],
        "system_domains": SYSTEM_DOMAINS,
        "system_prefixes": SYSTEM_PREFIXES,
        "exclusion_kinds": ExclusionKind.choices,
    }
