"""The search lines of the Live Feed and of Unresolved, and the form of a saved search."""

from django import forms

from activity.feed_search import LONGEST


class FeedForm(forms.Form):
    """The search line of the Live Feed and the activity to go on from."""

    q = forms.CharField(required=False, max_length=LONGEST)
    after = forms.UUIDField(required=False)

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.is_valid()


class SavedSearchForm(forms.Form):
    """A saved search; activity/saved_searches.py says what else it must not be."""

    name = forms.CharField(
        max_length=60,
        error_messages={
            "required": "Please give the search a name.",
            "max_length": "A name can have 60 characters at most.",
        },
    )
    query = forms.CharField(
        max_length=LONGEST,
        error_messages={
            "required": "There is nothing to save: search for something first.",
            "max_length": f"A search can have {LONGEST} characters at most.",
        },
    )

    @property
    def first_error(self) -> str:
        """What is wrong, in one sentence."""
        return next(iter(self.errors.values()))[0]


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
