"""Through what: Salesforce organisations, the people's grants on them, and the keys of our own API.

Columns that end in `_sealed` hold text sealed by `secrets.seal`; nothing shows or selects them but tokens.py.
"""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.utils import timezone

from workspaces.ids import uuid7
from workspaces.models import Membership, User, Workspace

models.CharField.register_lookup(Length)


class Environment(models.TextChoices):
    """What kind of org it is; the two are never mixed in a workspace."""

    PRODUCTION = "production", "Production"
    SANDBOX = "sandbox", "Sandbox"


class Issuer(models.TextChoices):
    """Which host signs people in; each has a callback address of its own (RFC 9700 §4.4)."""

    PRODUCTION = "production", "Production"
    SANDBOX = "sandbox", "Sandbox"
    CUSTOM = "custom", "My Domain"


class SalesforceOrg(models.Model):
    """The one Salesforce organisation that a workspace logs to."""

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="salesforce_orgs")
    org_id = models.CharField(max_length=18)
    name = models.CharField(max_length=255)
    environment = models.CharField(max_length=10, choices=Environment.choices)
    edition = models.CharField(max_length=60, blank=True)
    web_url = models.CharField("address for people", max_length=255)
    api_cap_percent = models.PositiveSmallIntegerField(default=25)
    use_call_object = models.BooleanField("key in Task.CallObject", default=True)
    sync_user = models.ForeignKey(
        "Connection", null=True, blank=True, on_delete=models.SET_NULL, related_name="sync_user_of"
    )
    stand_by = models.ForeignKey(
        "Connection", null=True, blank=True, on_delete=models.SET_NULL, related_name="stand_by_of"
    )
    people_read_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    retired_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "Salesforce organisation"
        constraints = (
            models.UniqueConstraint(
                fields=["workspace"], condition=Q(retired_at=None), name="org_one_live_per_workspace"
            ),
            models.CheckConstraint(
                condition=Q(api_cap_percent__gte=1, api_cap_percent__lte=100), name="org_cap_is_percent"
            ),
            models.CheckConstraint(condition=Q(org_id__length=18), name="org_id_18"),
        )

    def __str__(self) -> str:
        return self.name


class SyncUserRequest(models.Model):
    """The member who was asked by e-mail to become the Sync User by connecting; there may be no organisation yet."""

    workspace = models.OneToOneField(Workspace, on_delete=models.CASCADE, related_name="sync_user_request")
    membership = models.OneToOneField(Membership, on_delete=models.CASCADE, related_name="sync_user_request")
    created_at = models.DateTimeField(default=timezone.now, editable=False)


class ApiUsage(models.Model):
    """Use of one org's daily API calls as Salesforce last told it; shared by every workspace that uses the org."""

    org_id = models.CharField(max_length=18, primary_key=True)
    used = models.PositiveIntegerField(default=0)
    maximum = models.PositiveIntegerField(default=0)
    seen_at = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)
    pause_reason = models.CharField(max_length=40, blank=True)

    class Meta:
        verbose_name_plural = "API usage"


class ApiCallCount(models.Model):
    """Our own calls to one org on one UTC day, for each connection."""

    org_id = models.CharField(max_length=18)
    connection = models.ForeignKey("Connection", on_delete=models.CASCADE, related_name="call_counts")
    day = models.DateField()
    calls = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["connection", "day"], name="api_calls_once_a_day"),)
        indexes = (models.Index(fields=["org_id", "day"], name="api_calls_by_org"),)


class SalesforceUser(models.Model):
    """A user of a Salesforce org, known once in the whole installation; belongs to one person or to none."""

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    org_id = models.CharField(max_length=18)
    user_id = models.CharField(max_length=18)
    username = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    email = models.CharField(max_length=255, blank=True)
    person = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="salesforce_users"
    )

    class Meta:
        verbose_name = "Salesforce user"
        constraints = (
            models.UniqueConstraint(fields=["org_id", "user_id"], name="salesforce_user_once"),
            models.CheckConstraint(condition=Q(org_id__length=18, user_id__length=18), name="salesforce_user_ids_18"),
        )

    def __str__(self) -> str:
        return self.name


