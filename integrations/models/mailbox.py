"""Members' mailboxes, how far each folder was read, and mail that was set aside."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from workspaces.ids import uuid7
from workspaces.models import Membership, Workspace


class MailboxState(models.TextChoices):
    """Whether a mailbox can be read."""

    CONNECTED = "connected", "Connected"
    NEEDS_ATTENTION = "needs_attention", "Needs attention"
    DISCONNECTED = "disconnected", "Disconnected"


class MailboxAuth(models.TextChoices):
    """How we log in."""

    PASSWORD = "password", "Password"
    GOOGLE = "google", "Google sign-in"
    MICROSOFT = "microsoft", "Microsoft sign-in"


class MailboxCause(models.TextChoices):
    """Why a mailbox needs a person; the same slugs as the `cause` of the protocol's MailboxError."""

    PASSWORD = "password", "The mail server refuses the password"
    APP_PASSWORD = "app_password", "The provider wants an app password"
    SIGN_IN = "sign_in", "The mail provider has ended Touchline's access"
    IMAP_REFUSED = "imap_refused", "The mail server does not let Touchline in"
    CERTIFICATE = "certificate", "The mail server did not prove its identity"
    HOST = "host", "The mail server's address is not allowed"
    FOLDER = "folder", "A folder is missing"
    SEALED = "sealed", "Touchline cannot open the stored log-in"
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


class BackfillState(models.TextChoices):
    """How far the look into older mail has come."""

    COUNTING = "counting", "Counting"
    COUNTED = "counted", "Counted"
    RUNNING = "running", "Logging"
    DONE = "done", "Done"
    STOPPED = "stopped", "Stopped"


class MailboxBackfill(models.Model):
    """Older mail of a mailbox: counted first, taken up only when its owner says so.

    Days are those of the mail server. `seen` of `total` were looked at in the present pass; the other figures are
    those of the count: what would be logged, what of that looks personal, what would not be logged.
    """

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, related_name="backfills")
    since = models.DateField()
    until = models.DateField("last day")
    state = models.CharField(max_length=10, choices=BackfillState.choices, default=BackfillState.COUNTING)
    with_personal = models.BooleanField(default=False)
    total = models.PositiveIntegerField(default=0)
    seen = models.PositiveIntegerField(default=0)
    loggable = models.PositiveIntegerField(default=0)
    personal = models.PositiveIntegerField(default=0)
    others = models.PositiveIntegerField(default=0)
    taken_up = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["mailbox"],
                condition=Q(state__in=("counting", "counted", "running")),
                name="mailbox_one_open_backfill",
            ),
            models.CheckConstraint(condition=Q(until__gte=models.F("since")), name="mailbox_backfill_days_in_order"),
        )

    @property
    def is_under_way(self) -> bool:
        """Whether it goes on by itself."""
        return self.state in (BackfillState.COUNTING, BackfillState.RUNNING)
