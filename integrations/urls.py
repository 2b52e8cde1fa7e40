"""The pages of the app."""

from django.urls import URLPattern, path, register_converter

from integrations.models import Issuer, MailboxAuth
from integrations.views import api_keys, calendar, mailbox, mailbox_sign_in, personal, sign_in, workspace

PERSONAL = "w/<slug:slug>/settings/integrations/"
ADMIN = "w/<slug:slug>/admin/integrations/"


class IssuerConverter:
    """An issuer in a path: each has a callback of its own."""

    regex = "|".join(Issuer.values)

    def to_python(self, value: str) -> str:
        """As it stands."""
        return value

    def to_url(self, value: str) -> str:
        """As it stands."""
        return value


class MailProviderConverter(IssuerConverter):
    """A mail provider in a path."""

    regex = f"{MailboxAuth.GOOGLE}|{MailboxAuth.MICROSOFT}"


register_converter(IssuerConverter, "issuer")
register_converter(MailProviderConverter, "mail_provider")

urlpatterns: list[URLPattern] = [
    path(
        "integrations/salesforce/callback/<issuer:issuer>/",
        sign_in.salesforce_callback,
        name="salesforce_callback",
    ),
    path(
        "integrations/mailbox/callback/<mail_provider:provider>/",
        mailbox_sign_in.mailbox_callback,
        name="mailbox_callback",
    ),
    path(PERSONAL, personal.integrations, name="integrations"),
    path(f"{PERSONAL}salesforce/begin/", sign_in.salesforce_begin, name="salesforce_begin"),
    path(f"{PERSONAL}salesforce/ask/", personal.salesforce_ask, name="salesforce_ask"),
    path(f"{PERSONAL}salesforce/check/", personal.salesforce_check, name="salesforce_check"),
    path(f"{PERSONAL}salesforce/disconnect/", personal.salesforce_disconnect, name="salesforce_disconnect"),
    path(f"{PERSONAL}salesforce/revocations/", personal.salesforce_revocations, name="salesforce_revocations"),
    path(
        f"{PERSONAL}salesforce/permission-set/",
        personal.salesforce_permission_set,
        name="salesforce_permission_set",
    ),
    path(f"{PERSONAL}salesforce/<uuid:uuid>/waiting/", sign_in.salesforce_waiting, name="salesforce_waiting"),
    path(f"{PERSONAL}salesforce/<uuid:uuid>/confirm/", sign_in.salesforce_confirm, name="salesforce_confirm"),
    path(f"{PERSONAL}salesforce/<uuid:uuid>/cancel/", sign_in.salesforce_cancel, name="salesforce_cancel"),
    path(f"{PERSONAL}mailbox/", mailbox.mailbox_connect, name="mailbox_connect"),
    path(f"{PERSONAL}mailbox/sign-in/", mailbox_sign_in.mailbox_sign_in_begin, name="mailbox_sign_in_begin"),
    path(f"{PERSONAL}mailbox/sign-in/<uuid:uuid>/", mailbox_sign_in.mailbox_sign_in_leave, name="mailbox_sign_in"),
    path(f"{PERSONAL}mailbox/folders/", mailbox.mailbox_folders, name="mailbox_folders"),
    path(f"{PERSONAL}mailbox/older-mail/", mailbox.mailbox_backfill, name="mailbox_backfill"),
    path(f"{PERSONAL}mailbox/older-mail/live/", mailbox.mailbox_backfill_live, name="mailbox_backfill_live"),
    path(f"{PERSONAL}mailbox/try-again/", mailbox.mailbox_try_again, name="mailbox_try_again"),
    path(f"{PERSONAL}mailbox/disconnect/", mailbox.mailbox_disconnect, name="mailbox_disconnect"),
    path(f"{PERSONAL}calendar/", calendar.calendar_connect, name="calendar_connect"),
    path(f"{PERSONAL}calendar/choose/", calendar.calendar_choose, name="calendar_choose"),
    path(f"{PERSONAL}calendar/try-again/", calendar.calendar_try_again, name="calendar_try_again"),
    path(f"{PERSONAL}calendar/disconnect/", calendar.calendar_disconnect, name="calendar_disconnect"),
    path(ADMIN, workspace.workspace_integrations, name="workspace_integrations"),
    path(f"{ADMIN}sync-user/begin/", workspace.sync_user_begin, name="sync_user_begin"),
    path(f"{ADMIN}sync-user/assign/", workspace.sync_user_assign, name="sync_user_assign"),
    path(f"{ADMIN}sync-user/stand-by/", workspace.sync_user_stand_by, name="sync_user_stand_by"),
    path(f"{ADMIN}sync-user/promote/", workspace.sync_user_promote, name="sync_user_promote"),
    path(f"{ADMIN}sync-user/check/", workspace.sync_user_check, name="sync_user_check"),
    path(f"{ADMIN}sync-user/disconnect/", workspace.sync_user_disconnect, name="sync_user_disconnect"),
    path(f"{ADMIN}api-share/", workspace.api_cap, name="api_cap"),
    path("w/<slug:slug>/admin/api-keys/", api_keys.api_keys, name="api_keys"),
    path("w/<slug:slug>/admin/api-keys/<uuid:uuid>/revoke/", api_keys.api_key_revoke, name="api_key_revoke"),
]
