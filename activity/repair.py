"""What the buttons of the log do. Each is a person's decision: it is audited, and nothing happens while nobody knows
whether the record exists.

Who may press which button is the views' business; here a job is changed only within its own workspace.
"""

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from activity.models import (
    DueJob,
    ErrorGroup,
    KnownPerson,
    LoggedRecord,
    Outcome,
    Reason,
    SyncAttempt,
    SyncJob,
    SyncState,
)
from activity.pipeline import late, match
from activity.pipeline.choose import Candidate
from activity.pipeline.claims import CLICKED_BY_PERSON
from activity.pipeline.exclude import exclude
from activity.pipeline.late_texts import make_due_with_texts
from activity.pipeline.parking import fingerprint
from activity.pipeline.plan import AUTOMATIC, switched_off
from activity.pipeline.settle import drop_bodies
from activity.pipeline.standing import Standing, standings_of
from activity.pipeline.states import REPAIRABLE
from activity.settings import settings_for
from activity.wake import wake
from integrations.budget import Purpose, may_call
from integrations.connections import client_for, connection_of, live_org, sync_client
from integrations.models import Connection
from integrations.salesforce.errors import RecordGone, SalesforceError
from integrations.salesforce.ids import id18
from workspaces.audit import Action, record
from workspaces.models import User, Workspace

PERSON_TYPES = {"003": "Contact", "00Q": "Lead"}
NEVER_AGAIN = frozenset({Reason.INTERNAL, Reason.REMOVED, Reason.SUPERSEDED, Reason.RECIPIENT_UNKNOWN, Reason.ERASED})


class RepairError(Exception):
    """It cannot be done now; `user_message` says why and what to do."""

    def __init__(self, user_message: str) -> None:
        super().__init__(user_message)
        self.user_message = user_message


BEING_SENT = "This is being sent to Salesforce right now. Look again in a minute."
BEING_CHECKED = "Touchline is checking whether this reached Salesforce. Nothing can be changed until that is known."
NOTHING_TO_RETRY = "There is nothing to send to Salesforce for this."
STILL_OFF = "It would be stopped for the same reason again. Change the setting first, then retry."


# --- Retry ------------------------------------------------------------------------------------------------


def retry(job: SyncJob, by: User) -> None:
    """Match, compose and send the job anew, before everything else. Raises RepairError."""
    with transaction.atomic():
        job = _lock(job)
        _require_retryable(job)
        standing = _require_way(job)
        match.forget_people(job.workspace, [job.recipient])
        _make_canary(job, standing.connection)
        due = make_due_with_texts(job.owner, [job.pk], standing.connection.pk, priority=CLICKED_BY_PERSON, anew=True)
        if not due:
            raise RepairError(BEING_SENT)
        _note(Action.JOB_RETRIED, job, by)
        wake(standing.connection.pk)


def _require_retryable(job: SyncJob) -> None:
    if job.state == SyncState.UNKNOWN:
        raise RepairError(BEING_CHECKED)
    if job.state in (SyncState.SYNCED, SyncState.WAITING) or job.reason in NEVER_AGAIN:
        raise RepairError(NOTHING_TO_RETRY)
    settings = settings_for(job.owner)
    activity = job.activity
    stopped = switched_off(
        activity.kind, via_touchline=activity.via_touchline, by_machine=activity.by_machine, settings=settings
    )
    # "Log automatically" is off: then this button is how a person says that it is to be logged.
    if stopped is not None and stopped.detail != AUTOMATIC:
        raise RepairError(STILL_OFF)
    if exclude(settings.exclusions, job.recipient, job.subject):
        raise RepairError(STILL_OFF)


def _require_way(job: SyncJob) -> Standing:
    """Where the job can be sent; raises RepairError, and corrects the job's reason, when it cannot."""
    standing = standings_of(job.workspace, [job.owner])[job.owner_id]
    if standing.reason is not None or standing.connection is None:
        label = Reason(standing.reason or Reason.NOT_CONNECTED).label
        raise RepairError(f"This cannot be sent yet: {label.lower()}. It is kept and goes by itself afterwards.")
    return standing


def _make_canary(job: SyncJob, connection: Connection) -> None:
    """If it succeeds, those that wait for the same error follow."""
    cause = fingerprint(job.error_code, job.reason_detail)
    groups = ErrorGroup.objects.filter(connection=connection, object_type=job.object_type)
    groups.filter(fingerprint=cause).update(canary_job_id=job.pk)


# --- Log to another record --------------------------------------------------------------------------------


def relink(job: SyncJob, person_id: str, by: User) -> None:
    """From now on the job's address belongs to this Contact or Lead; what nobody matched goes to them too.

    Raises RepairError, also when Salesforce does not know the record.
    """
    if not job.recipient:
        raise RepairError("Nobody outside is known for this activity, so it cannot be logged to a record.")
    try:
        person_id = id18(person_id)
    except ValueError:
        raise RepairError("This is not the id of a Contact or Lead in Salesforce.") from None
    _require_candidate(job.workspace, job.recipient, person_id)
    with transaction.atomic():
        job = _lock(job)
        if job.state == SyncState.UNKNOWN:
            raise RepairError(BEING_CHECKED)
        if job.reason in NEVER_AGAIN:
            raise RepairError(NOTHING_TO_RETRY)
        KnownPerson.objects.filter(workspace=job.workspace, address=job.recipient).update(chosen_id=person_id)
        _note(Action.JOB_RELINKED, job, by, person=person_id)
        standing = _require_way(job)
        make_due_with_texts(job.owner, [job.pk], standing.connection.pk, priority=CLICKED_BY_PERSON, anew=True)
        late.log_late(job.workspace, [job.recipient])
        wake(standing.connection.pk)


