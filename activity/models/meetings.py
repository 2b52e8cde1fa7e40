"""What is known of the meetings that members were invited to."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from workspaces.models import Membership


class KnownMeeting(models.Model):
    """What one member's mail and calendar said of a meeting (RFC 5545 UID), and what was reported because of it.

    `known` is activity.sources.meetings.knowledge as JSON, `reported` what reports.py keeps for each instance.
    Meetings without anybody outside are not kept; private ones without their texts.
    """

    membership = models.ForeignKey(
        Membership, on_delete=models.CASCADE, related_name="known_meetings", db_index=False
    )
    # SHA-256 of the UID and the organizer's address (empty for the member): anybody can use a UID that they know.
    digest = models.CharField(max_length=64)
    uid = models.CharField(max_length=998)
    known = models.JSONField(default=dict)
    reported = models.JSONField(default=dict)
    # Counts the changes that were reported: part of the ids under which capture gets them.
    revision = models.PositiveIntegerField(default=0)
    # When the next instance comes near enough to be logged.
    next_look_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField("end of the last instance that is known", default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["membership", "digest"], name="known_meeting_once"),)
        indexes = (
            models.Index(fields=["next_look_at"], condition=Q(next_look_at__isnull=False), name="meeting_next_look"),
            models.Index(fields=["ends_at"], name="meeting_by_end"),
        )
