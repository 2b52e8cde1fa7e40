"""Grants that are on their way in or out: not confirmed yet, or still to be revoked."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from integrations.models.connection import Issuer
from workspaces.ids import uuid7
from workspaces.models import Membership, User, Workspace


class Intent(models.TextChoices):
    """What a person leaves for Salesforce for."""

    MEMBER = "member", "Own connection"
    SYNC_USER = "sync_user", "Sync User"
    STAND_BY = "stand_by", "Stand-by of the Sync User"


class PendingGrant(models.Model):
    """One trip to Salesforce's login page: first the state and verifier, then the unconfirmed tokens.

    Only the digest of the state is kept. A row is used once, within ten minutes, by the same person and session.
    """

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    state_digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="pending_grants")
    session_digest = models.CharField(max_length=64)
    intent = models.CharField(max_length=10, choices=Intent.choices)
    issuer = models.CharField(max_length=10, choices=Issuer.choices)
    login_url = models.CharField(max_length=255)
    verifier_sealed = models.TextField(blank=True)
    access_token_sealed = models.TextField(blank=True)
    refresh_token_sealed = models.TextField(blank=True)
    # What the confirm page shows: org, user, edition, instance_url, scopes, web_url; no secret.
    grant = models.JSONField(default=dict)
    preflight = models.JSONField(default=list)
    error = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField("callback came", null=True)
    ended_at = models.DateTimeField("confirmed, cancelled or expired", null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(verifier_sealed="", access_token_sealed="", refresh_token_sealed=""),
                name="pending_grant_ended_has_no_secrets",
            ),
        )
        indexes = (models.Index(fields=["expires_at"], condition=Q(ended_at=None), name="pending_grant_open"),)

    @property
    def is_open(self) -> bool:
        """Whether it may still end in a connection."""
        return self.ended_at is None and self.expires_at > timezone.now()


class PendingRevocation(models.Model):
    """A grant that must still be revoked at Salesforce; retried with back-off for seven days."""

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="pending_revocations")
    membership = models.ForeignKey(Membership, null=True, on_delete=models.SET_NULL, related_name="+")
    login_url = models.CharField(max_length=255)
    salesforce_user_name = models.CharField(max_length=255)
    token_sealed = models.TextField(blank=True)
    why = models.CharField(max_length=40)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    revoked_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(revoked_at=None, given_up_at=None) | Q(token_sealed=""),
                name="pending_revocation_done_has_no_token",
            ),
        )
        indexes = (
            models.Index(
                fields=["next_try_at"],
                condition=Q(revoked_at=None, given_up_at=None),
                name="pending_revocation_due",
            ),
        )
