"""What happened: messages, meetings, and the activities around them."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from workspaces.ids import uuid7
from workspaces.models import Membership, Workspace


class Kind(models.TextChoices):
    """What an activity is."""

    SENT = "sent", "Sent"
    RECEIVED = "received", "Received"
    REPLIED = "replied", "Replied"
    OPENED = "opened", "Opened"
    CLICKED = "clicked", "Clicked"
    DOWNLOADED = "downloaded", "Downloaded"
    BOUNCED = "bounced", "Bounced"
    MEETING_CONFIRMED = "meeting_confirmed", "Meeting Confirmed"
    MEETING_CANCELED = "meeting_canceled", "Meeting Canceled"

    @property
    def is_meeting(self) -> bool:
        """Whether it is written as an Event; everything else is a Task."""
        return self in (Kind.MEETING_CONFIRMED, Kind.MEETING_CANCELED)


class Source(models.TextChoices):
    """Who told us."""

    API = "api", "API"
    MAILBOX = "mailbox", "Mailbox"
    MEETINGS = "meetings", "Calendar"
    TRACKING = "tracking", "Tracking"


class Message(models.Model):
    """An e-mail seen by us, known in its workspace by its RFC 5322 Message-ID (without angle brackets).

    `text` is kept only while something of it is to be logged: excluded and unmatched mail leaves no body here.
    """

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="messages", db_index=False)
    message_id = models.CharField(max_length=998)
    in_reply_to = models.CharField(max_length=998, blank=True)
    subject = models.CharField(max_length=998, blank=True)
    text = models.TextField(blank=True)
    text_was_cut = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["workspace", "message_id"], name="message_once"),)


class ParticipantRole(models.TextChoices):
    """Which header names the address."""

    FROM = "from", "From"
    TO = "to", "To"
    CC = "cc", "Cc"
    BCC = "bcc", "Bcc"


class Participant(models.Model):
    """An address on a message, in lower case, with the name that stood beside it."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="participants", db_index=False)
    role = models.CharField(max_length=4, choices=ParticipantRole.choices)
    address = models.CharField(max_length=320)
    name = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["message", "role", "address"], name="participant_once"),)


class Meeting(models.Model):
    """A meeting as last reported, known in its workspace by its iCalendar UID (RFC 5545 §3.8.4.7).

    `attendees` is a list of {"email", "name", "status"}; times are UTC.
    """

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="meetings", db_index=False)
    uid = models.CharField(max_length=998)
    title = models.CharField(max_length=998, blank=True)
    start = models.DateTimeField()
    end = models.DateTimeField()
    location = models.CharField(max_length=998, blank=True)
    description = models.TextField(blank=True)
    organizer = models.CharField(max_length=320)
    attendees = models.JSONField(default=list)
    reported_at = models.DateTimeField("time of the newest report taken over")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["workspace", "uid"], name="meeting_once"),
            models.CheckConstraint(condition=Q(end__gte=models.F("start")), name="meeting_ends_after_start"),
        )


class Activity(models.Model):
    """A thing that happened, seen from one member. `occurred_at` is UTC."""

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="activities", db_index=False)
    owner = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="activities")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    occurred_at = models.DateTimeField()
    message = models.ForeignKey(
        Message, null=True, on_delete=models.CASCADE, related_name="activities", db_index=False
    )
    meeting = models.ForeignKey(Meeting, null=True, on_delete=models.CASCADE, related_name="activities")
    # Who opened, clicked, replied, where it is known; lower case.
    recipient = models.CharField(max_length=320, blank=True)
    url = models.CharField(max_length=2000, blank=True)
    file_name = models.CharField(max_length=255, blank=True)
    source = models.CharField(max_length=10, choices=Source.choices)
    via_touchline = models.BooleanField(default=True)
    # Opened by a mail proxy or a virus scanner, as far as we can tell.
    by_machine = models.BooleanField(default=False)
    # Hidden by somebody's personal never-log: others see "kept private".
    is_private = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "activities"
        constraints = (
            # API and mailbox may report one mail; and a reply is Replied only, not also Received.
            models.UniqueConstraint(
                "workspace",
                "owner",
                "message",
                models.Case(models.When(kind="sent", then=models.Value("out")), default=models.Value("in")),
                condition=Q(kind__in=("sent", "received", "replied")),
                name="activity_mail_once_per_owner",
            ),
            models.CheckConstraint(
                condition=Q(message__isnull=False, meeting__isnull=True)
                | Q(message__isnull=True, meeting__isnull=False),
                name="activity_of_message_or_meeting",
            ),
        )
        indexes = (
            models.Index(fields=["workspace", "-occurred_at", "-id"], name="activity_feed"),
            models.Index(fields=["message", "occurred_at"], name="activity_of_message"),
        )
