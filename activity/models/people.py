"""Whom an address belongs to in Salesforce, remembered so that a known address costs no call."""

from django.db import models

from workspaces.models import Workspace


class KnownPerson(models.Model):
    """What the Sync User last found for an address (lower case) in a workspace.

    `candidates` is a list of people with their opportunities, as match.py writes and reads them; empty: nobody.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="known_people")
    address = models.CharField(max_length=320)
    candidates = models.JSONField(default=list)
    # Chosen by a person on a row ("log to another record"): overrules what the rules would take.
    chosen_id = models.CharField(max_length=18, blank=True)
    fetched_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "known people"
        constraints = (models.UniqueConstraint(fields=["workspace", "address"], name="known_person_once"),)
