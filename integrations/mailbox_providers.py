"""The mail providers where people can sign in, as the operator has registered Touchline there."""

from django.conf import settings
from django.urls import reverse

from integrations.mailbox.oauth import SignInProvider
from integrations.models import MailboxAuth


def sign_in_provider(auth: MailboxAuth) -> SignInProvider | None:
    """The provider, or None where the operator has registered nothing."""
    values = {MailboxAuth.GOOGLE: _google, MailboxAuth.MICROSOFT: _microsoft}[auth]()
    return values if values.client_id and values.client_secret else None


def sign_in_providers() -> dict[MailboxAuth, SignInProvider]:
    """Those that can be offered."""
    found = {auth: sign_in_provider(auth) for auth in (MailboxAuth.GOOGLE, MailboxAuth.MICROSOFT)}
    return {auth: provider for auth, provider in found.items() if provider}


def callback_url(auth: MailboxAuth) -> str:
    """The redirect address of a provider, exactly as it is registered there; each has its own (RFC 9700 §4.4)."""
    return settings.BASE_URL + reverse("mailbox_callback", args=[auth.value])


def _google() -> SignInProvider:
    other = settings.MAILBOX_GOOGLE_SIGN_IN_URL
    return SignInProvider(
        key="google",
        name="Google",
        host=settings.MAILBOX_GOOGLE_HOST,
        authorize_url=f"{other}/authorize" if other else "https://accounts.google.com/o/oauth2/v2/auth",
        token_url=f"{other}/token" if other else "https://oauth2.googleapis.com/token",
        revoke_url=f"{other}/revoke" if other else "https://oauth2.googleapis.com/revoke",
        issuer=other or "https://accounts.google.com",
        scopes="https://mail.google.com/ openid email",
        mail_scope="https://mail.google.com/",
        client_id=settings.MAILBOX_GOOGLE_CLIENT_ID,
        client_secret=settings.MAILBOX_GOOGLE_CLIENT_SECRET,
        # Without both, Google gives a refresh token the first time only.
        extra={"access_type": "offline", "prompt": "consent"},
        ca_bundle=settings.MAILBOX_CA_BUNDLE,
    )


def _microsoft() -> SignInProvider:
    other = settings.MAILBOX_MICROSOFT_SIGN_IN_URL
    base = other or f"https://login.microsoftonline.com/{settings.MAILBOX_MICROSOFT_TENANT}/oauth2/v2.0"
    return SignInProvider(
        key="microsoft",
        name="Microsoft",
        host=settings.MAILBOX_MICROSOFT_HOST,
        authorize_url=f"{base}/authorize",
        token_url=f"{base}/token",
        revoke_url="",  # it has none: people remove an app on their account's page
        issuer=other or "https://login.microsoftonline.com",  # and the tenant
        scopes="https://outlook.office.com/IMAP.AccessAsUser.All offline_access openid email",
        mail_scope="/imap.accessasuser.all",
        client_id=settings.MAILBOX_MICROSOFT_CLIENT_ID,
        client_secret=settings.MAILBOX_MICROSOFT_CLIENT_SECRET,
        ca_bundle=settings.MAILBOX_CA_BUNDLE,
    )
