"""The drill-down of one row: what was sent, what Salesforce answered, how it was decided, what can be done."""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime

from activity.models import (
    DecisionTrace,
    DueJob,
    Kind,
    KnownPerson,
    Outcome,
    Reason,
    SyncAttempt,
    SyncJob,
    SyncState,
)
from activity.queries.checks import TracedRow
from activity.queries.rules_then import read_rules_then
from activity.queries.trace import TraceStep, build_trace
from activity.reasons import Button, Explanation, explain
from activity.repair import NEVER_AGAIN
from workspaces.models import Membership, Workspace

UNMATCHED = (Reason.NO_MATCH, Reason.AMBIGUOUS)
OPERATIONS = {"create": "Create", "update": "Update", "look_up": "Look up", "delete": "Delete"}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. `payload` and `answer` are JSON text or empty; `salesforce_text` is its message alone."""

    number: int
    operation: str
    outcome: str
    outcome_label: str
    error_code: str
    request_id: str
    payload: str
    answer: str
    salesforce_text: str
    started_at: datetime
    ended_at: datetime | None

    @property
    def duration(self) -> str:
        """How long it took: "412 ms", "120 s"; empty while it is under way."""
        if self.ended_at is None:
            return ""
        seconds = (self.ended_at - self.started_at).total_seconds()
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds * 1000:.0f} ms"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person in Salesforce to whom a row can be logged; `kind` is Contact or Lead."""

    id: str
    kind: str
    name: str
    account_name: str


@dataclass(frozen=True, slots=True)
class JobDetail:
    """Everything that the drill-down shows of a row."""

    job: SyncJob
    explanation: Explanation
    attempts: tuple[Attempt, ...]
    trace: tuple[TraceStep, ...]
    candidates: tuple[Candidate, ...]
    buttons: tuple[Button, ...]
    web_url: str
    due_at: datetime | None

    @property
    def sent(self) -> Attempt | None:
        """The newest try that carried a payload."""
        return next((attempt for attempt in self.attempts if attempt.payload), None)

    @property
    def refused(self) -> Attempt | None:
        """The newest try, when Salesforce had something to say about it."""
        newest = self.attempts[0] if self.attempts else None
        return newest if newest and newest.salesforce_text else None

    @property
    def record_url(self) -> str:
        """The record's page in Salesforce; empty while there is none."""
        return self.link(self.job.salesforce_id)

    @property
    def person_url(self) -> str:
        """The matched person's page in Salesforce."""
        return self.link(self.job.person_id)

    @property
    def related_url(self) -> str:
        """The related record's page in Salesforce."""
        return self.link(self.job.related_id)

    def link(self, record: str) -> str:
        """The page of a record in Salesforce: the bare id leads there in every edition and experience."""
        return f"{self.web_url}/{record}" if record and self.web_url else ""


def find_job(workspace: Workspace, row: uuid.UUID, viewer: Membership) -> SyncJob | None:
    """The job that `viewer` may open: an own one, or as an admin anybody's that is not private; else None."""
    jobs = workspace.sync_jobs.select_related(
        "workspace", "owner__user", "owner__role", "activity__message", "activity__meeting"
    )
    job = jobs.filter(uuid=row).first()
    if job is None or job.owner_id == viewer.pk:
        return job
    return job if viewer.is_admin and not job.activity.is_private else None


def job_detail(job: SyncJob, viewer: Membership) -> JobDetail:
    """Read what belongs to a job, as `viewer` may see it; eight queries, however many attempts it took."""
    workspace = job.workspace_id
    attempts = SyncAttempt.objects.filter(workspace=workspace, job_id=job.pk).order_by("-number")
    trace = DecisionTrace.objects.filter(workspace=workspace, job_id=job.pk).first()
    # A parked job waits for another one; its own time says nothing.
    due = DueJob.objects.filter(workspace=workspace, job=job, parked=None).values_list("due_at", flat=True).first()
    org = job.workspace.salesforce_orgs.filter(retired_at=None).first()
    return JobDetail(
        job=job,
        explanation=explain(job.reason, job.reason_detail, job),
        attempts=tuple(map(_build_attempt, attempts)),
        trace=build_trace(trace.content if trace else {}, _build_tested(job), read_rules_then(job, viewer)),
        candidates=find_candidates(job.workspace, job.recipient),
        buttons=possible_buttons(job),
        web_url=org.web_url if org else "",
        due_at=due,
    )


def _build_tested(job: SyncJob) -> TracedRow:
    return TracedRow(
        state=job.state,
        reason=job.reason,
        detail=job.reason_detail,
        kind=Kind(job.kind),
        recipient=job.recipient,
        subject=job.subject,
        via_touchline=job.activity.via_touchline,
        by_machine=job.activity.by_machine,
    )


def possible_buttons(job: SyncJob) -> tuple[Button, ...]:
    """What can be done about the row itself; repair.py says no where it cannot be done all the same."""
    state = SyncState(job.state)
    if state == SyncState.UNKNOWN:
        return ()
    if state == SyncState.SYNCED:
        return (Button.DELETE,)
    if state == SyncState.WAITING:
        return (Button.WITHDRAW,)
    is_unmatched = job.reason in UNMATCHED
    found = [] if job.reason in NEVER_AGAIN else [Button.RETRY]
    if job.recipient and (is_unmatched or state != SyncState.SKIPPED):
        found.append(Button.RELINK)
    if is_unmatched or state != SyncState.SKIPPED:
        found.append(Button.WITHDRAW)
    return tuple(found)


def find_candidates(workspace: Workspace, address: str) -> tuple[Candidate, ...]:
    """The people in Salesforce who were last found for an address."""
    if not address:
        return ()
    known = workspace.known_people.filter(address=address).first()
    return build_candidates(known) if known else ()


def build_candidates(known: KnownPerson) -> tuple[Candidate, ...]:
    """The candidates of a KnownPerson, as pages show them."""
    return tuple(
        Candidate(person["id"], person["kind"], person.get("name") or person["id"], person.get("account_name") or "")
        for person in known.candidates
    )


def _build_attempt(attempt: SyncAttempt) -> Attempt:
    return Attempt(
        number=attempt.number,
        operation=OPERATIONS.get(attempt.operation, attempt.operation),
        outcome=attempt.outcome,
        outcome_label=Outcome(attempt.outcome).label,
        error_code=attempt.error_code,
        request_id=attempt.request_id,
        payload=attempt.payload,
        answer=attempt.answer,
        salesforce_text=read_message(attempt.answer),
        started_at=attempt.started_at,
        ended_at=attempt.ended_at,
    )


def read_message(answer: str) -> str:
    """Salesforce's own sentences in an answer: the `message` of each entry of `errors`, or of the answer itself."""
    try:
        content = json.loads(answer or "{}")
    except ValueError:
        return answer
    if isinstance(content, dict):
        content = content.get("errors") or [content]
    entries = content if isinstance(content, list) else []
    messages = [entry.get("message") for entry in entries if isinstance(entry, dict)]
    return "\n".join(message for message in messages if message)
