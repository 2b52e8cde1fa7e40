"""Mail that is logged late gets the text that was not kept: its source is asked for it, and its jobs wait a while.

This is the pipeline's side, which knows no mail server: what is wanted stands in WantedText, whoever has it calls
`bring`, and a text that nobody brings holds nothing up.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from activity.models import Activity, BodyChoice, DueJob, LedgerEntry, Message, Source, SyncJob, WantedText
from activity.pipeline.claims import make_due
from activity.settings import settings_for
from activity.wake import wake
from integrations.mailbox_leases import to_watch
from workspaces.models import Membership

WAITS_FOR = timedelta(minutes=10)
"""A mailbox that is watched brings a text within seconds; then the mail is logged without."""


def make_due_with_texts(membership: Membership, job_ids: Collection[int], connection_id: int, **how: Any) -> int:
    """As claims.make_due, for jobs of one member; those whose text can be fetched wait until it is here."""
    now = timezone.now()
    wanting = _ask_for_texts(membership, job_ids)
    rest = [job_id for job_id in job_ids if job_id not in wanting]
    later = make_due(sorted(wanting), connection_id, now, due_at=now + WAITS_FOR, **how)
    return later + make_due(rest, connection_id, now, **how)


def bring(wanted_id: int, text: str, text_was_cut: bool) -> None:
    """Keep the text of a mail, empty where there is none to be had, and let its jobs go."""
    with transaction.atomic():
        wanted = WantedText.objects.select_for_update().select_related("activity").filter(pk=wanted_id).first()
        if wanted is None:
            return
        Message.objects.filter(pk=wanted.activity.message_id, text="").update(text=text, text_was_cut=text_was_cut)
        jobs = DueJob.objects.filter(job__activity=wanted.activity_id, leased=False, sent_at=None, parked=None)
        waiting = jobs.filter(due_at__gt=timezone.now())
        connections = set(waiting.values_list("connection", flat=True))
        waiting.update(due_at=timezone.now())
        wanted.delete()
        wake(*connections)


def _ask_for_texts(membership: Membership, job_ids: Collection[int]) -> set[int]:
    """Want the texts of those jobs whose mail came from the member's mailbox, is still to be found there, and has
    none; returns these jobs.
    """
    if settings_for(membership).body == BodyChoice.NONE or not to_watch().filter(membership=membership).exists():
        return set()
    jobs = SyncJob.objects.filter(pk__in=job_ids, activity__source=Source.MAILBOX, activity__message__text="")
    activities = {job.activity_id: job.activity for job in jobs.select_related("activity")}
    places = _places_of(membership, activities)
    WantedText.objects.bulk_create(
        [WantedText(activity_id=pk, owner=membership, source_id=place) for pk, place in places.items()],
        ignore_conflicts=True,
    )
    return set(jobs.filter(activity__in=places).values_list("pk", flat=True))


def _places_of(membership: Membership, activities: Mapping[int, Activity]) -> dict[int, str]:
    """How the source knows these activities: the id of its report."""
    by_uuid = {activity.uuid: pk for pk, activity in activities.items()}
    reports = LedgerEntry.objects.filter(
        workspace=membership.workspace_id, source=Source.MAILBOX, activity_uuid__in=list(by_uuid)
    )
    return {by_uuid[uuid]: source_id for uuid, source_id in reports.values_list("activity_uuid", "source_id")}
