"""What support staff see of activities: how a row stands and why, never what a message says.

Left out: messages, meetings, payloads, answers, decision traces, known people and personal never-log lists. Texts
that can repeat a message (subjects, Salesforce's own words, names) are secret columns. Whom a private one is with is
shown nowhere.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from activity.models import (
    Activity,
    DueJob,
    ErrorGroup,
    Exclusion,
    LoggedRecord,
    LoggingSettings,
    LoggingSettingsVersion,
    MemberSettings,
    SyncAttempt,
    SyncJob,
)
from activity.models.recipients import name_recipient
from workspaces.models import Membership, Workspace
from workspaces.staff_admin import COUNT_TO, ReadOnlyAdmin, link

PRIVATE = "kept private"
NUMBER = re.compile(r"[0-9]{1,18}")
MOST_FOUND = 100
"""So many members or workspaces are looked up for a part of their address or slug."""


@admin.display(description="row")
def job_link(_page: admin.ModelAdmin, row: Any) -> str:
    """A column that leads to the row of the Activity Log; rows that are forgotten leave their number."""
    return format_html('<a href="{}">{}</a>', reverse("admin:activity_syncjob_change", args=[row.job_id]), row.job_id)


class LargeAdmin(ReadOnlyAdmin):
    """A table that grows with the activity: no sorting, and a search reads this one table alone.

    People and workspaces are looked up first. `exact` are the columns that a term is compared with, `number` the one
    for a term of digits.
    """

    sortable_by = ()
    exact: ClassVar[Sequence[str]] = ()
    number: ClassVar[str] = ""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find by what `find` makes of the term."""
        term = search_term.strip()
        return (queryset.filter(self.find(term)) if term else queryset), False

    def find(self, term: str) -> Q:
        """What a term stands for: a number, a uuid, else a part of a member's address or a workspace's slug, or an
        exact value.
        """
        columns = {field.name for field in self.opts.fields}
        if self.number and NUMBER.fullmatch(term):
            return Q(**{self.number: int(term)})
        if "uuid" in columns and (wanted := _read_uuid(term)):
            return Q(uuid=wanted)
        found = Q(workspace__in=list(_ids(Workspace.objects.filter(slug__icontains=term))))
        if "owner" in columns:
            found |= Q(owner__in=list(_ids(Membership.objects.filter(user__email__icontains=term))))
        for column in self.exact:
            found |= Q(**{column: term})
        return found


