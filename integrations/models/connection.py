"""A person's (or the Sync User's own) grant on a Salesforce user.

Columns that end in `_sealed` hold text sealed by `secrets.seal`; nothing shows or selects them but tokens.py.
"""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from integrations.models.organisation import SalesforceOrg
from workspaces.ids import uuid7
from workspaces.models import Membership, User, Workspace


class Issuer(models.TextChoices):
    """Which host signs people in; each has a callback address of its own (RFC 9700 §4.4)."""

    PRODUCTION = "production", "Production"
    SANDBOX = "sandbox", "Sandbox"
    CUSTOM = "custom", "My Domain"


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
    SEALED = "sealed", "Touchline cannot open the stored access"
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
        Cause.SEALED,
    }
)
"""Causes that somebody mends in Salesforce, or with the right encryption key here, while the grant itself lives: a
check may find it working again."""


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


class NoticeSent(models.Model):
    """One e-mail of a kind on a UTC day: the constraint, not a check, keeps a second one from leaving."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="notices_sent")
    key = models.CharField(max_length=120)
    day = models.DateField()

    class Meta:
        verbose_name = "notice"
        constraints = (models.UniqueConstraint(fields=["workspace", "key", "day"], name="notice_once_a_day"),)


class CachedDescribe(models.Model):
    """What Salesforce says of an object to one connection's user; asked again after a day or an INVALID_FIELD."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="describes")
    object_name = models.CharField(max_length=80)
    content = models.JSONField()
    fetched_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["connection", "object_name"], name="describe_once"),)
