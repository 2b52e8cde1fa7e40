"""The settings that govern what is logged: a role's, merged with what its member chose.

Every save of a role's settings makes a version (who, when, all values), so that a row can say by which version it was
decided and an admin can go back.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.forms.models import model_to_dict
from django.utils import timezone

from activity.models import (
    Exclusion,
    Kind,
    LoggingSettings,
    LoggingSettingsVersion,
    MemberSettings,
    PersonPreference,
    Reason,
    RelatedChoice,
)
from activity.models.settings import BodyChoice, ExclusionKind
from activity.pipeline.exclude import ExclusionRules, Rule
from activity.pipeline.hold import release_held
from activity.pipeline.match import forget_people
from workspaces.audit import Action, record
from workspaces.models import Membership, Role, User

SWITCHES: Mapping[Kind, str] = {
    Kind.SENT: "log_sent",
    Kind.RECEIVED: "log_received",
    Kind.REPLIED: "log_replied",
    Kind.OPENED: "log_opened",
    Kind.CLICKED: "log_clicked",
    Kind.DOWNLOADED: "log_downloaded",
    Kind.MEETING_CONFIRMED: "log_meeting_confirmed",
}
"""The switch of each kind, in the order in which they are shown. A bounce belongs to the mail that was sent, a
cancellation to the meeting."""
FOLLOWS: Mapping[Kind, Kind] = {Kind.BOUNCED: Kind.SENT, Kind.MEETING_CANCELED: Kind.MEETING_CONFIRMED}

# What an admin saves; the rest of LoggingSettings says when and how often.
SAVED_FIELDS = (
    "members_manage_own",
    "after_unknown",
    "log_automatically",
    *SWITCHES.values(),
    "subject_templates",
    "related",
    "only_my_opportunities",
    "only_with_contact_role",
    "closed_opportunities",
    "person_preference",
    "body",
    "assignment_rules",
    "one_task_per_message",
    "log_machine_opens",
    "hold_minutes",
)


SCOPE_FIELDS = frozenset({"only_with_contact_role", "closed_opportunities"})
"""What decides which opportunities are read: what is remembered of people may lack some after a change."""

ExclusionEntry = tuple[str, str, bool]
"""Kind, value, and whether it is an override."""


@dataclass(frozen=True, slots=True)
class EffectiveSettings:
    """What holds for one member now. `kinds` are the kinds that are logged, with those that follow others."""

    version: int
    is_confirmed: bool
    kinds: frozenset[Kind]
    sync_all_messages: bool
    log_automatically: bool
    subject_templates: Mapping[str, str]
    related: RelatedChoice
    only_my_opportunities: bool
    only_with_contact_role: bool
    closed_opportunities: bool
    person_preference: PersonPreference
    body: BodyChoice
    one_task_per_message: bool
    log_machine_opens: bool
    hold_minutes: int
    exclusions: ExclusionRules = field(default_factory=ExclusionRules)


def settings_for(membership: Membership) -> EffectiveSettings:
    """What holds for the member now; three queries."""
    return settings_of([membership])[membership.pk]


def settings_of(memberships: Collection[Membership]) -> dict[int, EffectiveSettings]:
    """What holds for each member, by the membership's id; three queries for any number of them."""
    roles = {membership.role_id for membership in memberships}
    ids = [membership.pk for membership in memberships]
    of_role = {each.role_id: each for each in LoggingSettings.objects.filter(role__in=roles)}
    of_member = {each.membership_id: each for each in MemberSettings.objects.filter(membership__in=ids)}
    entries = _exclusions(roles, ids)
    return {
        membership.pk: merge(
            of_role.get(membership.role_id) or LoggingSettings(role_id=membership.role_id),
            of_member.get(membership.pk) or MemberSettings(membership=membership),
            rules_of(entries["role", membership.role_id], entries["member", membership.pk]),
        )
        for membership in memberships
    }


def effective_kinds(of_role: LoggingSettings, of_member: MemberSettings | None) -> frozenset[Kind]:
    """The kinds that are logged: the member's own choice where the role leaves it to them, else the role's."""
    own = of_member.own_kinds if of_member and of_role.members_manage_own else None
    if own is None:
        kinds = {kind for kind, switch in SWITCHES.items() if getattr(of_role, switch)}
    else:
        kinds = {kind for kind in SWITCHES if kind.value in own}
    return frozenset(kinds | {kind for kind, leader in FOLLOWS.items() if leader in kinds})


