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
    FolderRole,
    Mailbox,
    MailboxAuth,
    MailboxCause,
    MailboxFolder,
    MailboxManager,
    MailboxQuerySet,
    MailboxState,
    QuarantinedMail,
)
from integrations.models.organisation import ApiCallCount, ApiUsage, Environment, SalesforceOrg, SyncUserRequest

__all__ = [
    "CONNECTION_SECRETS",
    "MENDABLE",
    "ApiCallCount",
    "ApiKey",
    "ApiUsage",
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
    "MailboxCause",
    "MailboxFolder",
    "MailboxManager",
    "MailboxQuerySet",
    "MailboxState",
    "NoticeSent",
    "PendingGrant",
    "PendingRevocation",
    "QuarantinedMail",
    "SalesforceOrg",
    "SalesforceUser",
    "SyncUserRequest",
]
