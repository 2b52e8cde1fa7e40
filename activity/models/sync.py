"""What is to be written in Salesforce and how it went.

Three tables by life time: DueJob holds only what waits, narrow, and loses its row on success; SyncJob is the row of
the Activity Log; SyncAttempt keeps payload and answer. No foreign key leads from a long-lived table into SyncJob or
SyncAttempt, so that those can be dropped by the day later.
"""

from django.db import models
from django.db.models import Case, F, Q, When
from django.utils import timezone

from activity.models.activity import Activity, Kind
from integrations.models import ApiKey, Connection
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
        )


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


class RequestCount(models.Model):
    """How many requests an API key made in the minute of its last one."""

    api_key = models.OneToOneField(ApiKey, primary_key=True, on_delete=models.CASCADE, related_name="+")
    minute = models.DateTimeField()
    requests = models.PositiveIntegerField()


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
    """How a job was decided: settings version, exclusions tested, candidates, deciding rule, fields."""

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


class LedgerEntry(models.Model):
    """What was reported once, kept 180 days: the same id again gives the same activity, other content is refused."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    source = models.CharField(max_length=10)
    source_id = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    activity_uuid = models.UUIDField()
    recorded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints = (models.UniqueConstraint(fields=["workspace", "source", "source_id"], name="ledger_once"),)
        indexes = (models.Index(fields=["recorded_at"], name="ledger_by_time"),)
