"""What people may type to connect a mailbox."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import validate_email

from integrations.mailbox import hosts
from integrations.mailbox.errors import HostRefused
from integrations.mailbox.providers import guess
from integrations.mailbox_log_ins import LogIn
from integrations.models import FolderRole, MailboxAuth

MOST_ALIASES = 10


def _without_control(text: str) -> str:
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in text):
        raise forms.ValidationError("This holds a sign that cannot be typed. Copy it again without line breaks.")
    return text


class MailboxAddressForm(forms.Form):
    """The first step: whose mailbox it is."""

    address = forms.EmailField(label="E-mail address of the mailbox", max_length=320)


class MailboxPersonForm(MailboxAddressForm):
    """Whose mailbox it is, under every address."""

    aliases = forms.CharField(
        label="Other addresses that you send from",
        required=False,
        max_length=2000,
        help_text="With commas between them. Mail from these is yours, too.",
    )

    def clean_aliases(self) -> tuple[str, ...]:
        """Addresses in lower case."""
        found = [each.strip().lower() for each in self.cleaned_data["aliases"].split(",") if each.strip()]
        if len(found) > MOST_ALIASES:
            raise forms.ValidationError(f"At most {MOST_ALIASES} addresses.")
        for each in found:
            validate_email(each)
        return tuple(dict.fromkeys(found))


class MailboxSignInForm(MailboxPersonForm):
    """The mailbox of who signs in at a provider."""

    provider = forms.ChoiceField(
        choices=[(each.value, each.label) for each in (MailboxAuth.GOOGLE, MailboxAuth.MICROSOFT)]
    )


class MailboxForm(MailboxPersonForm):
    """How to log in. An empty server is guessed from the address, an empty user name is the address."""

    field_order = ("address", "host", "user_name", "password", "aliases")

    host = forms.CharField(label="Mail server (IMAP)", required=False, max_length=260)
    user_name = forms.CharField(
        label="User name",
        required=False,
        max_length=320,
        help_text="Only where it is not the address.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    password = forms.CharField(
        label="Password or app password",
        max_length=500,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    def clean_host(self) -> str:
        """A host name, with a port only where the operator lists it so."""
        text = self.cleaned_data["host"] or guess(self.cleaned_data.get("address", "")).host
        if text.strip().lower() in settings.MAILBOX_EXTRA_HOSTS:
            return text.strip().lower()
        try:
            return hosts.clean_host(text)
        except HostRefused as error:
            raise forms.ValidationError(error.user_message) from None

    def clean_user_name(self) -> str:
        """Not to be mistaken for a command."""
        return _without_control(self.cleaned_data["user_name"])

    def clean_password(self) -> str:
        """Google shows app passwords in groups of four with spaces between, which are no part of it."""
        password = _without_control(self.cleaned_data["password"])
        groups = password.split(" ")
        is_grouped = len(groups) == 4 and all(len(group) == 4 and group.isalpha() for group in groups)
        return "".join(groups) if is_grouped else password

    def log_in(self) -> LogIn:
        """The cleaned values."""
        values: dict[str, Any] = self.cleaned_data
        host, _, port = values["host"].partition(":")
        return LogIn(
            address=values["address"].lower(),
            host=host,
            port=int(port or hosts.IMAPS_PORT),
            user_name=values["user_name"] or values["address"],
            password=values["password"],
            aliases=values["aliases"],
        )


class BackfillForm(forms.Form):
    """The days of a look into older mail."""

    since = forms.DateField(label="From", widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="To (this day included)", widget=forms.DateInput(attrs={"type": "date"}))


class FoldersForm(forms.Form):
    """A choice for each folder: not read, sent mail, received mail."""

    CHOICES = (("", "Not read"), *FolderRole.choices)

    def __init__(self, names: list[str], roles: dict[str, str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for position, name in enumerate(names):
            self.fields[f"folder-{position}"] = forms.ChoiceField(
                label=name, choices=self.CHOICES, required=False, initial=roles.get(name, "")
            )

    def roles(self) -> dict[str, FolderRole]:
        """The chosen folders by name."""
        return {
            field.label: FolderRole(self.cleaned_data[name])
            for name, field in self.fields.items()
            if self.cleaned_data[name]
        }
