"""How allauth behaves here: its links start with BASE_URL, and a mail server that is away breaks no page."""

from typing import Any
from urllib.parse import urlsplit

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest
from django.urls import Resolver404, resolve

from workspaces import invitations
from workspaces.errors import InvitationError

log = structlog.get_logger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    """Sign-up, log-in and mails by e-mail address."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "too_many_login_attempts": "Too many log-ins failed. Wait five minutes, then try again.",
        "email_password_mismatch": "This e-mail address and password do not match. Check both and try again.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Whether the visitor may make an account: everybody, or with SIGN_UP_OPEN off who was invited."""
        return settings.SIGN_UP_OPEN or _comes_with_invitation(request)

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        """Return the link of the verification letter; never built from the request's Host header."""
        return _on_our_host(super().get_email_confirmation_url(request, emailconfirmation))

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return the link of the password letter; never built from the request's Host header."""
        return _on_our_host(super().get_reset_password_from_key_url(key))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send one of allauth's letters; tell the person when the mail server did not take it."""
        host = urlsplit(settings.BASE_URL).netloc
        site = {"domain": host, "name": host}
        try:
            super().send_mail(template_prefix, email, context | {"current_site": site})
        except OSError as error:  # every fault of smtplib and of the socket underneath is one
            log.warning("mail not sent", template=template_prefix, error=type(error).__name__)
            messages.error(self.request, "We could not send you an e-mail. Please try again in a few minutes.")


def _comes_with_invitation(request: HttpRequest) -> bool:
    """Whether the page that sent the visitor to sign up is that of an invitation that can be used."""
    try:
        came_from = resolve(request.POST.get("next") or request.GET.get("next") or "")
        if came_from.url_name != "invitation":
            return False
        invitations.require_usable(invitations.find(came_from.kwargs["token"]))
    except (Resolver404, InvitationError):
        return False
    return True


def _on_our_host(url: str) -> str:
    return settings.BASE_URL + urlsplit(url).path
