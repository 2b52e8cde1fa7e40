"""Texts that were not kept and are needed after all."""

from django.db import models
from django.utils import timezone

from activity.models.activity import Activity
from workspaces.models import Membership


class WantedText(models.Model):
    """A mail that is to be logged although nobody was known for it when it came, so that its text was not kept.

    Its mailbox brings the text first: `source_id` is how the mailbox's source knows the mail. Its jobs wait for that,
    but not for ever (late_texts.WAITS_FOR).
    """

    activity = models.OneToOneField(Activity, on_delete=models.CASCADE, related_name="wanted_text")
    owner = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="wanted_texts")
    source_id = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
