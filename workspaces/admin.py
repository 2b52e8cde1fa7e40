"""What support staff see of people and workspaces; they may change a plan, and whether a person may come in."""

from allauth.account.models import EmailAddress
from django.contrib import admin
from django.db import transaction
from django.db.models import Model
from django.forms import ModelForm
from django.http import HttpRequest

from workspaces import audit
from workspaces.audit import Action
from workspaces.models import AuditEntry, Invitation, Membership, Role, User, Workspace
from workspaces.staff_admin import ReadOnlyAdmin, link


class ReadOnlyInline(admin.TabularInline):
    """Rows of another table on the page of one they belong to."""

    extra = 0
    can_delete = False
    show_change_link = True
    template = "admin/rows_of.html"

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Staff see them."""
        return request.user.is_staff

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody adds by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes by hand."""
        return False


class EmailAddressInline(ReadOnlyInline):
    """A person's addresses."""

    model = EmailAddress
    fields = ("email", "verified", "primary")


class MembershipInline(ReadOnlyInline):
    """A person's workspaces."""

    model = Membership
    fields = ("workspace", "role", "is_admin", "joined_at", "left_at")
    readonly_fields = fields


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """People."""

    list_display = ("email", "name", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name", "emailaddress__email")
    search_help_text = "A name or an address, also a further one"
    ordering = ("-pk",)
    writable = ("is_active",)
    secret = ("password",)
    inlines = (EmailAddressInline, MembershipInline)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody shuts out support staff here, oneself included: the operator does that."""
        return super().has_change_permission(request, obj) and not getattr(obj, "is_staff", False)

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: User, form: ModelForm, change: bool) -> None:
        """Save whether the person may come in, and record it."""
        if "is_active" not in form.changed_data:
            return
        obj.save(update_fields=["is_active"])
        action = Action.PERSON_REACTIVATED if obj.is_active else Action.PERSON_DEACTIVATED
        audit.record(action, workspace=None, actor=request.user, target=obj.email)


@admin.register(Workspace)
class WorkspaceAdmin(ReadOnlyAdmin):
    """Workspaces."""

    list_display = ("name", "slug", "plan", "retention_days", "created_at")
    list_filter = ("plan",)
    search_fields = ("name", "slug")
    search_help_text = "A name or slug"
    ordering = ("-pk",)
    writable = ("plan",)

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Workspace, form: ModelForm, change: bool) -> None:
        """Save the plan, and record it where the workspace's admins read it."""
        if obj.plan == form.initial["plan"]:
            return
        obj.save(update_fields=["plan"])
        details = {"plan": [form.initial["plan"], obj.plan]}
        audit.record(Action.PLAN_CHANGED, workspace=obj, actor=request.user, target=obj.name, details=details)


@admin.register(Role)
class RoleAdmin(ReadOnlyAdmin):
    """Roles."""

    list_display = ("name", "workspace_link", "is_default", "created_at")
    list_filter = ("is_default",)
    list_select_related = ("workspace",)
    search_fields = ("name", "workspace__name", "workspace__slug")
    search_help_text = "A role’s name, or a workspace’s name or slug"
    ordering = ("-pk",)
    workspace_link = link("workspace")


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    """Who is in which workspace."""

    list_display = ("__str__", "user_link", "workspace_link", "role", "is_admin", "joined_at", "left_at")
    list_filter = ("is_admin", ("left_at", admin.EmptyFieldListFilter))
    list_select_related = ("user", "workspace", "role")
    search_fields = ("user__email", "user__name", "workspace__name", "workspace__slug")
    search_help_text = "A person’s name or address, or a workspace’s name or slug"
    ordering = ("-pk",)
    user_link = link("user", "person")
    workspace_link = link("workspace")


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Invitations; the digest of the link stays in the database."""

    list_display = (
        "email",
        "workspace_link",
        "inviter_link",
        "created_at",
        "expires_at",
        "accepted_at",
        "withdrawn_at",
    )
    list_filter = (("accepted_at", admin.EmptyFieldListFilter), ("withdrawn_at", admin.EmptyFieldListFilter))
    list_select_related = ("workspace", "invited_by")
    search_fields = ("email", "workspace__name", "workspace__slug")
    search_help_text = "An address, or a workspace’s name or slug"
    ordering = ("-pk",)
    secret = ("token_digest",)
    workspace_link = link("workspace")
    inviter_link = link("invited_by", "invited by")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """What was done."""

    list_display = ("created_at", "action", "target", "actor_link", "workspace_link")
    list_filter = ("action",)
    list_select_related = ("actor", "workspace")
    search_fields = ("target", "actor__email", "workspace__slug")
    search_help_text = "What it was done to, a person’s address or a workspace’s slug"
    ordering = ("-pk",)
    actor_link = link("actor", "person")
    workspace_link = link("workspace")
