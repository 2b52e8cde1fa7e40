"""allauth's forms in our words: one label for each thing, no placeholder that repeats it."""

from typing import Any, ClassVar

from allauth.account import forms as account_forms
from allauth.mfa.base import forms as mfa_forms
from allauth.mfa.totp import forms as totp_forms
from django.http import HttpRequest

from workspaces.models import User

HELP_FOR_A_NEW_ONE = "At least 10 characters, and not one that everybody uses."


class OurWords:
    """Put labels (and the help for a new password) in place of allauth's; `labels` is field name -> label."""

    labels: ClassVar[dict[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label = self.labels.get(name, field.label)
            field.widget.attrs.pop("placeholder", None)
            if name == "password1":
                field.help_text = HELP_FOR_A_NEW_ONE


class LoginForm(OurWords, account_forms.LoginForm):
    """Log in by address and password."""

    labels: ClassVar = {"login": "E-mail address"}


class SignupForm(OurWords, account_forms.SignupForm):
    """Sign up; the name comes from forms.SignupForm."""

    labels: ClassVar = {"email": "E-mail address"}

    def try_save(self, request: HttpRequest) -> Any:
        """As allauth does; a taken address costs a password's hash, too, so that it is not told by the time taken."""
        if self.account_already_exists:
            User().set_password(self.cleaned_data["password1"])
        return super().try_save(request)


class ResetPasswordForm(OurWords, account_forms.ResetPasswordForm):
    """Ask for a link to choose a new password."""

    labels: ClassVar = {"email": "E-mail address"}


class ResetPasswordKeyForm(OurWords, account_forms.ResetPasswordKeyForm):
    """Choose a new password after following the link."""

    labels: ClassVar = {"password1": "New password", "password2": "New password again"}


class ChangePasswordForm(OurWords, account_forms.ChangePasswordForm):
    """Change the password."""

    labels: ClassVar = {
        "oldpassword": "Current password",
        "password1": "New password",
        "password2": "New password again",
    }


class SetPasswordForm(OurWords, account_forms.SetPasswordForm):
    """Choose the first password."""

    labels: ClassVar = {"password2": "Password again"}


class AddEmailForm(OurWords, account_forms.AddEmailForm):
    """Add another address."""

    labels: ClassVar = {"email": "E-mail address"}


class ReauthenticateForm(OurWords, account_forms.ReauthenticateForm):
    """Enter the password again before something sensitive."""


class AuthenticateForm(OurWords, mfa_forms.AuthenticateForm):
    """The second step of logging in."""


class ReauthenticateByCodeForm(OurWords, mfa_forms.ReauthenticateForm):
    """Enter a code again before something sensitive."""


class ActivateTOTPForm(OurWords, totp_forms.ActivateTOTPForm):
    """The first code of a new authenticator app."""

    labels: ClassVar = {"code": "Code from the app"}
