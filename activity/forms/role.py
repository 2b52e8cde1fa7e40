"""The Salesforce settings of a role, and its switches alone for confirming them."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from activity.models import Kind, LoggingSettings
from activity.pipeline.compose import PLACEHOLDERS, SUBJECT_LENGTH, SUBJECT_TEMPLATES
from activity.settings import SAVED_FIELDS, SWITCHES

TEMPLATE_LABELS = {
    "sent_new": "Sent (New)",
    "sent_reply": "Sent (Reply)",
    "received": "Received",
    "replied": "Replied",
    "opened": "Opened",
    "clicked": "Clicked",
    "downloaded": "Downloaded",
    "bounced": "Bounced",
    "meeting_confirmed": "Meeting Confirmed",
    "meeting_canceled": "Meeting Canceled",
}
TEMPLATES_OF: dict[Kind, tuple[str, ...]] = {
    Kind.SENT: ("sent_new", "sent_reply", "bounced"),
    Kind.MEETING_CONFIRMED: ("meeting_confirmed", "meeting_canceled"),
} | {kind: (kind.value,) for kind in SWITCHES if kind not in (Kind.SENT, Kind.MEETING_CONFIRMED)}
"""The subject templates that belong to each switch."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def template_field(name: str) -> str:
    """The form field of a subject template."""
    return f"template_{name}"


class RoleSettingsForm(forms.ModelForm):
    """Everything that an admin saves for a role; `saved_values` are what save_settings() takes."""

    class Meta:
        model = LoggingSettings
        fields = [name for name in SAVED_FIELDS if name != "subject_templates"]
        labels = {
            "after_unknown": "When a recipient is not in Salesforce",
            "related": "Related record beside the person",
            "person_preference": "When an address belongs to a Contact and a Lead, log to",
            "body": "Text of the message",
        }
        help_texts = {
            "log_automatically": "Off: what is sent with Touchline is logged when its owner retries it in the log.",
            "only_with_contact_role": "Off: any opportunity of the person’s account.",
            "one_task_per_message": "Off: each open and click makes a Task of its own.",
            "log_machine_opens": "Virus scanners and mail programs open messages by themselves.",
            "hold_minutes": "In this time the member can still say “don’t log this”. 0 to 1440.",
            "members_manage_own": "Off: members see these settings and cannot change them.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["hold_minutes"].widget.attrs |= {"min": 0, "max": 1440}
        for name, default in SUBJECT_TEMPLATES.items():
            self.fields[template_field(name)] = forms.CharField(
                label=TEMPLATE_LABELS[name],
                required=False,
                max_length=SUBJECT_LENGTH,
                initial=self.instance.subject_templates.get(name) or default,
                validators=[check_placeholders],
                widget=forms.TextInput({"autocomplete": "off"}),
            )

    @property
    def saved_values(self) -> dict[str, Any]:
        """The cleaned values, of the templates only those that differ from the default."""
        values = {name: self.cleaned_data[name] for name in self.Meta.fields}
        return values | {"subject_templates": self.subject_templates}

    @property
    def subject_templates(self) -> dict[str, str]:
        """The templates that differ from the default and are not empty."""
        found = {name: self.cleaned_data.get(template_field(name)) or "" for name in SUBJECT_TEMPLATES}
        return {name: text for name, text in found.items() if text and text != SUBJECT_TEMPLATES[name]}

    @property
    def activities(self) -> list[dict[str, Any]]:
        """Each switch with its templates, in the order in which they are shown."""
        return [
            {
                "switch": self[switch],
                "templates": [{"name": name, "field": self[template_field(name)]} for name in TEMPLATES_OF[kind]],
            }
            for kind, switch in SWITCHES.items()
        ]

    def chosen_kinds(self) -> frozenset[Kind]:
        """The kinds that are switched on in what was sent."""
        return frozenset(kind for kind, switch in SWITCHES.items() if self.cleaned_data.get(switch))


def check_placeholders(template: str) -> None:
    """Raise ValidationError for a placeholder that nothing fills."""
    unknown = [name for name in _PLACEHOLDER.findall(template) if name not in PLACEHOLDERS]
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        raise ValidationError(f"Nothing fills {{{unknown[0]}}}. Known are {known}.")


class RoleSwitchesForm(forms.ModelForm):
    """The seven switches of one role."""

    class Meta:
        model = LoggingSettings
        fields = list(SWITCHES.values())
