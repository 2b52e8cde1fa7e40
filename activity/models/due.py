"""What waits to be sent, and whose turn it is: leases and counts that the pipeline works by."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from activity.models.sync import ObjectType, SyncJob
from integrations.models import Connection
from workspaces.models import Workspace


class DueJob(models.Model):
    """A job that waits to be sent or looked up; deleted when it needs nothing more.

    `due_at` is also the lease: claiming pushes it past the longest a batch may take. `attempt` is the fence: a
    write of an outcome that names an older attempt changes nothing.
    """

    job = models.OneToOneField(SyncJob, primary_key=True, on_delete=models.CASCADE, related_name="due")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="due_jobs", db_index=False)
    due_at = models.DateTimeField(default=timezone.now)
    # Whether `due_at` is a lease: found at the next claim, the worker that took it has died.
    leased = models.BooleanField(default=False)
    # What its order is kept in: the id of its message, or minus the id of its meeting.
    sequence = models.BigIntegerField(default=0)
    # Lower goes first; under a tight API budget the high ones wait (opens before meetings).
    priority = models.PositiveSmallIntegerField(default=0)
    attempt = models.PositiveIntegerField(default=0)
    # Set before a call and cleared by a definite answer: still set at the next claim, the outcome is unknown.
    sent_at = models.DateTimeField(null=True)
    # The first send of the outcome that is unknown, and how many look-ups were done since.
    unknown_since = models.DateTimeField(null=True)
    look_ups = models.PositiveSmallIntegerField(default=0)
    # Definite failures that were retried; claims whose worker died.
    retries = models.PositiveSmallIntegerField(default=0)
    deaths = models.PositiveSmallIntegerField(default=0)
    # Each is done once only.
    matched_again = models.BooleanField(default=False)
    described_again = models.BooleanField(default=False)
    # Waits until one with the same error succeeds; `due_at` says nothing meanwhile.
    parked = models.ForeignKey(
        "ErrorGroup", null=True, on_delete=models.SET_NULL, related_name="parked_jobs", db_index=False
    )
    # Whether the payload of the last attempt is what is sent again: it is composed once, with its key and its day.
    frozen = models.BooleanField(default=False)

    class Meta:
        indexes = (
            models.Index(fields=["connection", "due_at"], name="due_by_connection"),
            models.Index(fields=["parked"], condition=Q(parked__isnull=False), name="due_parked"),
        )


class ErrorGroup(models.Model):
    """Jobs of one connection that fail for one cause: after three, the others wait behind one canary an hour.

    While `is_total` nothing of the object type gets through, so new jobs wait too without being tried.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="error_groups")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="error_groups")
    object_type = models.CharField(max_length=5, choices=ObjectType.choices)
    # SHA-256 of code, fields and the message without its values.
    fingerprint = models.CharField(max_length=64)
    error_code = models.CharField(max_length=80)
    detail = models.CharField(max_length=500, blank=True)
    failures = models.PositiveIntegerField(default=0)
    is_total = models.BooleanField(default=False)
    next_canary_at = models.DateTimeField(null=True)
    # The job whose success lets the others go.
    canary_job_id = models.BigIntegerField(null=True)
    last_failed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["connection", "object_type", "fingerprint"], name="error_group_once"),
        )
        indexes = (
            models.Index(
                fields=["next_canary_at"], condition=Q(next_canary_at__isnull=False), name="error_group_canary"
            ),
        )


class WakeUp(models.Model):
    """Says that the queue holds a wake-up for the connection, so that it holds one at a time."""

    connection = models.OneToOneField(Connection, primary_key=True, on_delete=models.CASCADE, related_name="wake_up")
    due_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["due_at"], name="wake_up_by_time"),)


class Drain(models.Model):
    """A worker that is sending for a connection: one for each connection and five for each org at most.

    It lapses by itself when the worker dies, so it is a lease and not a lock.
    """

    connection = models.OneToOneField(Connection, primary_key=True, on_delete=models.CASCADE, related_name="drain")
    org_id = models.CharField(max_length=18)
    holder = models.UUIDField()
    until = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["org_id", "until"], name="drain_by_org"),)


class OrgTrouble(models.Model):
    """How many calls to an org failed in a row; gone when one is answered."""

    org_id = models.CharField(max_length=18, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    last_failed_at = models.DateTimeField()


class OrgPace(models.Model):
    """How many records an org takes in one call, and how many such calls in a row were fast."""

    org_id = models.CharField(max_length=18, primary_key=True)
    records_per_call = models.PositiveSmallIntegerField(default=200)
    fast_calls = models.PositiveSmallIntegerField(default=0)