class ConnectionState(models.TextChoices):
    """Whether a grant can be used."""

    CONNECTED = "connected", "Connected"
    NEEDS_ATTENTION = "needs_attention", "Needs attention"
    DISCONNECTED = "disconnected", "Disconnected"


class Cause(models.TextChoices):
    """Why a connection needs attention; the same slugs as the `cause` of the protocol's ConnectionLost."""

    REVOKED = "revoked", "Access was revoked in Salesforce"
    USER_INACTIVE = "user_inactive", "The Salesforce user is inactive"
    ORG_INACTIVE = "org_inactive", "The Salesforce organisation is inactive"
    IP_BLOCKED = "ip_blocked", "Salesforce does not allow our network address"
    APP_BLOCKED = "app_blocked", "A Salesforce admin blocked Touchline"
    APP_NOT_APPROVED = "app_not_approved", "A Salesforce admin has not approved Touchline"
    IDLE = "idle", "The connection was not used for too long"
    PASSWORD = "password", "The Salesforce password has expired"
    API_DISABLED = "api_disabled", "API access is switched off"
    PERMISSION_LOST = "permission_lost", "A permission was removed"
    HOST_CHANGED = "host_changed", "Salesforce answered for another organisation or from an unknown address"
    OTHER = "other", "Salesforce refused the connection"


MENDABLE = frozenset(
    {
        Cause.USER_INACTIVE,
        Cause.ORG_INACTIVE,
        Cause.IP_BLOCKED,
        Cause.APP_BLOCKED,
        Cause.APP_NOT_APPROVED,
        Cause.PASSWORD,
        Cause.API_DISABLED,
        Cause.PERMISSION_LOST,
    }
)
"""Causes that somebody mends in Salesforce while the grant itself lives: a check may find it working again."""


CONNECTION_SECRETS = ("access_token_sealed", "refresh_token_sealed")


class ConnectionQuerySet(models.QuerySet["Connection"]):
    """Connections, without their secrets unless asked: `objects` leaves them out of each SELECT."""

    def live(self) -> "ConnectionQuerySet":
        """Those that were not disconnected."""
        return self.filter(disconnected_at=None)

    def without_secrets(self) -> "ConnectionQuerySet":
        """Leave the sealed columns out of the SELECT, also where a manager of a relation began it."""
        return self.defer(*CONNECTION_SECRETS)

    def with_secrets(self) -> "ConnectionQuerySet":
        """Select the sealed columns too: for tokens.py and what hands a grant over or ends it."""
        return self.defer(None)


class ConnectionManager(models.Manager.from_queryset(ConnectionQuerySet)):
    """The default and base manager."""

    def get_queryset(self) -> ConnectionQuerySet:
        """All connections, the sealed columns deferred."""
        return super().get_queryset().without_secrets()


