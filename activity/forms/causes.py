"""A cause on Sync health."""

from django import forms

from activity.models import Reason


class CauseForm(forms.Form):
    """Why rows stand still: the reason, and the code where Salesforce gave one."""

    reason_name = forms.ChoiceField(choices=Reason.choices)
    code = forms.CharField(required=False, max_length=80)

    @property
    def reason(self) -> Reason:
        """The reason, once valid."""
        return Reason(self.cleaned_data["reason_name"])

    @property
    def error_code(self) -> str:
        """The code, empty for a cause without one; once valid."""
        return self.cleaned_data["code"]
