"""Entries for the lists of what is never logged; activity/exclusions.py says what is a valid value."""

from django import forms

from activity.models import ExclusionKind


class ExclusionForm(forms.Form):
    """An entry of a list of what is never logged."""

    kind = forms.TypedChoiceField(choices=ExclusionKind.choices, coerce=ExclusionKind)
    value = forms.CharField(max_length=320, widget=forms.TextInput({"placeholder": "example.com"}))


class IgnoreForm(forms.Form):
    """An address or a domain that is not to come up again."""

    kind = forms.TypedChoiceField(
        choices=[(kind.value, kind.label) for kind in (ExclusionKind.ADDRESS, ExclusionKind.DOMAIN)],
        coerce=ExclusionKind,
    )
    value = forms.CharField(max_length=320)


class OverrideForm(forms.Form):
    """An address, or a part before the @, of the built-in list that is to be logged all the same."""

    value = forms.CharField(max_length=320)
