"""What people type in about themselves and their workspaces."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from workspaces import time_zones
from workspaces.audit import Action
from workspaces.domains import clean_domains
from workspaces.models import Role, User, Workspace


class SignupForm(forms.Form):
    """What we ask beside address and password when somebody signs up."""

    name = forms.CharField(max_length=200, label="Your name", widget=forms.TextInput(attrs={"autocomplete": "name"}))

    field_order = ("name", "email", "password1")

    def signup(self, request: HttpRequest, user: User) -> None:
        """Keep the name; allauth calls this once the person is made."""
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])


class NewWorkspaceForm(forms.Form):
    """The name of a new workspace."""

    name = forms.CharField(
        max_length=200, label="Workspace name", widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )


class ProfileForm(forms.ModelForm):
    """A person's name and time zone."""

    time_zone = forms.CharField(
        max_length=64,
        label="Time zone",
        help_text="Type a city. Times on the pages, and the day on which an activity is logged, follow it.",
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off"}),
    )

    class Meta:
        model = User
        fields = ("name", "time_zone")
        labels = {"name": "Your name"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = True

    def clean_time_zone(self) -> str:
        """Understand a zone's name or a city."""
        found = time_zones.find(self.cleaned_data["time_zone"])
        if found is None:
            raise ValidationError("We do not know this time zone. Type a city, for example Berlin or New York.")
        return found


class DomainsField(forms.CharField):
    """Own domains, one a line; its value is a list."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        """Show a list as lines."""
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        """Return the domains, checked."""
        try:
            return clean_domains(super().clean(value))
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare the lists, not how they are written."""
        try:
            return (initial or []) != clean_domains(data or "")
        except ValueError:
            return True


class GeneralForm(forms.ModelForm):
    """What an admin says of the workspace as a whole."""

    own_domains = DomainsField(
        required=False,
        max_length=10_000,
        label="Own domains",
        help_text="One a line. Mail among people of these domains is internal and never logged.",
    )
    retention_days = forms.IntegerField(
        min_value=7,
        max_value=365,
        label="Days to keep the Activity Log",
        help_text="From 7 to 365. Rows that are finished and older are deleted here; Salesforce keeps its records.",
    )

    class Meta:
        model = Workspace
        fields = ("name", "own_domains", "retention_days")
        labels = {"name": "Workspace name"}


class InviteForm(forms.Form):
    """Whom to invite, as what."""

    email = forms.EmailField(label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    role = forms.ModelChoiceField(Role.objects.none(), to_field_name="uuid", empty_label=None)
    is_admin = forms.BooleanField(required=False, label="Admin of the workspace")

    def __init__(self, workspace: Workspace, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].queryset = workspace.roles.order_by("-is_default", "name")


class RoleChoiceForm(forms.Form):
    """One of the workspace's roles."""

    role = forms.ModelChoiceField(Role.objects.none(), to_field_name="uuid")

    def __init__(self, workspace: Workspace, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].queryset = workspace.roles.all()


class RoleNameForm(forms.Form):
    """The name of a role."""

    name = forms.CharField(max_length=100, label="Name of the role")


class AuditFilterForm(forms.Form):
    """Which entries of the audit log to show."""

    action = forms.ChoiceField(required=False, choices=[("", "Everything"), *Action.choices])
    person = forms.ModelChoiceField(
        User.objects.none(), required=False, to_field_name="uuid", empty_label="Everybody"
    )

    def __init__(self, workspace: Workspace, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.filter(memberships__workspace=workspace)
        self.fields["person"].queryset = people.order_by("name", "email")
