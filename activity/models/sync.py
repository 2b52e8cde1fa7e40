"""What is to be written in Salesforce and how it stands: the rows of the Activity Log.

Three tables by life time: DueJob (due.py) holds only what waits, narrow, and loses its row on success; SyncJob is the
row of the Activity Log; SyncAttempt (records.py) keeps payload and answer. No foreign key leads from a long-lived
table into SyncJob or SyncAttempt, so that those can be dropped by the day later.
"""

from django.db import models
from django.db.models import Case, F, Q, When
from django.utils import timezone

from activity.models.activity import Activity, Kind
from activity.models.recipients import name_recipient
from workspaces.ids import uuid7
from workspaces.models import Membership, Workspace


class ObjectType(models.TextChoices):
    """What is written."""

    TASK = "Task", "Task"
    EVENT = "Event", "Event"


class SyncState(models.TextChoices):
    """Where a job stands. *Sending* is not a state but the lease of its DueJob."""

    WAITING = "waiting", "Waiting"
    UNKNOWN = "unknown", "Checking"
    SYNCED = "synced", "Synced"
    SKIPPED = "skipped", "Not logged"
    HELD = "held", "On hold"
    FAILED = "failed", "Failed"


class StatusGroup(models.TextChoices):
    """What the Activity Log calls Status."""

    NOT_SYNCED = "not_synced", "Not Synced"
    SYNCED = "synced", "Synced"
    ERRORS = "errors", "Errors"

    @property
    def states(self) -> tuple[SyncState, ...]:
        """The job states that the status stands for."""
        return {
            StatusGroup.NOT_SYNCED: (
                SyncState.WAITING,
                SyncState.UNKNOWN,
                SyncState.SKIPPED,
                SyncState.HELD,
            ),
            StatusGroup.SYNCED: (SyncState.SYNCED,),
            StatusGroup.ERRORS: (SyncState.FAILED,),
        }[self]

    @classmethod
    def of(cls, state: str) -> "StatusGroup":
        """The status of a job state."""
        return next(group for group in cls if state in group.states)


class Reason(models.TextChoices):
    """Why a job is skipped, held or failed; activity/reasons.py has the sentence and the button for each."""

    # skipped: by a rule or a person, not expected to change by itself
    SWITCHED_OFF = "switched_off", "Switched off by the role"
    NOT_VIA_TOUCHLINE = "not_via_touchline", "Not sent with Touchline"
    EXCLUDED = "excluded", "Excluded"
    KEPT_PRIVATE = "kept_private", "Kept private"
    INTERNAL = "internal", "Internal"
    NO_MATCH = "no_match", "Not in Salesforce"
    AMBIGUOUS = "ambiguous", "Several people match"
    RECIPIENT_UNKNOWN = "recipient_unknown", "Recipient unknown"
    MACHINE = "machine", "Opened by a machine"
    NOT_LOGGED_BY_PERSON = "not_logged_by_person", "Not logged: a person said so"
    REMOVED = "removed", "Removed in Salesforce"
    SUPERSEDED = "superseded", "Nothing to update"
    MEMBER_LEFT = "member_left", "The member left"
    ERASED = "erased", "The person was erased"
    # held: flows by itself when the cause is gone
    NOT_CONNECTED = "not_connected", "Not connected"
    CONNECTION_LOST = "connection_lost", "Connection lost"
    NO_SYNC_USER = "no_sync_user", "No Sync User"
    NOT_CONFIRMED = "not_confirmed", "Logging not confirmed"
    PLAN = "plan", "Plan without Salesforce"
    API_LIMIT = "api_limit", "API limit reached"
    OVER_BUDGET = "over_budget", "Over the API budget"
    SALESFORCE_DOWN = "salesforce_down", "Salesforce does not answer"
    SAME_ERROR = "same_error", "Waits for one with the same error"
    # failed: a person acts
    REJECTED = "rejected", "Rejected by Salesforce"
    NEEDS_A_LOOK = "needs_a_look", "Needs a look"
    QUARANTINED = "quarantined", "Quarantined"
    INTERNAL_ERROR = "internal_error", "Error in Touchline"


class SyncJobQuerySet(models.QuerySet["SyncJob"]):
    """The one place where a job's state is written; see activity/pipeline/states.py for the allowed moves."""


