"""What was tried, why, and what stands in Salesforce because of it."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from activity.models.sync import ObjectType
from workspaces.models import Membership, Workspace


class Outcome(models.TextChoices):
    """How one try of a job ended."""

    OPEN = "", "Under way"
    SYNCED = "synced", "Synced"
    REJECTED = "rejected", "Rejected"
    RETRY = "retry", "Will be tried again"
    HELD = "held", "On hold"
    UNKNOWN = "unknown", "No answer"
    FOUND = "found", "Found in Salesforce"
    NOT_FOUND = "not_found", "Not in Salesforce yet"
    REMOVED = "removed", "Removed in Salesforce"
    FAILED = "failed", "Failed"


class SyncAttempt(models.Model):
    """One try of a job: what was sent and what Salesforce answered. Committed before the call."""

    id = models.BigAutoField(primary_key=True)
    # Copied from the job by the statement that writes the row: checking it again costs more than writing it.
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    job_id = models.BigIntegerField()
    number = models.PositiveIntegerField()
    operation = models.CharField(max_length=10)  # create, update, look_up, delete
    connection_id = models.BigIntegerField()
    salesforce_user_id = models.CharField(max_length=18)
    payload = models.TextField(blank=True)  # JSON text: as text it is a third cheaper than jsonb
    answer = models.TextField(blank=True)  # JSON text of this row's part of the answer
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True, default=Outcome.OPEN)
    error_code = models.CharField(max_length=80, blank=True)
    request_id = models.CharField(max_length=80, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["job_id", "number"], name="attempt_once"),)


class DecisionTrace(models.Model):
    """What the pipeline found out for a job: settings version, candidates, deciding rule, fields.

    What it was put to before that is derived (queries/checks.py).
    """

    job_id = models.BigIntegerField(primary_key=True)
    workspace = models.ForeignKey(  # as in SyncAttempt
        Workspace, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    content = models.JSONField(default=dict)


class LoggedRecord(models.Model):
    """A Task or Event of ours in Salesforce; outlives the log, so that it can be updated or withdrawn later."""

    # The references are copied from the job and its activity by the statement that writes the row, as in SyncAttempt.
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="logged_records", db_index=False, db_constraint=False
    )
    org_id = models.CharField(max_length=18)
    object_type = models.CharField(max_length=5, choices=ObjectType.choices)
    salesforce_id = models.CharField(max_length=18)
    key = models.CharField(max_length=26)
    owner = models.ForeignKey(
        Membership, on_delete=models.CASCADE, related_name="logged_records", db_index=False, db_constraint=False
    )
    salesforce_user_id = models.CharField("created by", max_length=18)
    message = models.ForeignKey(
        "activity.Message",
        null=True,
        on_delete=models.SET_NULL,
        related_name="logged_records",
        db_index=False,
        db_constraint=False,
    )
    meeting = models.ForeignKey(
        "activity.Meeting",
        null=True,
        on_delete=models.SET_NULL,
        related_name="logged_records",
        db_index=False,
        db_constraint=False,
    )
    recipient = models.CharField(max_length=320, blank=True)
    # Whether its key stands in CallObject; else only in the description's last line.
    in_call_object = models.BooleanField(default=False)
    # SHA-256 of the fields that were written last: an update that changes nothing is not sent.
    digest = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["org_id", "salesforce_id", "workspace"], name="logged_record_once"),
            models.UniqueConstraint(fields=["workspace", "key"], name="logged_record_key_once"),
        )
        indexes = (
            models.Index(fields=["meeting", "owner"], condition=Q(meeting__isnull=False), name="logged_meeting"),
            models.Index(fields=["message", "owner"], condition=Q(message__isnull=False), name="logged_message"),
        )
