"""What support staff see of connections: state, cause and figures; no token, digest or key, and nothing to change."""

from collections.abc import Mapping
from typing import ClassVar

from django.contrib import admin
from django.utils.html import format_html_join

from integrations.models import (
    CONNECTION_SECRETS,
    ApiCallCount,
    ApiKey,
    ApiUsage,
    CachedDescribe,
    Calendar,
    Connection,
    Mailbox,
    NoticeSent,
    PendingGrant,
    PendingRevocation,
    SalesforceOrg,
    SalesforceUser,
    SyncUserRequest,
)
from workspaces.staff_admin import ReadOnlyAdmin, link


def _what_stops(need: Mapping[str, str]) -> str:
    return f": {need['stops']} {need['where']}" if need["result"] == "fail" else ""


class CheckedAdmin(ReadOnlyAdmin):
    """Rows with the permissions of a Salesforce user, as they were tested last."""

    shown: ClassVar[Mapping[str, str]] = {"preflight": "shown_preflight"}

    @admin.display(description="permissions")
    def shown_preflight(self, row: Connection | PendingGrant) -> str:
        """What fails first, with what stops working and where it is set; then the names of the rest."""
        ordered = sorted(row.preflight, key=lambda need: need["result"] != "fail")
        lines = ((need["result"].replace("_", " "), need["name"], _what_stops(need)) for need in ordered)
        return format_html_join("\n", "<div>{} – {}{}</div>", lines) or "–"


@admin.register(SalesforceOrg)
class SalesforceOrgAdmin(ReadOnlyAdmin):
    """Organisations."""

    secret: ClassVar[tuple[str, ...]] = tuple(f"sync_user__{column}" for column in CONNECTION_SECRETS)

    to_workspace = link("workspace")
    to_sync_user = link("sync_user")
    list_display = ("name", "to_workspace", "environment", "edition", "to_sync_user", "retired_at")
    list_filter = ("environment",)
    list_select_related = ("workspace", "sync_user__salesforce_user")
    search_fields = ("name", "org_id", "workspace__name", "workspace__slug")
    search_help_text = "A name, an org’s id or a workspace’s slug"


@admin.register(SalesforceUser)
class SalesforceUserAdmin(ReadOnlyAdmin):
    """Salesforce users, with the person that each belongs to."""

    to_person = link("person")
    list_display = ("name", "username", "email", "to_person", "org_id")
    list_select_related = ("person",)
    search_fields = ("name", "username", "email", "user_id", "person__email")
    search_help_text = "A name, an address, a user’s id at Salesforce or a person’s address"


@admin.register(Connection)
class ConnectionAdmin(CheckedAdmin):
    """Connections: the state, the cause and since when."""

    secret: ClassVar[tuple[str, ...]] = CONNECTION_SECRETS
    to_workspace = link("workspace")
    to_membership = link("membership")
    list_display = (
        "salesforce_user",
        "to_workspace",
        "to_membership",
        "state",
        "cause",
        "cause_since",
        "last_used_at",
        "refreshed_at",
    )
    list_filter = ("state", "cause", "issuer")
    list_select_related = ("salesforce_user", "workspace", "membership__user")
    search_fields = ("salesforce_user__name", "salesforce_user__email", "membership__user__email", "workspace__slug")
    search_help_text = "A Salesforce user’s name or address, a member’s address or a workspace’s slug"


@admin.register(PendingGrant)
class PendingGrantAdmin(CheckedAdmin):
    """Trips to Salesforce's login page, and how they ended."""

    secret: ClassVar[tuple[str, ...]] = (
        "state_digest",
        "session_digest",
        "verifier_sealed",
        "access_token_sealed",
        "refresh_token_sealed",
    )
    to_workspace = link("workspace")
    list_display = ("created_at", "user", "to_workspace", "intent", "issuer", "used_at", "ended_at", "error")
    list_filter = ("intent", "issuer", ("error", admin.EmptyFieldListFilter))
    list_select_related = ("user", "workspace")
    search_fields = ("user__email", "workspace__slug")
    search_help_text = "A person’s address or a workspace’s slug"


