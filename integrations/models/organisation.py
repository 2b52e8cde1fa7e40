"""The Salesforce organisation that a workspace logs to, and the use of its API calls."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.utils import timezone

from workspaces.ids import uuid7
from workspaces.models import Membership, Workspace

models.CharField.register_lookup(Length)


class Environment(models.TextChoices):
    """What kind of org it is; the two are never mixed in a workspace."""

    PRODUCTION = "production", "Production"
    SANDBOX = "sandbox", "Sandbox"


class SalesforceOrg(models.Model):
    """The one Salesforce organisation that a workspace logs to."""

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="salesforce_orgs")
    org_id = models.CharField(max_length=18)
    name = models.CharField(max_length=255)
    environment = models.CharField(max_length=10, choices=Environment.choices)
    edition = models.CharField(max_length=60, blank=True)
    web_url = models.CharField("address for people", max_length=255)
    api_cap_percent = models.PositiveSmallIntegerField(default=25)
    use_call_object = models.BooleanField("key in Task.CallObject", default=True)
    sync_user = models.ForeignKey(
        "Connection", null=True, blank=True, on_delete=models.SET_NULL, related_name="sync_user_of"
    )
    stand_by = models.ForeignKey(
        "Connection", null=True, blank=True, on_delete=models.SET_NULL, related_name="stand_by_of"
    )
    people_read_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    retired_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "Salesforce organisation"
        constraints = (
            models.UniqueConstraint(
                fields=["workspace"], condition=Q(retired_at=None), name="org_one_live_per_workspace"
            ),
            models.CheckConstraint(
                condition=Q(api_cap_percent__gte=1, api_cap_percent__lte=100), name="org_cap_is_percent"
            ),
            models.CheckConstraint(condition=Q(org_id__length=18), name="org_id_18"),
        )

    def __str__(self) -> str:
        return self.name


class SyncUserRequest(models.Model):
    """The member who was asked by e-mail to become the Sync User by connecting; there may be no organisation yet."""

    workspace = models.OneToOneField(Workspace, on_delete=models.CASCADE, related_name="sync_user_request")
    membership = models.OneToOneField(Membership, on_delete=models.CASCADE, related_name="sync_user_request")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "Sync User request"


class ApiUsage(models.Model):
    """Use of one org's daily API calls as Salesforce last told it; shared by every workspace that uses the org."""

    org_id = models.CharField(max_length=18, primary_key=True)
    used = models.PositiveIntegerField(default=0)
    maximum = models.PositiveIntegerField(default=0)
    seen_at = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)
    pause_reason = models.CharField(max_length=40, blank=True)

    class Meta:
        verbose_name_plural = "API usage"


class ApiCallCount(models.Model):
    """Our own calls to one org on one UTC day, for each connection."""

    org_id = models.CharField(max_length=18)
    connection = models.ForeignKey("Connection", on_delete=models.CASCADE, related_name="call_counts")
    day = models.DateField()
    calls = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = "API call count"
        constraints = (models.UniqueConstraint(fields=["connection", "day"], name="api_calls_once_a_day"),)
        indexes = (models.Index(fields=["org_id", "day"], name="api_calls_by_org"),)