def _require_candidate(workspace: Workspace, address: str, person_id: str) -> None:
    """Know the person for the address: from what was found for it, else from Salesforce itself."""
    known = KnownPerson.objects.filter(workspace=workspace, address=address).first()
    candidates = list(known.candidates) if known else []
    if any(each["id"] == person_id for each in candidates):
        return
    kind = PERSON_TYPES.get(person_id[:3])
    if kind is None:
        raise RepairError("Only a Contact or a Lead can be chosen here.")
    client = sync_client(workspace)
    if client is None:
        raise RepairError("The Sync User is not connected, so the record cannot be looked up now.")
    try:
        state = client.record_states(kind, [person_id]).get(person_id)
    except SalesforceError as error:
        raise RepairError(error.user_message) from error
    if state is None or state.is_deleted:
        raise RepairError("Salesforce does not know this record, or the Sync User may not see it.")
    candidates.append(Candidate(kind=kind, id=person_id, name="", owner_id="").to_json())
    KnownPerson.objects.update_or_create(
        workspace=workspace, address=address, defaults={"candidates": candidates, "fetched_at": timezone.now()}
    )


# --- Don't log this ---------------------------------------------------------------------------------------


def withdraw(job: SyncJob, by: User) -> None:
    """Do not log it: it stays in the log as that. Raises RepairError while it is being sent or looked up."""
    with transaction.atomic():
        job = _lock(job)
        if job.state == SyncState.UNKNOWN:
            raise RepairError(BEING_CHECKED)
        if job.state not in REPAIRABLE:
            raise RepairError("This is in Salesforce already. Delete it there instead.")
        due = DueJob.objects.select_for_update().filter(job=job).first()
        if due and (due.sent_at or (due.leased and due.due_at > timezone.now())):
            raise RepairError(BEING_SENT)
        if due:
            due.delete()
        _stop(SyncJob.objects.filter(pk=job.pk), Reason.NOT_LOGGED_BY_PERSON, str(by))
        if job.activity.message_id:
            drop_bodies([job.activity.message_id])
        _note(Action.JOB_WITHDRAWN, job, by)


# --- Delete in Salesforce ---------------------------------------------------------------------------------


def delete_in_salesforce(job: SyncJob, by: User) -> None:
    """Move the record to Salesforce's Recycle Bin, as its owner. Raises RepairError with what Salesforce says."""
    if job.state != SyncState.SYNCED or not job.salesforce_id:
        raise RepairError("This is not in Salesforce.")
    connection = connection_of(job.owner)
    org = live_org(job.workspace)
    if connection is None or org is None or not connection.is_usable:
        raise RepairError(
            "The owner of this activity is not connected to Salesforce, so it cannot be deleted from here."
        )
    verdict = may_call(org, Purpose.CLICK)
    if not verdict.allowed:
        raise RepairError(verdict.reason)
    attempt = _begin_delete(job, connection)
    error = _delete(job, connection)
    if error is not None and not isinstance(error, RecordGone):
        _end_delete(attempt, Outcome.REJECTED, error.code)
        raise RepairError(error.user_message)
    with transaction.atomic():
        _end_delete(attempt, Outcome.REMOVED)
        records = LoggedRecord.objects.filter(workspace=job.workspace, salesforce_id=job.salesforce_id)
        records.update(removed_at=timezone.now())
        shared = SyncJob.objects.filter(
            workspace=job.workspace, state=SyncState.SYNCED, salesforce_id=job.salesforce_id
        )
        _stop(shared, Reason.REMOVED, "")
        _note(Action.JOB_DELETED_IN_SALESFORCE, job, by, record=job.salesforce_id)


def _delete(job: SyncJob, connection: Connection) -> SalesforceError | None:
    try:
        return client_for(connection).delete_many([job.salesforce_id])[0].error
    except SalesforceError as error:
        return error


def _begin_delete(job: SyncJob, connection: Connection) -> SyncAttempt:
    with transaction.atomic():
        _lock(job)
        newest = (
            SyncAttempt.objects.filter(job_id=job.pk).order_by("-number").values_list("number", flat=True).first()
        )
        return SyncAttempt.objects.create(
            workspace=job.workspace,
            job_id=job.pk,
            number=(newest or 0) + 1,
            operation="delete",
            connection_id=connection.pk,
            salesforce_user_id=connection.salesforce_user.user_id,
        )


def _end_delete(attempt: SyncAttempt, outcome: Outcome, code: str = "") -> None:
    SyncAttempt.objects.filter(pk=attempt.pk).update(outcome=outcome, error_code=code, ended_at=timezone.now())


# --- Shared -----------------------------------------------------------------------------------------------


def _lock(job: SyncJob) -> SyncJob:
    """What is due before the job itself: in the order in which workers write."""
    DueJob.objects.select_for_update().filter(job=job).first()
    rows = SyncJob.objects.select_for_update(of=("self",))
    return rows.select_related("workspace", "owner__user", "owner__role", "activity").get(pk=job.pk)


def _stop(jobs: QuerySet[SyncJob], reason: Reason, detail: str) -> None:
    now = timezone.now()
    jobs.update(
        state=SyncState.SKIPPED,
        reason=reason,
        reason_detail=detail[:500],
        salesforce_id="",
        finished_at=now,
        changed_at=now,
    )


def _note(action: Action, job: SyncJob, by: User, **details: str) -> None:
    """Admins read this: of a private activity not whom it is with, nor the record."""
    target = f"{job.get_kind_display()} of {job.owner}"
    shown = {} if job.activity.is_private else details
    record(action, workspace=job.workspace, actor=by, target=target, details={"row": str(job.uuid), **shown})
