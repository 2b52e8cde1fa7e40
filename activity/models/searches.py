"""What members keep of the Live Feed."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from workspaces.ids import uuid7
from workspaces.models import Membership


class SavedSearch(models.Model):
    """A search line of the Live Feed under a name of its member, whom alone it is shown to, staff included.

    activity/saved_searches.py writes it, without needless spaces in name and line.
    """

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    membership = models.ForeignKey(
        Membership, on_delete=models.CASCADE, related_name="saved_searches", db_index=False
    )
    name = models.CharField(max_length=60)
    query = models.CharField("search", max_length=500)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "saved searches"
        constraints = (
            models.UniqueConstraint("membership", Lower("name"), name="saved_search_name_once"),
            models.UniqueConstraint(fields=["membership", "query"], name="saved_search_once"),
            models.CheckConstraint(condition=~Q(name="") & ~Q(query=""), name="saved_search_is_complete"),
        )
