"""Messages whose opens, clicks and downloads come to our own endpoints."""

from django.db import models
from django.utils import timezone

from activity.models.activity import Message
from workspaces.ids import uuid7
from workspaces.models import Membership, Workspace


class TrackedMessage(models.Model):
    """A message that was registered before it was sent, known by its sender's id. Its HTML is not kept.

    `targets` are what its links and files lead to, by position: a list of {"url", "file"}, `file` empty for a link.
    """

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="tracked_messages", db_index=False
    )
    owner = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="tracked_messages")
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="tracked")
    source_id = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    targets = models.JSONField(default=list)
    registered_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["workspace", "source_id"], name="tracked_message_once"),)
        indexes = (models.Index(fields=["expires_at"], name="tracked_message_expiry"),)


class TrackedCopy(models.Model):
    """One recipient's copy, or (`recipient` empty) the one for all; its tokens are made of `lookup` and `key`."""

    tracked = models.ForeignKey(TrackedMessage, on_delete=models.CASCADE, related_name="copies", db_index=False)
    recipient = models.CharField(max_length=320, blank=True)
    lookup = models.UUIDField("first 128 bits of its tokens", unique=True)
    key = models.BinaryField("what binds its tokens to a purpose", max_length=16)
    # Its recipient was erased: links still lead on, but nothing is noted.
    is_silent = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "tracked copies"
        constraints = (models.UniqueConstraint(fields=["tracked", "recipient"], name="tracked_copy_once"),)


class TrackingHit(models.Model):
    """A request for a tracking address, until it has become an activity and nothing can be folded into it any more.

    Neither the network address nor the browser is kept; of both there is only `says_machine`: whether the request
    itself gave away a machine.
    """

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    copy = models.ForeignKey(TrackedCopy, on_delete=models.CASCADE, related_name="hits", db_index=False)
    purpose = models.CharField(max_length=1)  # tracking.tokens.Purpose
    position = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    says_machine = models.BooleanField(default=False)
    # Set when it was judged; `is_counted`: it became an activity and was not folded into an earlier one.
    settled_at = models.DateTimeField(null=True)
    by_machine = models.BooleanField(default=False)
    is_counted = models.BooleanField(default=False)

    class Meta:
        indexes = (
            models.Index(fields=["copy", "at"], name="hits_of_copy"),
            models.Index(fields=["at"], condition=models.Q(settled_at__isnull=True), name="hits_to_settle"),
            models.Index(fields=["settled_at"], condition=models.Q(settled_at__isnull=False), name="hits_settled"),
        )
