"""Through what: Salesforce organisations, the people's grants on them, mailboxes, the keys of our own API."""

from integrations.models.api_key import ApiKey
from integrations.models.connection import (
    CONNECTION_SECRETS,
    MENDABLE,
    CachedDescribe,
    Cause,
    Connection,
    ConnectionManager,
    ConnectionQuerySet,
    ConnectionState,
    Issuer,
    NoticeSent,
    SalesforceUser,
)
from integrations.models.grant import Intent, PendingGrant, PendingRevocation
from integrations.models.mailbox import (
    BackfillState,
    FolderRole,
    Mailbox,
    MailboxAuth,
    MailboxBackfill,
    MailboxCause,
    MailboxFolder,
    MailboxManager,
    MailboxQuerySet,
    MailboxState,
    QuarantinedMail,
)
from integrations.models.mailbox_grant import MailboxGrant, MailboxSignIn
from integrations.models.organisation import ApiCallCount, ApiUsage, Environment, SalesforceOrg, SyncUserRequest

__all__ = [
    "CONNECTION_SECRETS",
    "MENDABLE",
    "ApiCallCount",
    "ApiKey",
    "ApiUsage",
    "BackfillState",
    "CachedDescribe",
    "Cause",
    "Connection",
    "ConnectionManager",
    "ConnectionQuerySet",
    "ConnectionState",
    "Environment",
    "FolderRole",
    "Intent",
    "Issuer",
    "Mailbox",
    "MailboxAuth",
    "MailboxBackfill",
    "MailboxCause",
    "MailboxFolder",
    "MailboxGrant",
    "MailboxManager",
    "MailboxQuerySet",
    "MailboxSignIn",
    "MailboxState",
    "NoticeSent",
    "PendingGrant",
    "PendingRevocation",
    "QuarantinedMail",
    "SalesforceOrg",
    "SalesforceUser",
    "SyncUserRequest",
]
