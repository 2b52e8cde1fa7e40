"""What people type in about themselves and their workspaces."""

from django import forms


class SignupForm(forms.Form):
    """What we ask beside address and password when somebody signs up."""

    name = forms.CharField(max_length=200, label="Your name")

    def signup(self, request, user) -> None:  # noqa: ANN001 - allauth's hook
        """Keep the name."""
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])
