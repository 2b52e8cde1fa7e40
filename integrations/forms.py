"""What people may type on the pages of the app."""

from typing import Any

from django import forms

from integrations.models import Issuer
from workspaces.members import live_memberships
from workspaces.models import Membership, Workspace


class DoorForm(forms.Form):
    """Where to sign in. A My Domain, where one is given, wins over the choice."""

    issuer = forms.ChoiceField(
        label="Organisation",
        choices=[
            (Issuer.PRODUCTION.value, "Production"),
            (Issuer.SANDBOX.value, "Sandbox"),
            (Issuer.CUSTOM.value, "My Domain"),
        ],
        required=False,
    )
    my_domain = forms.CharField(
        label="My Domain",
        required=False,
        max_length=255,
        help_text="Only where your org does not allow login.salesforce.com, for example acme.my.salesforce.com.",
        widget=forms.TextInput(attrs={"placeholder": "acme.my.salesforce.com", "autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        """Settle the issuer: a typed My Domain means CUSTOM, and CUSTOM needs one."""
        cleaned = super().clean()
        if cleaned.get("my_domain"):
            cleaned["issuer"] = Issuer.CUSTOM.value
        elif cleaned.get("issuer") == Issuer.CUSTOM:
            self.add_error("my_domain", "Type the My Domain of your org.")
        return cleaned


class MemberForm(forms.Form):
    """Choose a member of the workspace, or nobody where that is allowed."""

    member = forms.ModelChoiceField(
        Membership.objects.none(), to_field_name="uuid", label="Member", empty_label="Choose a member"
    )

    def __init__(self, workspace: Workspace, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["member"].queryset = live_memberships(workspace)


class ApiCapForm(forms.Form):
    """Our own share of the org's daily API calls."""

    percent = forms.IntegerField(label="Touchline's share of the daily API calls, in %", min_value=1, max_value=100)


class ApiKeyForm(forms.Form):
    """A new key for the API."""

    name = forms.CharField(
        label="Name",
        max_length=100,
        help_text="Where it is used, for example “Mail gateway”.",
    )
