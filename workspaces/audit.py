"""What was done, by whom, on what: written here alone, never changed afterwards."""

from typing import Any

from django.db import models

from workspaces.models import AuditEntry, User, Workspace


class Action(models.TextChoices):
    """Every action there is, of all apps; what is not listed is refused."""

    WORKSPACE_CREATED = "workspace.created", "Workspace created"
    WORKSPACE_CHANGED = "workspace.changed", "Workspace settings changed"
    PLAN_CHANGED = "plan.changed", "Plan changed by support"
    PERSON_DEACTIVATED = "person.deactivated", "Person deactivated by support"
    PERSON_REACTIVATED = "person.reactivated", "Person reactivated by support"
    MEMBER_INVITED = "member.invited", "Member invited"
    INVITATION_WITHDRAWN = "invitation.withdrawn", "Invitation withdrawn"
    MEMBER_JOINED = "member.joined", "Member joined"
    MEMBER_REMOVED = "member.removed", "Member removed"
    MEMBER_LEFT = "member.left", "Member left"
    MEMBER_ROLE_CHANGED = "member.role_changed", "Role of a member changed"
    MEMBER_ADMIN_CHANGED = "member.admin_changed", "Admin rights changed"
    ROLE_CREATED = "role.created", "Role created"
    ROLE_RENAMED = "role.renamed", "Role renamed"
    ROLE_DEFAULT_CHANGED = "role.default_changed", "Default role changed"
    ROLE_DELETED = "role.deleted", "Role deleted"
    SALESFORCE_CONNECTED = "salesforce.connected", "Salesforce connected"
    SALESFORCE_DISCONNECTED = "salesforce.disconnected", "Salesforce disconnected"
    SALESFORCE_SYNC_USER_CHANGED = "salesforce.sync_user_changed", "Sync User changed"
    MAILBOX_CONNECTED = "mailbox.connected", "Mailbox connected"
    MAILBOX_CHANGED = "mailbox.changed", "Mailbox settings changed"
    MAILBOX_DISCONNECTED = "mailbox.disconnected", "Mailbox disconnected"
    CALENDAR_CONNECTED = "calendar.connected", "Calendar connected"
    CALENDAR_CHANGED = "calendar.changed", "Calendar settings changed"
    CALENDAR_DISCONNECTED = "calendar.disconnected", "Calendar disconnected"
    SETTINGS_SAVED = "settings.saved", "Salesforce settings saved"
    EXCLUSION_CHANGED = "exclusion.changed", "Exclusions changed"
    API_KEY_CREATED = "api_key.created", "API key created"
    API_KEY_REVOKED = "api_key.revoked", "API key revoked"
    JOB_RETRIED = "job.retried", "Activity retried"
    JOB_RELINKED = "job.relinked", "Activity logged to another record"
    JOB_WITHDRAWN = "job.withdrawn", "Activity not to be logged"
    JOB_DELETED_IN_SALESFORCE = "job.deleted_in_salesforce", "Record deleted in Salesforce"
    PERSON_CREATED = "person.created_in_salesforce", "Contact or Lead created in Salesforce"
    PAYLOAD_VIEWED = "payload.viewed", "Payload viewed"


def record(
    action: Action | str,
    *,
    workspace: Workspace | None,
    actor: User | None = None,
    target: str = "",
    details: dict[str, Any] | None = None,
) -> AuditEntry:
    """Keep one entry, in the caller's transaction.

    workspace: None for what support does to a person. actor: None for the system itself.
    target: what it was done to, in words a person recognises (cut at 300 characters).
    details: JSON values, never a secret and never a message's text.
    Raises ValueError for an action that is not listed in Action.
    """
    return AuditEntry.objects.create(
        workspace=workspace,
        actor=actor,
        action=Action(action),
        target=target[:300],
        details=details or {},
    )
