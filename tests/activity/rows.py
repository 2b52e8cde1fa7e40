"""Rows of the Activity Log for tests, made directly: how they come to be is the pipeline's business."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from activity.models import (
    Activity,
    Kind,
    Meeting,
    Message,
    ObjectType,
    Participant,
    ParticipantRole,
    SyncAttempt,
    SyncJob,
    SyncState,
)
from integrations.models import SalesforceOrg
from workspaces.models import Membership, Workspace

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TASK_ID = "00T000000000001AAA"
GRACE = "grace@hopper.example"


def make_activity(owner: Membership, kind: Kind = Kind.SENT, **fields: Any) -> Activity:
    """An activity of the owner with GRACE about "Pricing"; `subject` and `to` (addresses) change its message."""
    subject, to = fields.pop("subject", "Pricing"), fields.pop("to", [GRACE])
    at = fields.setdefault("occurred_at", NOON)
    base = {"workspace": owner.workspace, "owner": owner, "kind": kind, "source": "api"}
    if kind.is_meeting:
        meeting = Meeting.objects.create(
            workspace=owner.workspace,
            uid=secrets.token_hex(8),
            title=subject,
            start=at,
            end=at + timedelta(hours=1),
            organizer=owner.user.email,
            attendees=[{"email": address} for address in to],
            reported_at=at,
        )
        return Activity.objects.create(**base, meeting=meeting, **fields)
    message = fields.pop("message", None) or make_message(owner, subject, to)
    return Activity.objects.create(**base, message=message, **fields)


def make_message(owner: Membership, subject: str, to: list[str]) -> Message:
    """A message from the owner."""
    message = Message.objects.create(
        workspace=owner.workspace, message_id=f"{secrets.token_hex(8)}@acme.example", subject=subject
    )
    Participant.objects.create(message=message, role=ParticipantRole.FROM, address=owner.user.email)
    for address in to:
        Participant.objects.create(message=message, role=ParticipantRole.TO, address=address)
    return message


def make_job(owner: Membership, state: SyncState = SyncState.WAITING, **fields: Any) -> SyncJob:
    """A row of the owner; `kind`, `private` and `activity` shape its activity, all else is its own."""
    kind = Kind(fields.pop("kind", Kind.SENT))
    at = fields.setdefault("created_at", NOON)
    private = fields.pop("private", False)
    subject = fields.setdefault("subject", "Sent (New): Pricing")
    activity = fields.pop("activity", None) or make_activity(
        owner, kind, occurred_at=at, is_private=private, subject=subject
    )
    if state == SyncState.SYNCED:
        fields.setdefault("salesforce_id", TASK_ID)
    return SyncJob.objects.create(
        **{
            "workspace": owner.workspace,
            "activity": activity,
            "owner": owner,
            "kind": kind,
            "object_type": ObjectType.EVENT if kind.is_meeting else ObjectType.TASK,
            "recipient": GRACE,
            "state": state,
            "key": secrets.token_hex(13),
            "changed_at": at,
        }
        | fields
    )


def make_attempt(job: SyncJob, number: int = 1, **fields: Any) -> SyncAttempt:
    """One try of a job, a second after it was made."""
    at = job.created_at + timedelta(seconds=number)
    return SyncAttempt.objects.create(
        **{
            "workspace": job.workspace,
            "job_id": job.pk,
            "number": number,
            "operation": "create",
            "connection_id": 1,
            "salesforce_user_id": "005000000000001AAA",
            "payload": '{"Subject":"Pricing"}',
            "outcome": "rejected",
            "started_at": at,
            "ended_at": at + timedelta(milliseconds=412),
        }
        | fields
    )


def make_org(workspace: Workspace) -> SalesforceOrg:
    """The workspace's Salesforce org."""
    return SalesforceOrg.objects.create(
        workspace=workspace,
        org_id="00D000000000001AAA",
        name="Acme",
        environment="production",
        web_url="https://acme.my.salesforce.com",
    )
