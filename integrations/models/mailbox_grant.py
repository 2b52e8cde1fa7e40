"""Sign-ins at mail providers: on their way, as the key to a mailbox, and until they have ended at the provider."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from integrations.models.mailbox import Mailbox, MailboxAuth
from workspaces.ids import uuid7
from workspaces.models import User, Workspace


class MailboxSignIn(models.Model):
    """One trip to a mail provider's log-in page. Only the digest of the state is kept.

    A row is used once, within ten minutes, by the same person and browser session, at its provider's callback.
    `address` is the mailbox that the person wants to connect, `aliases` other addresses that they send from.
    """

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    state_digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="mailbox_sign_ins")
    session_digest = models.CharField(max_length=64)
    provider = models.CharField(max_length=10, choices=MailboxAuth.choices)
    address = models.CharField(max_length=320)
    aliases = models.JSONField(default=list)
    verifier_sealed = models.TextField(blank=True)
    error = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField("callback came", null=True)
    ended_at = models.DateTimeField("connected, refused or expired", null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(verifier_sealed=""), name="mailbox_sign_in_ended_has_no_secret"
            ),
        )
        indexes = (models.Index(fields=["expires_at"], condition=Q(ended_at=None), name="mailbox_sign_in_open"),)

    @property
    def is_open(self) -> bool:
        """Whether it may still end in a mailbox."""
        return self.used_at is None and self.ended_at is None and self.expires_at > timezone.now()


class MailboxGrant(models.Model):
    """The tokens of one sign-in. Written by mailbox_tokens.py and mailbox_grants.py alone.

    Either it opens `mailbox`, or there is none (any more) and it is revoked at the provider from `revoke_at` on, and
    then deleted. `account` is the address that signed in. `version` counts access tokens; a refresh in progress holds
    the row until `refresh_until`.
    """

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="mailbox_grants")
    mailbox = models.OneToOneField(Mailbox, null=True, on_delete=models.CASCADE, related_name="grant")
    provider = models.CharField(max_length=10, choices=MailboxAuth.choices)
    account = models.CharField(max_length=320)
    access_token_sealed = models.TextField(editable=False)
    refresh_token_sealed = models.TextField(blank=True, editable=False)
    access_expires_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)
    refresh_until = models.DateTimeField(null=True)
    refreshed_at = models.DateTimeField(default=timezone.now)
    revoke_at = models.DateTimeField("next try to revoke it", null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(mailbox__isnull=False, revoke_at=None) | Q(mailbox=None, revoke_at__isnull=False),
                name="mailbox_grant_is_used_or_revoked",
            ),
        )
        indexes = (
            models.Index(fields=["revoke_at"], condition=Q(mailbox=None), name="mailbox_grant_to_be_revoked"),
            models.Index(fields=["provider", "account"], name="mailbox_grant_of_account"),
        )
