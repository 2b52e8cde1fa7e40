"""Choosing a person in Salesforce."""

import re

from django import forms
from django.core.exceptions import ValidationError

RECORD_ID = re.compile(r"(?<![A-Za-z0-9])(?:003|00Q)[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?(?![A-Za-z0-9])")


class RelinkForm(forms.Form):
    """To which Contact or Lead: one of the candidates, or the address of its page in Salesforce."""

    person = forms.CharField(required=False, max_length=18)
    link = forms.CharField(
        required=False,
        max_length=500,
        label="Or paste a link",
        help_text="The address of the Contact’s or Lead’s page in Salesforce.",
    )

    def clean(self) -> dict:
        """Put the record's id into `person`; its first three characters say that it is a Contact or Lead."""
        data = super().clean()
        found = RECORD_ID.search(data.get("person") or data.get("link") or "")
        if not found:
            raise ValidationError("Choose a person, or paste the link of a Contact or Lead in Salesforce.")
        return data | {"person": found.group()}

    @property
    def first_error(self) -> str:
        """The sentence to say when it is not valid."""
        return next(iter(self.errors.values()))[0]


class RowForm(forms.Form):
    """A row of the log."""

    row = forms.UUIDField()


class LinkForm(RelinkForm):
    """The same for an unresolved address."""

    address = forms.CharField(max_length=320)
