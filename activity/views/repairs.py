"""What the buttons of a row do (repair.py), and *Retry all with this cause* (causes.py). Each is a POST."""

import uuid as uuids
from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from activity import causes, repair
from activity.forms.relink import RelinkForm, RowForm
from activity.models import SyncJob
from activity.queries.job import possible_buttons
from activity.reasons import Button
from activity.views.attempts import attempt
from activity.views.row import get_job
from workspaces.access import member

NOT_NOW = "This cannot be done in the state that the activity is in now."


@require_POST
@member
def activity_log_row_retry(request: HttpRequest, slug: str, uuid: uuids.UUID) -> HttpResponse:
    """Try it again now."""
    job = get_job(request, uuid)
    return _press(request, job, Button.RETRY, lambda: repair.retry(job, request.user), "It is tried again now.")


@require_POST
@member
def activity_log_row_relink(request: HttpRequest, slug: str, uuid: uuids.UUID) -> HttpResponse:
    """Log it to the Contact or Lead that the person chose."""
    job, form = get_job(request, uuid), RelinkForm(request.POST)
    if not form.is_valid():
        messages.error(request, form.first_error)
        return redirect("activity_log_row", slug, uuid)
    person = form.cleaned_data["person"]
    done = "It is logged to this person now."
    return _press(request, job, Button.RELINK, lambda: repair.relink(job, person, request.user), done)


@require_POST
@member
def activity_log_row_withdraw(request: HttpRequest, slug: str, uuid: uuids.UUID) -> HttpResponse:
    """Do not log it."""
    job = get_job(request, uuid)
    return _press(request, job, Button.WITHDRAW, lambda: repair.withdraw(job, request.user), "It will not be logged.")


@require_POST
@member
def activity_log_row_delete(request: HttpRequest, slug: str, uuid: uuids.UUID) -> HttpResponse:
    """Delete the record in Salesforce."""
    job = get_job(request, uuid)
    done = f"The {job.object_type} is deleted in Salesforce."
    return _press(request, job, Button.DELETE, lambda: repair.delete_in_salesforce(job, request.user), done)


@require_POST
@member
def activity_log_retry_cause(request: HttpRequest, slug: str) -> HttpResponse:
    """Retry every row of one person that stands still for the same cause as this row."""
    form = RowForm(request.POST)
    if not form.is_valid():
        return redirect("activity_log", slug)
    job = get_job(request, form.cleaned_data["row"])

    def retry_all() -> str:
        count = causes.retry_cause(request.workspace, job.reason, request.user, job.owner, job.error_code)
        return say_count(count)

    attempt(request, retry_all)
    return redirect("activity_log_row", slug, job.uuid)


def say_count(count: int) -> str:
    """What to say when `count` rows go again. Raises RepairError for none."""
    if not count:
        raise repair.RepairError("None of them can be sent yet: the cause is still there.")
    return f"{count} {'activity is' if count == 1 else 'activities are'} tried again now."


def _press(
    request: HttpRequest, job: SyncJob, button: Button, change: Callable[[], object], done: str
) -> HttpResponse:
    """Change the row if the button is there for it, and say how it went on its page."""

    def press() -> str:
        if button not in possible_buttons(job):
            raise repair.RepairError(NOT_NOW)
        change()
        return done

    attempt(request, press)
    return redirect("activity_log_row", request.workspace.slug, job.uuid)
