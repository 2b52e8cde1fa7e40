"""The style guide, for developers: every component in use, with the line that made it. Only with DEBUG."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from workspaces.models import Workspace


class ExampleForm(forms.Form):
    """One field of each sort."""

    name = forms.CharField(label="Name of the role", help_text="Members see it on their profile.")
    email = forms.EmailField(label="E-mail address")
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    body = forms.ChoiceField(label="Body", choices=[("none", "Nothing"), ("first", "The first lines")])
    related = forms.ChoiceField(
        label="Related record",
        choices=[("account", "Account"), ("opportunity", "Opportunity, else Account")],
        widget=forms.RadioSelect,
        help_text="Written beside the Contact or Lead.",
    )
    agree = forms.BooleanField(label="Run lead assignment rules", help_text="As Salesforce's own page does.")
    manage = forms.BooleanField(
        label="Individuals in this role can manage their own Salesforce settings",
        help_text="Otherwise members see these settings read-only.",
        required=False,
    )


def example_context() -> dict[str, Any]:
    """Values for the examples; nobody real."""
    now = timezone.now()
    form = ExampleForm({"name": "Account executives", "email": "ada@", "related": "account", "agree": "on"})
    rows = [
        ("synced", "Sent", "Task", "lin@northwind.test", "Sent (New): Renewal for next year", "", 4),
        ("waiting", "Received", "Task", "sam@initech.test", "Received: Re: Pricing", "On its way", 9),
        ("held", "Sent", "Task", "eva@globex.test", "Sent (Reply): Contract", "Connection lost since 09:12", 47),
        ("skipped", "Opened", "Task", "lin@northwind.test", "Opened: Renewal", "Switched off by the role", 130),
        ("failed", "Meeting Confirmed", "Event", "kim@umbrella.test", "Kick-off", "Rejected by Salesforce", 2900),
    ]
    names = ("state", "kind", "object_type", "recipient", "subject", "reason", "minutes")
    jobs = [SimpleNamespace(**dict(zip(names, row, strict=True))) for row in rows]
    for job in jobs:
        job.created_at = now - timedelta(minutes=job.minutes)
    return {
        "form": form,
        "jobs": jobs,
        "tones": ("good", "wait", "bad", "info", "quiet"),
        "tabs": [
            {"label": "Logging", "href": "#tabs", "current": True},
            {"label": "Activity Log", "href": "#tabs", "current": False, "count": 128},
        ],
        "timeline": [
            {"tone": "quiet", "title": "Recorded", "time": now - timedelta(minutes=6)},
            {"tone": "bad", "title": "No answer", "text": "Salesforce took too long.", "time": now},
            {"tone": "good", "title": "Synced", "text": "Task 00TB0000003bXyzMAE", "time": now},
        ],
        "payload": {"Subject": "Sent (New): Renewal", "WhoId": "0035g00000XyZabAAF", "Priority": None, "Count": 3},
        "now": now,
    }


def styleguide(request: HttpRequest) -> HttpResponse:
    """Show the page to developers; in production there is none."""
    if not settings.DEBUG:
        raise Http404
    workspace = Workspace(name="Acme Sales", slug="acme-sales", pk=1)
    people = {"workspace": workspace, "membership": SimpleNamespace(is_admin=True), "workspaces": [workspace]}
    return render(request, "styleguide.html", example_context() | people)
