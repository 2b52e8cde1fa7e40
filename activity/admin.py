"""What support staff see of activities: how a row stands and why, never what a message says.

Left out: messages, meetings, payloads, answers, decision traces, known people and personal never-log lists. Texts
that can repeat a message (subjects, Salesforce's own words, names) are secret columns. Whom a private one is with is
shown nowhere.
"""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

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
from workspaces.staff_admin import ReadOnlyAdmin, link

PRIVATE = "kept private"


class PrivateAdmin(ReadOnlyAdmin):
    """Rows of which some are private: `recipient` is shown, and found by a search, for the others alone."""

    private_flag = "is_private"
    telling: ClassVar[Sequence[str]] = ()  # columns that point to the same person by another name

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """The columns, with the recipient as it may be shown instead of the column."""
        hidden = self.telling if obj is not None and self._is_private(obj) else ()
        shown = {"recipient": "shown_recipient"}
        return [shown.get(name, name) for name in super().get_fields(request, obj) if name not in hidden]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """An address finds its member's rows and those of a recipient that are not private; a uuid finds its row."""
        if "@" not in search_term:
            return super().get_search_results(request, queryset, search_term)
        address = search_term.strip().lower()
        recipient = Q(recipient=address, **{self.private_flag: False})
        return queryset.filter(recipient | Q(owner__user__email=address)), False

    @admin.display(description="recipient")
    def shown_recipient(self, row: Any) -> str:
        """The address, or that it is kept private."""
        return PRIVATE if self._is_private(row) else row.recipient or "–"

    def _is_private(self, row: Any) -> bool:
        return attrgetter(self.private_flag.replace("__", "."))(row)


@admin.register(Activity)
class ActivityAdmin(PrivateAdmin):
    """What happened."""

    list_display = ("occurred_at", "kind", "owner_link", "shown_recipient", "source", "workspace_link")
    list_filter = ("kind", "source")
    list_select_related = ("owner__user", "workspace")
    search_fields = ("owner__user__email", "workspace__slug")
    search_help_text = "A uuid, a recipient’s address, a member’s address or a workspace’s slug"
    ordering = ("-pk",)
    secret = ("message", "meeting", "url", "file_name")
    owner_link = link("owner", "member")
    workspace_link = link("workspace")


@admin.register(SyncJob)
class SyncJobAdmin(PrivateAdmin):
    """Rows of the Activity Log."""

    list_display = ("created_at", "kind", "state", "reason", "error_code", "owner_link", "shown_recipient")
    list_filter = ("state", "reason", "kind", "object_type")
    list_select_related = ("owner__user", "activity")
    search_fields = ("owner__user__email", "workspace__slug", "=salesforce_id", "=key")
    search_help_text = "A uuid, a recipient’s address, a member’s address, a workspace’s slug or a Salesforce id"
    ordering = ("-pk",)
    secret = ("subject", "reason_detail", "person_name", "related_name")
    private_flag = "activity__is_private"
    telling = ("person_id", "related_id")
    owner_link = link("owner", "member")


class ByNumberAdmin(ReadOnlyAdmin):
    """Rows without a uuid, so that a search for one finds nothing."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find by the search fields alone."""
        return admin.ModelAdmin.get_search_results(self, request, queryset, search_term)


@admin.register(SyncAttempt)
class SyncAttemptAdmin(ByNumberAdmin):
    """Tries, without what was sent and what was answered."""

    list_display = ("started_at", "job_id", "number", "operation", "outcome", "error_code", "request_id", "ended_at")
    list_filter = ("outcome", "operation")
    search_fields = ("=job_id", "=request_id")
    search_help_text = "The number of a row (its page’s last figure) or a request id"
    ordering = ("-pk",)
    secret = ("payload", "answer")


@admin.register(DueJob)
class DueJobAdmin(ByNumberAdmin):
    """What waits to be sent or looked up."""

    list_display = ("job_id", "due_at", "leased", "attempt", "unknown_since", "retries", "deaths", "workspace_link")
    list_select_related = ("workspace",)
    search_fields = ("=job__pk", "workspace__slug")
    ordering = ("due_at",)
    secret = ("parked",)
    workspace_link = link("workspace")


@admin.register(ErrorGroup)
class ErrorGroupAdmin(ByNumberAdmin):
    """Causes that many rows fail for, without Salesforce's own words."""

    list_display = ("error_code", "object_type", "failures", "is_total", "next_canary_at", "connection")
    list_select_related = ("connection__salesforce_user",)
    search_fields = ("=error_code", "workspace__slug")
    ordering = ("-pk",)
    secret = ("detail", "fingerprint")


@admin.register(LoggedRecord)
class LoggedRecordAdmin(ByNumberAdmin):
    """Records of ours in Salesforce."""

    list_display = ("created_at", "object_type", "salesforce_id", "owner_link", "removed_at", "workspace_link")
    list_filter = ("object_type",)
    list_select_related = ("owner__user", "workspace")
    search_fields = ("=salesforce_id", "=key", "owner__user__email", "workspace__slug")
    ordering = ("-pk",)
    secret = ("message", "meeting", "recipient")
    owner_link = link("owner", "member")
    workspace_link = link("workspace")


@admin.register(LoggingSettings)
class LoggingSettingsAdmin(ByNumberAdmin):
    """The Salesforce settings of roles."""

    list_display = ("role_link", "workspace_link", "version", "confirmed_at", "changed_at")
    list_select_related = ("role__workspace",)
    search_fields = ("role__name", "role__workspace__slug")
    ordering = ("-pk",)
    role_link = link("role")
    workspace_link = link("role.workspace")


@admin.register(LoggingSettingsVersion)
class LoggingSettingsVersionAdmin(ByNumberAdmin):
    """How they came to be."""

    list_display = ("changed_at", "role_link", "number", "changed_by")
    list_select_related = ("settings__role", "changed_by")
    search_fields = ("settings__role__name", "settings__role__workspace__slug")
    ordering = ("-pk",)
    role_link = link("settings.role")


@admin.register(MemberSettings)
class MemberSettingsAdmin(ByNumberAdmin):
    """What members chose for themselves."""

    list_display = ("member_link", "sync_all_messages", "share_in_feed", "own_kinds")
    list_select_related = ("membership__user",)
    search_fields = ("membership__user__email", "membership__workspace__slug")
    ordering = ("-pk",)
    member_link = link("membership", "member")


@admin.register(Exclusion)
class ExclusionAdmin(ReadOnlyAdmin):
    """What roles never log. Personal lists are read by their owners alone."""

    list_display = ("value", "kind", "is_override", "role_link", "workspace_link")
    list_filter = ("kind", "is_override")
    list_select_related = ("role", "workspace")
    search_fields = ("value", "workspace__slug")
    ordering = ("-pk",)
    secret = ("membership",)
    role_link = link("role")
    workspace_link = link("workspace")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Exclusion]:
        """The roles' own entries."""
        return super().get_queryset(request).filter(membership=None)
