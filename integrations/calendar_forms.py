"""What people may type to connect a calendar."""

from collections.abc import Collection as Several
from collections.abc import Sequence
from typing import Any

from django import forms

from integrations.calendar.caldav import Collection
from integrations.calendar.errors import HostRefused
from integrations.calendar.providers import provider_of
from integrations.calendar.urls import clean_url
from integrations.calendars import MOST_CHOSEN, LogIn


class CalendarAddressForm(forms.Form):
    """The first step: whose calendar it is."""

    address = forms.EmailField(label="E-mail address that your calendar belongs to", max_length=320)


class CalendarForm(forms.Form):
    """How to log in."""

    url = forms.CharField(label="Calendar server (CalDAV)", max_length=500)
    user_name = forms.CharField(
        label="User name", max_length=320, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    password = forms.CharField(
        label="Password or app password",
        max_length=500,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    def clean_url(self) -> str:
        """An https URL of a provider that can be read."""
        try:
            url = clean_url(self.cleaned_data["url"])
        except HostRefused as error:
            raise forms.ValidationError(error.user_message) from None
        provider = provider_of(url)
        if not provider.offers_caldav:
            raise forms.ValidationError(provider.hint)
        return url

    def clean_user_name(self) -> str:
        """HTTP Basic ends the user name at the first colon."""
        name = self.cleaned_data["user_name"]
        if ":" in name or not name.isprintable():
            raise forms.ValidationError("A user name cannot hold this. Copy it again, without colons or line breaks.")
        return name

    def clean_password(self) -> str:
        """As it was typed, but for line breaks."""
        if not self.cleaned_data["password"].isprintable():
            raise forms.ValidationError("This holds a sign that cannot be typed. Copy it again without line breaks.")
        return self.cleaned_data["password"]

    def log_in(self) -> LogIn:
        """The cleaned values."""
        return LogIn(**self.cleaned_data)


class ChoiceForm(forms.Form):
    """Which calendars of the account are read."""

    chosen = forms.MultipleChoiceField(
        label="Calendars",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one calendar."},
    )

    def __init__(self, found: Sequence[Collection], urls: Several[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._found = {each.url: each for each in found}
        self.fields["chosen"].choices = [(url, each.name) for url, each in self._found.items()]
        self.fields["chosen"].initial = [url for url in self._found if url in urls]

    def clean_chosen(self) -> list[Collection]:
        """The calendars."""
        chosen = [self._found[url] for url in self.cleaned_data["chosen"]]
        if len(chosen) > MOST_CHOSEN:
            raise forms.ValidationError(f"Choose at most {MOST_CHOSEN} calendars.")
        return chosen
