"""A Contact or Lead to be created."""

from typing import Any

from django import forms

from activity.new_people.names import COMPANY, FIRST_NAME, LAST_NAME
from activity.new_people.possible import KINDS


class AddressForm(forms.Form):
    """For which address, and what: the way to the form itself."""

    address = forms.CharField(max_length=320)
    kind = forms.ChoiceField(choices=[(kind, kind) for kind in KINDS], required=False)

    def clean_address(self) -> str:
        """As addresses are kept: lower case."""
        return self.cleaned_data["address"].lower()


class PersonForm(forms.Form):
    """What is asked of the person; a Contact has no company of its own."""

    token = forms.UUIDField(widget=forms.HiddenInput)
    first_name = forms.CharField(required=False, max_length=FIRST_NAME)
    last_name = forms.CharField(max_length=LAST_NAME)
    company = forms.CharField(max_length=COMPANY)

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if kind == "Contact":
            del self.fields["company"]