class Connection(models.Model):
    """A person's (or the Sync User's own) OAuth grant on one Salesforce user in one workspace.

    State is written by connections.py and tokens.py alone.
    """

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="connections")
    org = models.ForeignKey(SalesforceOrg, on_delete=models.CASCADE, related_name="connections")
    salesforce_user = models.ForeignKey(SalesforceUser, on_delete=models.PROTECT, related_name="connections")
    membership = models.ForeignKey(
        Membership, null=True, blank=True, on_delete=models.SET_NULL, related_name="connections"
    )
    state = models.CharField(max_length=20, choices=ConnectionState.choices, default=ConnectionState.CONNECTED)
    cause = models.CharField(max_length=20, choices=Cause.choices, blank=True)
    cause_text = models.TextField("what Salesforce said", blank=True)
    cause_since = models.DateTimeField(null=True, blank=True)
    issuer = models.CharField(max_length=10, choices=Issuer.choices)
    login_url = models.CharField(max_length=255)
    instance_url = models.CharField(max_length=255)
    scopes = models.CharField(max_length=255)
    access_token_sealed = models.TextField(blank=True, editable=False)
    refresh_token_sealed = models.TextField(blank=True, editable=False)
    # Grows with each saved pair, so that a waiting process sees that another one refreshed.
    token_version = models.PositiveIntegerField(default=1, editable=False)
    # The committed refresh lease: who refreshes, until when, how many tries were left without an answer.
    refresh_holder = models.CharField(max_length=64, blank=True, editable=False)
    refresh_until = models.DateTimeField(null=True, editable=False)
    refresh_tries = models.PositiveSmallIntegerField(default=0, editable=False)
    refreshed_at = models.DateTimeField(null=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    preflight = models.JSONField(default=list, editable=False)
    preflight_at = models.DateTimeField(null=True, editable=False)
    connected_at = models.DateTimeField(default=timezone.now, editable=False)
    disconnected_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ConnectionManager()

    class Meta:
        base_manager_name = "objects"
        constraints = (
            models.UniqueConstraint(
                fields=["workspace", "salesforce_user"],
                condition=Q(disconnected_at=None),
                name="connection_one_live_per_salesforce_user",
            ),
            models.UniqueConstraint(
                fields=["membership"],
                condition=Q(disconnected_at=None),
                name="connection_one_live_per_member",
            ),
            models.CheckConstraint(
                condition=Q(state=ConnectionState.DISCONNECTED, disconnected_at__isnull=False)
                | (~Q(state=ConnectionState.DISCONNECTED) & Q(disconnected_at__isnull=True)),
                name="connection_disconnected_has_its_time",
            ),
            models.CheckConstraint(
                condition=~Q(state=ConnectionState.DISCONNECTED) | Q(access_token_sealed="", refresh_token_sealed=""),
                name="connection_disconnected_has_no_tokens",
            ),
            models.CheckConstraint(
                condition=~Q(state=ConnectionState.CONNECTED) | ~Q(refresh_token_sealed=""),
                name="connection_connected_has_tokens",
            ),
            models.CheckConstraint(
                condition=~Q(state=ConnectionState.NEEDS_ATTENTION) | ~Q(cause=""),
                name="connection_attention_has_a_cause",
            ),
        )
        indexes = (models.Index(F("refreshed_at"), condition=Q(disconnected_at=None), name="connection_keep_alive"),)

    def __str__(self) -> str:
        return f"{self.salesforce_user} ({self.get_state_display()})"

    @property
    def is_usable(self) -> bool:
        """Whether calls may be made with it."""
        return self.state == ConnectionState.CONNECTED

    @property
    def may_be_tried(self) -> bool:
        """Whether a check may use its tokens: they work, or may work again once somebody mended the cause."""
        return self.is_usable or (self.state == ConnectionState.NEEDS_ATTENTION and self.cause in MENDABLE)


class Intent(models.TextChoices):
    """What a person leaves for Salesforce for."""

    MEMBER = "member", "Own connection"
    SYNC_USER = "sync_user", "Sync User"
    STAND_BY = "stand_by", "Stand-by of the Sync User"


class PendingGrant(models.Model):
    """One trip to Salesforce's login page: first the state and verifier, then the unconfirmed tokens.

    Only the digest of the state is kept. A row is used once, within ten minutes, by the same person and session.
    """

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    state_digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="pending_grants")
    session_digest = models.CharField(max_length=64)
    intent = models.CharField(max_length=10, choices=Intent.choices)
    issuer = models.CharField(max_length=10, choices=Issuer.choices)
    login_url = models.CharField(max_length=255)
    verifier_sealed = models.TextField(blank=True)
    access_token_sealed = models.TextField(blank=True)
    refresh_token_sealed = models.TextField(blank=True)
    # What the confirm page shows: org, user, edition, instance_url, scopes, web_url; no secret.
    grant = models.JSONField(default=dict)
    preflight = models.JSONField(default=list)
    error = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField("callback came", null=True)
    ended_at = models.DateTimeField("confirmed, cancelled or expired", null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(verifier_sealed="", access_token_sealed="", refresh_token_sealed=""),
                name="pending_grant_ended_has_no_secrets",
            ),
        )
        indexes = (models.Index(fields=["expires_at"], condition=Q(ended_at=None), name="pending_grant_open"),)

    @property
    def is_open(self) -> bool:
        """Whether it may still end in a connection."""
        return self.ended_at is None and self.expires_at > timezone.now()