def merge(of_role: LoggingSettings, of_member: MemberSettings, exclusions: ExclusionRules) -> EffectiveSettings:
    """What holds for a member, from what the role's admin and the member chose."""
    return EffectiveSettings(
        version=of_role.version,
        is_confirmed=of_role.confirmed_at is not None,
        kinds=effective_kinds(of_role, of_member),
        sync_all_messages=of_member.sync_all_messages,
        log_automatically=of_role.log_automatically,
        subject_templates=of_role.subject_templates,
        related=RelatedChoice(of_role.related),
        only_my_opportunities=of_role.only_my_opportunities,
        only_with_contact_role=of_role.only_with_contact_role,
        closed_opportunities=of_role.closed_opportunities,
        person_preference=PersonPreference(of_role.person_preference),
        body=BodyChoice(of_role.body),
        one_task_per_message=of_role.one_task_per_message,
        log_machine_opens=of_role.log_machine_opens,
        hold_minutes=of_role.hold_minutes,
        exclusions=exclusions,
    )


def _exclusions(roles: Collection[int], memberships: Collection[int]) -> dict[tuple[str, int], list[ExclusionEntry]]:
    found = Exclusion.objects.filter(role__in=roles) | Exclusion.objects.filter(membership__in=memberships)
    columns = ("role", "membership", "kind", "value", "is_override")
    entries: dict[tuple[str, int], list[ExclusionEntry]] = defaultdict(list)
    for role, membership, *entry in found.order_by("id").values_list(*columns):
        entries["role" if role else "member", role or membership].append(tuple(entry))
    return entries


def rules_of(of_role: Iterable[ExclusionEntry], personal: Iterable[ExclusionEntry]) -> ExclusionRules:
    """The rules that a role's and a member's own exclusions make, in the order in which they were added."""
    of_role = list(of_role)
    return ExclusionRules(
        of_role=tuple(_rule(kind, value) for kind, value, is_override in of_role if not is_override),
        personal=tuple(_rule(kind, value) for kind, value, is_override in personal if not is_override),
        overrides=frozenset(value.lower() for _, value, is_override in of_role if is_override),
    )


def _rule(kind: str, value: str) -> Rule:
    kind = ExclusionKind(kind)
    return Rule(kind, value.casefold() if kind == ExclusionKind.SUBJECT else value.lower().lstrip("@."))


@transaction.atomic
def save_settings(role: Role, cleaned: Mapping[str, Any], by: User | None) -> LoggingSettings:
    """Write a role's settings (only the names in SAVED_FIELDS are taken) and keep them as a new version."""
    settings = _locked(role)
    before = content_of(settings)
    for name in SAVED_FIELDS:
        if name in cleaned:
            setattr(settings, name, cleaned[name])
    changes = {name: value for name, value in content_of(settings).items() if before[name] != value}
    if changes:
        _write_version(settings, by)
        if SCOPE_FIELDS & changes.keys():
            forget_people(role.workspace)
        record(
            Action.SETTINGS_SAVED,
            workspace=role.workspace,
            actor=by,
            target=role.name,
            details={"version": settings.version, "changes": changes},
        )
    return settings


@transaction.atomic
def confirm(role: Role, cleaned: Mapping[str, Any], by: User | None) -> LoggingSettings:
    """Save the switches and let the role's activities flow: the last step of connecting the Sync User.

    What was held for it is released in the same transaction.
    """
    settings = save_settings(role, cleaned, by)
    if settings.confirmed_at is None:
        settings.confirmed_at = timezone.now()
        settings.save(update_fields=["confirmed_at"])
        record(
            Action.SETTINGS_SAVED, workspace=role.workspace, actor=by, target=role.name, details={"confirmed": True}
        )
        release_held(role.workspace, Reason.NOT_CONFIRMED)
    return settings


def logging_settings_of(role: Role) -> LoggingSettings:
    """The role's settings; the defaults are written down when they are asked for first."""
    return LoggingSettings.objects.get_or_create(role=role)[0]


def content_of(settings: LoggingSettings) -> dict[str, Any]:
    """The values that a version keeps."""
    return model_to_dict(settings, fields=SAVED_FIELDS)


def _locked(role: Role) -> LoggingSettings:
    logging_settings_of(role)
    return LoggingSettings.objects.select_for_update().get(role=role)


def _write_version(settings: LoggingSettings, by: User | None) -> None:
    settings.version += 1
    settings.changed_at = timezone.now()
    settings.save()
    LoggingSettingsVersion.objects.create(
        settings=settings, number=settings.version, content=content_of(settings), changed_by=by
    )