@admin.register(PendingRevocation)
class PendingRevocationAdmin(ReadOnlyAdmin):
    """Grants whose end Salesforce has not confirmed yet, or did."""

    secret: ClassVar[tuple[str, ...]] = ("token_sealed",)
    to_workspace = link("workspace")
    list_display = (
        "created_at",
        "salesforce_user_name",
        "to_workspace",
        "why",
        "tries",
        "next_try_at",
        "revoked_at",
        "given_up_at",
    )
    list_filter = ("why",)
    list_select_related = ("workspace",)
    search_fields = ("salesforce_user_name", "workspace__slug")
    search_help_text = "A Salesforce user’s name or a workspace’s slug"


@admin.register(ApiUsage)
class ApiUsageAdmin(ReadOnlyAdmin):
    """Use of each org's daily API calls, as Salesforce told it last."""

    list_display = ("org_id", "used", "maximum", "seen_at", "paused_until", "pause_reason")


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Keys of our API: name, first letters, use."""

    secret: ClassVar[tuple[str, ...]] = ("digest",)
    to_workspace = link("workspace")
    list_display = ("name", "prefix", "to_workspace", "created_by", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("workspace", "created_by")
    search_fields = ("name", "prefix", "workspace__slug")
    search_help_text = "A key’s name or first letters, or a workspace’s slug"


class AccountAdmin(ReadOnlyAdmin):
    """A member's account at a server of theirs: the state, the cause and since when; no password."""

    secret: ClassVar[tuple[str, ...]] = ("password_sealed",)
    to_workspace = link("workspace")
    to_membership = link("membership")
    about: ClassVar[tuple[str, ...]] = (
        "to_workspace",
        "to_membership",
        "state",
        "cause",
        "cause_since",
        "failing_since",
        "read_at",
    )
    list_select_related = ("workspace", "membership__user")


@admin.register(Calendar)
class CalendarAdmin(AccountAdmin):
    """Accounts at calendar servers."""

    list_display = ("user_name", "url", *AccountAdmin.about)
    list_filter = ("state", "cause", "provider")
    search_fields = ("user_name", "url", "membership__user__email", "workspace__slug")
    search_help_text = "A log-in name, a server, a member’s address or a workspace’s slug"


@admin.register(Mailbox)
class MailboxAdmin(AccountAdmin):
    """Mailboxes."""

    list_display = ("address", *AccountAdmin.about)
    list_filter = ("state", "cause", "is_paused")
    search_fields = ("address", "host", "membership__user__email", "workspace__slug")
    search_help_text = "A mailbox’s address, a server, a member’s address or a workspace’s slug"


@admin.register(ApiCallCount)
class ApiCallCountAdmin(ReadOnlyAdmin):
    """Our own calls to Salesforce, by connection and UTC day."""

    secret: ClassVar[tuple[str, ...]] = tuple(f"connection__{column}" for column in CONNECTION_SECRETS)

    to_connection = link("connection")
    list_display = ("day", "to_connection", "org_id", "calls")
    list_select_related = ("connection__salesforce_user",)
    search_fields = ("org_id", "connection__salesforce_user__email", "connection__workspace__slug")
    search_help_text = "An org’s id, a Salesforce user’s address or a workspace’s slug"


@admin.register(CachedDescribe)
class CachedDescribeAdmin(ReadOnlyAdmin):
    """What Salesforce lets a connection's user see of Task and Event, as we last read it."""

    secret: ClassVar[tuple[str, ...]] = tuple(f"connection__{column}" for column in CONNECTION_SECRETS)

    to_connection = link("connection")
    list_display = ("object_name", "to_connection", "fetched_at")
    list_filter = ("object_name",)
    list_select_related = ("connection__salesforce_user",)
    search_fields = ("connection__salesforce_user__email", "connection__workspace__slug")
    search_help_text = "A Salesforce user’s address or a workspace’s slug"


@admin.register(NoticeSent)
class NoticeSentAdmin(ReadOnlyAdmin):
    """Which notices were mailed on which UTC day."""

    to_workspace = link("workspace")
    list_display = ("day", "key", "to_workspace")
    list_select_related = ("workspace",)
    search_fields = ("key", "workspace__slug")
    search_help_text = "A notice’s name or a workspace’s slug"


@admin.register(SyncUserRequest)
class SyncUserRequestAdmin(ReadOnlyAdmin):
    """Members who were asked to become the Sync User and have not connected yet."""

    to_workspace = link("workspace")
    to_membership = link("membership")
    list_display = ("created_at", "to_membership", "to_workspace")
    list_select_related = ("workspace", "membership__user")
    search_fields = ("membership__user__email", "workspace__slug")
    search_help_text = "A member’s address or a workspace’s slug"