class SyncJob(models.Model):
    """One Task or Event to be written for one activity, owner and outside address: a row of the Activity Log."""

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    # Without indexes of their own: each of the three is the first column of one below.
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="sync_jobs", db_index=False)
    activity = models.ForeignKey(Activity, on_delete=models.CASCADE, related_name="sync_jobs", db_index=False)
    owner = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="sync_jobs", db_index=False)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    object_type = models.CharField(max_length=5, choices=ObjectType.choices)
    recipient = models.CharField("outside address, lower case", max_length=320, blank=True)
    subject = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=10, choices=SyncState.choices, default=SyncState.WAITING)
    reason = models.CharField(max_length=24, choices=Reason.choices, blank=True)
    reason_detail = models.CharField("rule, name or code that completes the sentence", max_length=500, blank=True)
    error_code = models.CharField(max_length=80, blank=True)
    # 26 characters of lower-case base32: how a record of ours is found again.
    key = models.CharField(max_length=26)
    salesforce_id = models.CharField(max_length=18, blank=True)
    person_type = models.CharField(max_length=10, blank=True)
    person_id = models.CharField(max_length=18, blank=True)
    person_name = models.CharField(max_length=255, blank=True)
    related_type = models.CharField(max_length=20, blank=True)
    related_id = models.CharField(max_length=18, blank=True)
    related_name = models.CharField(max_length=255, blank=True)
    match_rule = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    # Set with every write of the row: what the live pages ask for.
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    # The reason of a row that stands still, else NULL; kept by the database. State and reason themselves stand in no
    # index, so that the result is written without touching one (PostgreSQL manual, 66.7, Heap-Only Tuples).
    stopped = models.GeneratedField(
        expression=Case(When(state__in=("held", "failed"), then=F("reason"))),
        output_field=models.CharField(max_length=24, null=True),
        db_persist=True,
    )
    # The address of a row that waits for a match, else NULL: what Unresolved is read by, kept in the same way.
    unresolved = models.GeneratedField(
        expression=Case(
            When(state="skipped", reason__in=("no_match", "ambiguous"), recipient__gt="", then=F("recipient"))
        ),
        output_field=models.CharField(max_length=320, null=True),
        db_persist=True,
    )

    objects = SyncJobQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["activity", "owner", "recipient"], name="sync_job_once"),
            models.UniqueConstraint(fields=["workspace", "key"], name="sync_job_key_once"),
            models.CheckConstraint(
                condition=Q(state=SyncState.SYNCED, salesforce_id__length=18)
                | (~Q(state=SyncState.SYNCED) & Q(salesforce_id="")),
                name="sync_job_synced_has_its_id",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=(SyncState.SKIPPED, SyncState.HELD, SyncState.FAILED)) | ~Q(reason=""),
                name="sync_job_stopped_has_a_reason",
            ),
            models.CheckConstraint(
                condition=~Q(state=SyncState.SYNCED) | Q(reason=""), name="sync_job_synced_has_no_reason"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=("meeting_confirmed", "meeting_canceled"), object_type="Event")
                | (~Q(kind__in=("meeting_confirmed", "meeting_canceled")) & Q(object_type="Task")),
                name="sync_job_meetings_are_events",
            ),
        )
        indexes = (
            models.Index(fields=["workspace", "owner", "-created_at", "-id"], name="log_of_member"),
            models.Index(fields=["workspace", "-created_at", "-id"], name="log_of_workspace"),
            # Few rows, looked for on Sync health and by "retry all with this cause".
            models.Index(
                fields=["workspace", "stopped", "-id"], condition=Q(stopped__isnull=False), name="log_stopped"
            ),
            # Unresolved: the newest row of each address of a member, and a member's rows by time.
            models.Index(
                fields=["owner", "unresolved", "-created_at", "-id"],
                condition=Q(unresolved__isnull=False),
                name="log_unresolved",
            ),
            models.Index(
                fields=["owner", "-created_at", "-id"],
                include=["unresolved"],
                condition=Q(unresolved__isnull=False),
                name="log_unresolved_by_time",
            ),
        )

    def __str__(self) -> str:
        return f"Sync job {self.pk}"

    @property
    def recipient_name(self) -> str:
        """The outside address as it is shown; "an erased person" where it was erased."""
        return name_recipient(self.recipient)


class LogChange(models.Model):
    """That rows of a member's log were written: one entry for each statement that wrote some, made by a trigger.

    It stands apart from the rows, whose updates would else touch an index each. Entries are only added, so that
    nobody waits for anybody; the newest of each member is kept.
    """

    owner = models.ForeignKey(
        Membership, on_delete=models.CASCADE, related_name="log_changes", db_index=False, db_constraint=False
    )
    changed_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["owner", "changed_at"], name="log_change_newest"),)
