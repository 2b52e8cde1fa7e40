"""What was reported to us: each report once, and how many requests a minute."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from integrations.models import ApiKey
from workspaces.models import Workspace


class LedgerEntry(models.Model):
    """What was reported once, kept 180 days: the same id again gives the same activity, other content is refused."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    source = models.CharField(max_length=10)
    source_id = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    activity_uuid = models.UUIDField()
    recorded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints = (models.UniqueConstraint(fields=["workspace", "source", "source_id"], name="ledger_once"),)
        indexes = (
            models.Index(fields=["recorded_at"], name="ledger_by_time"),
            # Whose mail an activity came from, when its text is needed after all.
            models.Index(fields=["activity_uuid"], condition=Q(source="mailbox"), name="ledger_of_mail"),
        )


class RequestCount(models.Model):
    """How many requests an API key made in the minute of its last one."""

    api_key = models.OneToOneField(ApiKey, primary_key=True, on_delete=models.CASCADE, related_name="+")
    minute = models.DateTimeField()
    requests = models.PositiveIntegerField()