class NoticeSent(models.Model):
    """One e-mail of a kind on a UTC day: the constraint, not a check, keeps a second one from leaving."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="notices_sent")
    key = models.CharField(max_length=120)
    day = models.DateField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["workspace", "key", "day"], name="notice_once_a_day"),)


class PendingRevocation(models.Model):
    """A grant that must still be revoked at Salesforce; retried with back-off for seven days."""

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="pending_revocations")
    membership = models.ForeignKey(Membership, null=True, on_delete=models.SET_NULL, related_name="+")
    login_url = models.CharField(max_length=255)
    salesforce_user_name = models.CharField(max_length=255)
    token_sealed = models.TextField(blank=True)
    why = models.CharField(max_length=40)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    revoked_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(revoked_at=None, given_up_at=None) | Q(token_sealed=""),
                name="pending_revocation_done_has_no_token",
            ),
        )
        indexes = (
            models.Index(
                fields=["next_try_at"],
                condition=Q(revoked_at=None, given_up_at=None),
                name="pending_revocation_due",
            ),
        )


class CachedDescribe(models.Model):
    """What Salesforce says of an object to one connection's user; asked again after a day or an INVALID_FIELD."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="describes")
    object_name = models.CharField(max_length=80)
    content = models.JSONField()
    fetched_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["connection", "object_name"], name="describe_once"),)


class ApiKey(models.Model):
    """A key of a workspace for our API: 256 random bits, of which only the SHA-256 is kept."""

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return self.name


class MailboxState(models.TextChoices):
    """Whether a mailbox can be read."""

    CONNECTED = "connected", "Connected"
    NEEDS_ATTENTION = "needs_attention", "Needs attention"
    DISCONNECTED = "disconnected", "Disconnected"


class MailboxAuth(models.TextChoices):
    """How we log in."""

    PASSWORD = "password", "Password"


class MailboxCause(models.TextChoices):
    """Why a mailbox needs a person; the same slugs as the `cause` of the protocol's MailboxError."""

    PASSWORD = "password", "The mail server refuses the password"
    APP_PASSWORD = "app_password", "The provider wants an app password"
    CERTIFICATE = "certificate", "The mail server did not prove its identity"
    HOST = "host", "The mail server's address is not allowed"
    FOLDER = "folder", "A folder is missing"
    OTHER = "other", "The mail server refuses the connection"


class MailboxQuerySet(models.QuerySet["Mailbox"]):
    """Mailboxes, without their secrets unless asked."""

    def live(self) -> "MailboxQuerySet":
        """Those that were not disconnected."""
        return self.filter(disconnected_at=None)

    def with_secrets(self) -> "MailboxQuerySet":
        """Select the sealed columns too: for mailboxes.py alone."""
        return self.defer(None)


class MailboxManager(models.Manager.from_queryset(MailboxQuerySet)):
    """The default and base manager."""

    def get_queryset(self) -> MailboxQuerySet:
        """All mailboxes, the sealed columns deferred."""
        return super().get_queryset().defer("password_sealed")


