"""The drill-down of a row of the Activity Log; what its buttons do is in repairs.py."""

import uuid as uuids
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from activity.forms.relink import RelinkForm
from activity.models import SyncJob, SyncState
from activity.queries.health import STOPPED, count_of_cause
from activity.queries.job import JobDetail, find_job, job_detail
from activity.queries.log import TONES
from activity.reasons import Button
from workspaces.access import member
from workspaces.audit import Action, record

ATTEMPT_TONES = {
    "synced": "good",
    "found": "good",
    "rejected": "bad",
    "failed": "bad",
    "removed": "bad",
    "unknown": "wait",
    "retry": "wait",
    "held": "wait",
    "not_found": "wait",
}
PAGES = {
    Button.CONNECT: "integrations",
    Button.MY_SETTINGS: "crm_and_live_feed",
    Button.CONFIRM_ROLES: "roles_confirm",
    Button.WORKSPACE_INTEGRATIONS: "workspace_integrations",
}


@require_GET
@member
def activity_log_row(request: HttpRequest, slug: str, uuid: uuids.UUID) -> HttpResponse:
    """The page of one row."""
    job = get_job(request, uuid)
    return render(request, "activity/row.html", _context(request, job))


@require_GET
@member
def activity_log_row_live(request: HttpRequest, slug: str, uuid: uuids.UUID) -> HttpResponse:
    """The page's content again when the row was written since `v`, else 204."""
    job = get_job(request, uuid)
    if request.GET.get("v") == _version(job):
        return HttpResponse(status=204)
    return render(request, "activity/_row.html", _context(request, job))


@require_POST
@member
def activity_log_row_payload(request: HttpRequest, slug: str, uuid: uuids.UUID) -> HttpResponse:
    """What was sent for somebody else's row: shown to an admin, and kept in the audit log."""
    job = get_job(request, uuid)
    if job.owner_id != request.membership.pk:
        target = f"{job.get_kind_display()} of {job.owner}"
        record(
            Action.PAYLOAD_VIEWED,
            workspace=request.workspace,
            actor=request.user,
            target=target,
            details={"row": str(job.uuid)},
        )
    return render(request, "activity/row.html", _context(request, job, shows_payload=True))


def get_job(request: HttpRequest, uuid: uuids.UUID) -> SyncJob:
    """The row, when this person may open it. Raises Http404."""
    job = find_job(request.workspace, uuid, request.membership)
    if job is None:
        raise Http404
    return job


def _context(request: HttpRequest, job: SyncJob, *, shows_payload: bool = False) -> dict[str, Any]:
    detail = job_detail(job, request.membership)
    own = job.owner_id == request.membership.pk
    row_url = reverse("activity_log_row", args=[request.workspace.slug, job.uuid])
    return {
        "job": job,
        "detail": detail,
        "is_own": own,
        "shows_payload": own or shows_payload,
        "timeline": _timeline(detail),
        "page_button": _page_button(request, detail),
        "first_button": _first_button(detail),
        "same_cause": _count_same(job),
        "relink_form": RelinkForm(),
        "tone": TONES[SyncState(job.state)],
        "shows_remedy": bool(detail.explanation.remedy) and not (own and detail.explanation.is_for_owner),
        "row_url": row_url,
        "retry_cause_url": reverse("activity_log", args=[request.workspace.slug]) + "retry-cause/",
        "withdraw_url": f"{row_url}withdraw/",
        "delete_url": f"{row_url}delete/",
        "delete_title": f"Delete this {job.object_type} in Salesforce?",
        # An opened payload of somebody else would close again with the next change.
        "live_url": "" if shows_payload else f"{row_url}live/?v={_version(job)}",
    }


def _timeline(detail: JobDetail) -> list[dict[str, Any]]:
    job = detail.job
    tries = [
        {
            "tone": ATTEMPT_TONES.get(attempt.outcome, "info"),
            "title": f"{attempt.operation}: {attempt.outcome_label}",
            "text": attempt.salesforce_text or attempt.error_code,
            "time": attempt.started_at,
            "duration": attempt.duration,
        }
        for attempt in detail.attempts
    ]
    happened = {"tone": "quiet", "title": "Recorded", "text": "", "time": job.created_at}
    return [*tries, happened]


def _first_button(detail: JobDetail) -> Button | None:
    """The button to stand out: what the explanation names, where it can be pressed."""
    wanted = detail.explanation.button
    return wanted if wanted in detail.buttons else None


def _page_button(request: HttpRequest, detail: JobDetail) -> dict[str, str] | None:
    """The link of an explanation that leads to another page, where this person can open it."""
    button = detail.explanation.button
    if button is None or (button.is_for_admins and not request.membership.is_admin):
        return None
    slug = request.workspace.slug
    if button == Button.ROLE_SETTINGS:
        return {"label": button.label, "href": reverse("role", args=[slug, detail.job.owner.role.uuid])}
    if button in PAGES:
        return {"label": button.label, "href": reverse(PAGES[button], args=[slug])}
    return None


def _count_same(job: SyncJob) -> int:
    """How many other rows of this person stand still for the same cause."""
    if job.state not in STOPPED:
        return 0
    return count_of_cause(job.workspace, job.reason, job.error_code, job.owner) - 1


def _version(job: SyncJob) -> str:
    return f"{job.changed_at.timestamp():.6f}"
