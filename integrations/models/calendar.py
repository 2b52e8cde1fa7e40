"""Members' calendars at CalDAV servers, which collections of them are read, and how far each was read."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from workspaces.ids import uuid7
from workspaces.models import Membership, Workspace


class CalendarState(models.TextChoices):
    """Whether a calendar can be read."""

    CONNECTED = "connected", "Connected"
    NEEDS_ATTENTION = "needs_attention", "Needs attention"
    DISCONNECTED = "disconnected", "Disconnected"


class CalendarCause(models.TextChoices):
    """Why a calendar needs a person; the same slugs as the `cause` of the protocol's CalendarError."""

    PASSWORD = "password", "The calendar server refuses the password"
    NO_PASSWORD = "no_password", "The calendar server lets nobody in with a password"
    CERTIFICATE = "certificate", "The calendar server did not prove its identity"
    HOST = "host", "The calendar server's address is not allowed"
    COLLECTION = "collection", "A calendar is missing"
    SEALED = "sealed", "Touchline cannot open the stored password"
    OTHER = "other", "The calendar server refuses the connection"


class CalendarQuerySet(models.QuerySet["Calendar"]):
    """Calendars, without their secrets unless asked."""

    def live(self) -> "CalendarQuerySet":
        """Those that were not disconnected."""
        return self.filter(disconnected_at=None)

    def with_secrets(self) -> "CalendarQuerySet":
        """Select the sealed columns too: for calendars.py alone."""
        return self.defer(None)


class CalendarManager(models.Manager.from_queryset(CalendarQuerySet)):
    """The default and base manager."""

    def get_queryset(self) -> CalendarQuerySet:
        """All calendars, the sealed columns deferred."""
        return super().get_queryset().defer("password_sealed")


class Calendar(models.Model):
    """A member's account at a calendar server. State is written by calendars.py and calendar_leases.py alone.

    `provider` is a key of the protocol's PROVIDERS, `url` what the account is found from, `addresses` those that the
    server knows the person by. `lease_holder` is the process that polls it, until `lease_until`; nobody does before
    `poll_at`.
    """

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="calendars")
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="calendars")
    provider = models.CharField(max_length=20)
    url = models.CharField("server", max_length=500)
    user_name = models.CharField(max_length=320)
    password_sealed = models.TextField(blank=True, editable=False)
    addresses = models.JSONField("addresses of the person in the calendar", default=list)
    state = models.CharField(max_length=20, choices=CalendarState.choices, default=CalendarState.CONNECTED)
    cause = models.CharField(max_length=20, choices=CalendarCause.choices, blank=True)
    cause_text = models.TextField("what the server said", blank=True)
    cause_since = models.DateTimeField(null=True, blank=True)
    lease_holder = models.CharField(max_length=64, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    poll_at = models.DateTimeField(default=timezone.now, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    failure_text = models.CharField(max_length=300, blank=True, editable=False)
    read_at = models.DateTimeField("last looked into", null=True, editable=False)
    meetings_read = models.PositiveIntegerField("meetings confirmed, moved or canceled", default=0, editable=False)
    connected_at = models.DateTimeField(default=timezone.now, editable=False)
    disconnected_at = models.DateTimeField(null=True, editable=False)

    objects = CalendarManager()

    class Meta:
        base_manager_name = "objects"
        constraints = (
            models.UniqueConstraint(
                fields=["membership"], condition=Q(disconnected_at=None), name="calendar_one_live_per_member"
            ),
            models.CheckConstraint(
                condition=Q(state=CalendarState.DISCONNECTED, disconnected_at__isnull=False)
                | (~Q(state=CalendarState.DISCONNECTED) & Q(disconnected_at__isnull=True)),
                name="calendar_disconnected_has_its_time",
            ),
            models.CheckConstraint(
                condition=~Q(state=CalendarState.DISCONNECTED) | Q(password_sealed=""),
                name="calendar_disconnected_has_no_password",
            ),
            models.CheckConstraint(
                condition=~Q(state=CalendarState.NEEDS_ATTENTION) | ~Q(cause=""),
                name="calendar_attention_has_a_cause",
            ),
        )
        indexes = (models.Index(F("poll_at"), condition=Q(state="connected"), name="calendar_to_be_polled"),)

    def __str__(self) -> str:
        return f"{self.user_name} ({self.get_state_display()})"


class CalendarCollection(models.Model):
    """One calendar of the account that is read, and how far: up to the state that `sync_token` stands for, or `ctag`
    where the server has no such token.

    `looked_ahead_at`: when everything that is to come was read last; null: never.
    """

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="collections")
    url = models.CharField(max_length=500)
    name = models.CharField(max_length=200)
    sync_token = models.CharField(max_length=1000, blank=True, editable=False)
    ctag = models.CharField(max_length=500, blank=True, editable=False)
    looked_ahead_at = models.DateTimeField(null=True, editable=False)
    chosen_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["calendar", "url"], name="calendar_collection_once"),)

    def __str__(self) -> str:
        return self.name


class CalendarResource(models.Model):
    """An entry of a calendar that was read and is not over yet; nothing of its content is kept.

    `uid`, `sequence` and `ends_at` say what its deletion means, `gone_at` that it was deleted; `reason`: why it could
    not be read, a key of the protocol's REFUSALS.
    """

    collection = models.ForeignKey(CalendarCollection, on_delete=models.CASCADE, related_name="resources")
    path = models.CharField(max_length=500)
    etag = models.CharField(max_length=200, blank=True)
    uid = models.CharField(max_length=998, blank=True)
    sequence = models.PositiveIntegerField(default=0)
    ends_at = models.DateTimeField(null=True)
    gone_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=20, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["collection", "path"], name="calendar_resource_once"),)

    def __str__(self) -> str:
        return f"{self.collection_id}-{self.pk}"