def _read_uuid(term: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(term)
    except ValueError:
        return None


def _ids(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.order_by("pk").values_list("pk", flat=True)[:MOST_FOUND]


class PrivateAdmin(LargeAdmin):
    """Rows of which some are private: `recipient` is shown, and found by a search, for the others alone."""

    private_flag = "is_private"
    telling: ClassVar[Sequence[str]] = ()  # columns that point to the same person by another name
    shown: ClassVar[Mapping[str, str]] = {"recipient": "shown_recipient"}

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """The columns that tell nobody's secret."""
        hidden = self.telling if obj is not None and self._is_private(obj) else ()
        return [name for name in super().get_fields(request, obj) if name not in hidden]

    def find(self, term: str) -> Q:
        """An address also finds the newest rows of a recipient that are not private."""
        found = super().find(term)
        if "@" not in term:
            return found
        rows = self.model._default_manager.filter(recipient=term.lower(), **{self.private_flag: False})
        return found | Q(pk__in=list(rows.order_by("-pk").values_list("pk", flat=True)[:COUNT_TO]))

    @admin.display(description="recipient")
    def shown_recipient(self, row: Any) -> str:
        """The address, or that it is kept private."""
        return PRIVATE if self._is_private(row) else name_recipient(row.recipient) or "–"

    def _is_private(self, row: Any) -> bool:
        return attrgetter(self.private_flag.replace("__", "."))(row)


@admin.register(Activity)
class ActivityAdmin(PrivateAdmin):
    """What happened."""

    list_display = ("occurred_at", "kind", "owner_link", "shown_recipient", "source", "workspace_link")
    list_filter = ("kind", "source")
    list_select_related = ("owner__user", "workspace")
    search_fields = ("owner", "workspace")
    search_help_text = "A uuid, a recipient’s address, a member’s address or a workspace’s slug"
    ordering = ("-pk",)
    secret = ("message", "meeting", "url", "file_name")
    owner_link = link("owner", "member")
    workspace_link = link("workspace")


@admin.register(SyncJob)
class SyncJobAdmin(PrivateAdmin):
    """Rows of the Activity Log."""

    list_display = ("created_at", "state", "reason", "error_code", "kind", "owner_link", "shown_recipient")
    list_filter = ("state", "reason", "kind", "object_type")
    list_select_related = ("owner__user", "activity")
    search_fields = ("owner", "workspace", "salesforce_id", "key")
    search_help_text = (
        "A uuid, a row’s number, a recipient’s address, a member’s address, a workspace’s slug or a Salesforce id"
    )
    exact = ("salesforce_id", "key")
    number = "pk"
    shown: ClassVar[Mapping[str, str]] = PrivateAdmin.shown | {"activity": "activity_link"}
    ordering = ("-pk",)
    secret = ("subject", "reason_detail", "person_name", "related_name")
    private_flag = "activity__is_private"
    telling = ("person_id", "related_id")
    owner_link = link("owner", "member")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """The columns, and the way to the tries."""
        return [*super().get_fields(request, obj), "attempts_link"]

    @admin.display(description="activity")
    def activity_link(self, row: SyncJob) -> str:
        """The way to what happened."""
        url = reverse("admin:activity_activity_change", args=[row.activity_id])
        return format_html('<a href="{}">{}</a>', url, row.activity_id)

    @admin.display(description="attempts")
    def attempts_link(self, row: SyncJob) -> str:
        """The way to the row's tries."""
        url = reverse("admin:activity_syncattempt_changelist")
        return format_html('<a href="{}?q={}">Show its tries</a>', url, row.pk)


class ByNumberAdmin(ReadOnlyAdmin):
    """Rows without a uuid, so that a search for one finds nothing."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find by the search fields alone."""
        return admin.ModelAdmin.get_search_results(self, request, queryset, search_term)


@admin.register(SyncAttempt)
class SyncAttemptAdmin(LargeAdmin):
    """Tries, without what was sent and what was answered."""

    list_display = (
        "started_at",
        "job_link",
        "number",
        "operation",
        "outcome",
        "error_code",
        "request_id",
        "ended_at",
    )
    list_filter = ("outcome", "operation")
    search_fields = ("job_id", "request_id")
    search_help_text = "A row’s number, a request id or a workspace’s slug"
    exact = ("request_id",)
    number = "job_id"
    shown: ClassVar[Mapping[str, str]] = {"job_id": "job_link"}
    job_link = job_link
    ordering = ("-pk",)
    secret = ("payload", "answer")


@admin.register(DueJob)
class DueJobAdmin(LargeAdmin):
    """What waits to be sent or looked up."""

    list_display = ("due_at", "job_link", "leased", "attempt", "unknown_since", "retries", "deaths", "workspace_link")
    list_select_related = ("workspace",)
    search_fields = ("job", "workspace")
    search_help_text = "A row’s number or a workspace’s slug"
    number = "job_id"
    shown: ClassVar[Mapping[str, str]] = {"job": "job_link"}
    job_link = job_link
    ordering = ("due_at",)
    secret = ("parked",)
    workspace_link = link("workspace")


@admin.register(ErrorGroup)
class ErrorGroupAdmin(ByNumberAdmin):
    """Causes that many rows fail for, without Salesforce's own words."""

    list_display = ("error_code", "object_type", "failures", "is_total", "next_canary_at", "connection")
    list_select_related = ("connection__salesforce_user",)
    search_fields = ("=error_code", "workspace__slug")
    search_help_text = "An error code or a workspace’s slug"
    ordering = ("-pk",)
    secret = ("detail", "fingerprint")


@admin.register(LoggedRecord)
class LoggedRecordAdmin(LargeAdmin):
    """Records of ours in Salesforce."""

    list_display = ("created_at", "object_type", "salesforce_id", "owner_link", "removed_at", "workspace_link")
    list_filter = ("object_type",)
    list_select_related = ("owner__user", "workspace")
    search_fields = ("salesforce_id", "key", "owner", "workspace")
    search_help_text = "A Salesforce id, a member’s address or a workspace’s slug"
    exact = ("salesforce_id", "key")
    ordering = ("-pk",)
    secret = ("message", "meeting", "recipient")
    owner_link = link("owner", "member")
    workspace_link = link("workspace")


@admin.register(LoggingSettings)
class LoggingSettingsAdmin(ByNumberAdmin):
    """The Salesforce settings of roles."""

    list_display = ("changed_at", "role_link", "workspace_link", "version", "confirmed_at")
    list_select_related = ("role__workspace",)
    search_fields = ("role__name", "role__workspace__slug")
    search_help_text = "A role’s name or a workspace’s slug"
    ordering = ("-pk",)
    role_link = link("role")
    workspace_link = link("role.workspace")


@admin.register(LoggingSettingsVersion)
class LoggingSettingsVersionAdmin(ByNumberAdmin):
    """How they came to be."""

    list_display = ("changed_at", "role_link", "number", "changed_by")
    list_select_related = ("settings__role", "changed_by")
    search_fields = ("settings__role__name", "settings__role__workspace__slug")
    search_help_text = "A role’s name or a workspace’s slug"
    ordering = ("-pk",)
    role_link = link("settings.role")


@admin.register(MemberSettings)
class MemberSettingsAdmin(ByNumberAdmin):
    """What members chose for themselves."""

    list_display = ("id", "member_link", "sync_all_messages", "share_in_feed", "own_kinds")
    list_select_related = ("membership__user",)
    search_fields = ("membership__user__email", "membership__workspace__slug")
    search_help_text = "A member’s address or a workspace’s slug"
    ordering = ("-pk",)
    member_link = link("membership", "member")


@admin.register(Exclusion)
class ExclusionAdmin(ReadOnlyAdmin):
    """What roles never log. Personal lists are read by their owners alone."""

    list_display = ("value", "kind", "is_override", "role_link", "workspace_link")
    list_filter = ("kind", "is_override")
    list_select_related = ("role", "workspace")
    search_fields = ("value", "workspace__slug")
    search_help_text = "A domain, address or word, or a workspace’s slug"
    ordering = ("-pk",)
    secret = ("membership",)
    role_link = link("role")
    workspace_link = link("workspace")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Exclusion]:
        """The roles' own entries."""
        return super().get_queryset(request).filter(membership=None)