class Mailbox(models.Model):
    """A member's mailbox at an IMAP server. State is written by mailboxes.py and mailbox_leases.py alone.

    `is_paused`: the member switched *Sync all messages* off; nothing is read and no connection is open.
    `lease_holder` is the watching process, until `lease_until`; nobody tries before `retry_at`.
    """

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="mailboxes")
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="mailboxes")
    address = models.CharField(max_length=320)
    aliases = models.JSONField("other addresses that the person sends from", default=list)
    host = models.CharField(max_length=253)
    port = models.PositiveIntegerField(default=993)
    user_name = models.CharField(max_length=320)
    auth = models.CharField(max_length=10, choices=MailboxAuth.choices, default=MailboxAuth.PASSWORD)
    password_sealed = models.TextField(blank=True, editable=False)
    state = models.CharField(max_length=20, choices=MailboxState.choices, default=MailboxState.CONNECTED)
    cause = models.CharField(max_length=20, choices=MailboxCause.choices, blank=True)
    cause_text = models.TextField("what the server said", blank=True)
    cause_since = models.DateTimeField(null=True, blank=True)
    is_paused = models.BooleanField(default=False)
    lease_holder = models.CharField(max_length=64, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    retry_at = models.DateTimeField(null=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    failure_text = models.CharField(max_length=300, blank=True, editable=False)
    read_at = models.DateTimeField("last looked into", null=True, editable=False)
    messages_read = models.PositiveIntegerField(default=0, editable=False)
    connected_at = models.DateTimeField(default=timezone.now, editable=False)
    disconnected_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = MailboxManager()

    class Meta:
        verbose_name_plural = "mailboxes"
        base_manager_name = "objects"
        constraints = (
            models.UniqueConstraint(
                fields=["membership"], condition=Q(disconnected_at=None), name="mailbox_one_live_per_member"
            ),
            models.CheckConstraint(
                condition=Q(state=MailboxState.DISCONNECTED, disconnected_at__isnull=False)
                | (~Q(state=MailboxState.DISCONNECTED) & Q(disconnected_at__isnull=True)),
                name="mailbox_disconnected_has_its_time",
            ),
            models.CheckConstraint(
                condition=~Q(state=MailboxState.DISCONNECTED) | Q(password_sealed=""),
                name="mailbox_disconnected_has_no_password",
            ),
            models.CheckConstraint(
                condition=~Q(state=MailboxState.NEEDS_ATTENTION) | ~Q(cause=""),
                name="mailbox_attention_has_a_cause",
            ),
        )
        indexes = (
            models.Index(
                F("lease_until"), condition=Q(state="connected", is_paused=False), name="mailbox_to_be_watched"
            ),
        )

    def __str__(self) -> str:
        return f"{self.address} ({self.get_state_display()})"

    @property
    def own_addresses(self) -> frozenset[str]:
        """Whose mail is sent, not received: lower case."""
        return frozenset({self.address, *self.aliases})


class FolderRole(models.TextChoices):
    """What is in a folder; mail from an own address is Sent wherever it lies."""

    SENT = "sent", "Sent mail"
    RECEIVED = "received", "Received mail"


class MailboxFolder(models.Model):
    """A folder that is read, and how far: every uid below `next_uid` of this `uidvalidity` was captured.

    `uidvalidity` null: nothing was read yet, and reading begins with what comes next. `read_at` is when the folder
    was last read to its end.
    """

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, related_name="folders")
    name = models.CharField(max_length=500)
    role = models.CharField(max_length=10, choices=FolderRole.choices)
    uidvalidity = models.BigIntegerField(null=True, editable=False)
    next_uid = models.BigIntegerField(default=1, editable=False)
    read_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["mailbox", "name"], name="mailbox_folder_once"),)

    def __str__(self) -> str:
        return self.name


class QuarantinedMail(models.Model):
    """A message that could not be read, and why; nothing of it is kept. `reason`: a key of QUARANTINE_REASONS."""

    folder = models.ForeignKey(MailboxFolder, on_delete=models.CASCADE, related_name="quarantined")
    uidvalidity = models.BigIntegerField()
    uid = models.BigIntegerField()
    size = models.PositiveBigIntegerField()
    arrived_at = models.DateTimeField()
    reason = models.CharField(max_length=20)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "quarantined mail"
        constraints = (
            models.UniqueConstraint(fields=["folder", "uidvalidity", "uid"], name="quarantined_mail_once"),
        )
