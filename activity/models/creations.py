"""Contacts and Leads that members create for unresolved addresses: the record of intent of each."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from workspaces.models import Membership, Workspace


class CreationState(models.TextChoices):
    """How the creation of a person ended."""

    OPEN = "", "Not known yet"
    CREATED = "created", "Created"
    NOT_CREATED = "not_created", "Never reached Salesforce"
    REMOVED = "removed", "Created, and removed in Salesforce since"


class PersonCreation(models.Model):
    """One Contact or Lead, from before the call that creates it until a day later; the last call that Salesforce
    refused leaves no row.

    While it is open nobody else in the workspace creates one for the address.
    """

    # The form's own: its button pressed twice, or sent again by the browser, is one creation.
    uuid = models.UUIDField(unique=True, editable=False)
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="person_creations", db_index=False
    )
    member = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="person_creations")
    address = models.CharField(max_length=320)
    kind = models.CharField(max_length=7)  # Contact, Lead
    connection_id = models.BigIntegerField()
    salesforce_user_id = models.CharField(max_length=18)
    state = models.CharField(max_length=12, choices=CreationState.choices, blank=True, default=CreationState.OPEN)
    salesforce_id = models.CharField(max_length=18, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    # Committed before the call; without it nothing was sent.
    sent_at = models.DateTimeField(null=True)
    next_look_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["workspace", "address"], condition=Q(state=""), name="person_creation_one_open"
            ),
        )
        indexes = (
            models.Index(fields=["workspace", "address"], name="person_creation_of_address"),
            models.Index(fields=["started_at"], name="person_creation_by_time"),
        )
