"""The search lines of the Live Feed and of Unresolved."""

from django import forms

from activity.feed_search import LONGEST


class FeedForm(forms.Form):
    """The search line of the Live Feed and the activity to go on from."""

    q = forms.CharField(required=False, max_length=LONGEST)
    after = forms.UUIDField(required=False)

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.is_valid()


class UnresolvedForm(forms.Form):
    """Part of an address, and the row to go on from."""

    q = forms.CharField(required=False, max_length=320)
    after = forms.UUIDField(required=False)

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.is_valid()

    def clean_q(self) -> str:
        """As addresses are kept: lower case."""
        return self.cleaned_data["q"].lower()
