"""What became of a creation whose answer was lost: looked for by who created it, for whom and when, then settled.

The schedule is that of the pipeline (verify.py): a call can run ten minutes at Salesforce after we gave up, so only
its last look says that nothing was created. Nothing is ever sent again by itself; a person decides.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django_q.tasks import async_task

from activity import addresses
from activity.models import CreationState, KnownPerson, PersonCreation
from activity.pipeline.choose import Candidate
from activity.pipeline.late import log_late
from activity.pipeline.verify import BEFORE_SENDING, LOOK_AGAIN, next_look
from activity.repair import RepairError
from integrations.connections import client_for, sync_client
from integrations.models import Connection
from integrations.salesforce.client import CreatedPerson, SalesforceClient
from integrations.salesforce.errors import SalesforceError
from workspaces.audit import Action, record

FIRST_LOOK = timedelta(seconds=150)
"""After a call was begun: by then it has its answer, or the worker that made it is gone."""
LOOK_UP = "activity.tasks.look_up_person"
NEVER_SENT_AFTER = timedelta(minutes=10)
KEPT_FOR = timedelta(days=1)


def look_up(creation_id: int) -> PersonCreation:
    """One look for an open creation, which is settled where it can be; at most two calls. Raises nothing."""
    creation = PersonCreation.objects.select_related("workspace", "member__user").get(pk=creation_id)
    if creation.state != CreationState.OPEN or creation.sent_at is None:
        return creation
    now = timezone.now()
    try:
        found = _find(creation)
    except SalesforceError:
        found = None
    if found:
        return _settle(creation, found)
    due_at = next_look(creation.sent_at, now)
    if found is not None and due_at is None:
        return _close(creation, CreationState.NOT_CREATED)
    creation.next_look_at = due_at or now + LOOK_AGAIN
    creation.save(update_fields=["next_look_at"])
    return creation


def queue_look_ups(now: datetime) -> int:
    """Let the queue look for every creation that is due; returns how many. Forgets those that are a day old."""
    PersonCreation.objects.filter(started_at__lt=now - KEPT_FOR).delete()
    PersonCreation.objects.filter(
        state=CreationState.OPEN, sent_at=None, started_at__lt=now - NEVER_SENT_AFTER
    ).delete()
    due = list(
        PersonCreation.objects.filter(state=CreationState.OPEN, next_look_at__lte=now).values_list("pk", flat=True)
    )
    for pk in due:
        async_task(LOOK_UP, pk)
    return len(due)


def finish(creation: PersonCreation, salesforce_id: str, name: str, account_name: str = "") -> PersonCreation:
    """It was created: the address is theirs from now on, and what waits for it goes on. Once, whoever comes first."""
    with transaction.atomic():
        settled = _close(creation, CreationState.CREATED, salesforce_id)
        if settled.salesforce_id == salesforce_id and settled is creation:
            _match(creation, name, account_name)
    return settled


def _close(creation: PersonCreation, state: CreationState, salesforce_id: str = "") -> PersonCreation:
    """Write the outcome unless somebody else has; returns `creation` itself only where it was written here."""
    values = {"state": state, "salesforce_id": salesforce_id, "next_look_at": None}
    if not PersonCreation.objects.filter(pk=creation.pk, state=CreationState.OPEN).update(**values):
        return PersonCreation.objects.filter(pk=creation.pk).first() or creation
    for name, value in values.items():
        setattr(creation, name, value)
    return creation


def _match(creation: PersonCreation, name: str, account_name: str) -> None:
    candidate = Candidate(
        kind=creation.kind,
        id=creation.salesforce_id,
        name=name,
        owner_id=creation.salesforce_user_id,
        account_name=account_name,
    )
    KnownPerson.objects.update_or_create(
        workspace=creation.workspace,
        address=creation.address,
        defaults={
            "candidates": [candidate.to_json()],
            "chosen_id": creation.salesforce_id,
            "fetched_at": timezone.now(),
        },
    )
    details = {"record": creation.salesforce_id, "kind": creation.kind}
    by = creation.member.user
    record(Action.PERSON_CREATED, workspace=creation.workspace, actor=by, target=creation.kind, details=details)
    try:
        addresses.link(creation.member, creation.address, creation.salesforce_id)
    except RepairError:
        # The member's own rows have gone meanwhile, or wait for something else; colleagues' may be there.
        log_late(creation.workspace, [creation.address])


def _settle(creation: PersonCreation, found: list[CreatedPerson]) -> PersonCreation:
    there = next((each for each in found if not each.is_deleted), None)
    if there is not None:
        return finish(creation, there.id, there.name)
    merged = next((each for each in found if each.master_record_id), None)
    if merged is not None:
        return finish(creation, str(merged.master_record_id), merged.name)
    return _close(creation, CreationState.REMOVED, found[0].id)


def _find(creation: PersonCreation) -> list[CreatedPerson]:
    """What the member's Salesforce user created for the address; raises SalesforceError when that cannot be said.

    The Sync User looks too: a rule may have given the record to somebody whose records the member may not see.
    """
    own = _own_client(creation)
    for client in (own, sync_client(creation.workspace)):
        found = _created_with(client, creation) if client else []
        if found:
            return found
    if own is None:
        raise SalesforceError("nobody_can_look")
    return []


def _created_with(client: SalesforceClient, creation: PersonCreation) -> list[CreatedPerson]:
    return client.find_created_people(
        creation.kind,
        creation.address,
        created_by=creation.salesforce_user_id,
        since=(creation.sent_at or creation.started_at) - BEFORE_SENDING,
    )


def _own_client(creation: PersonCreation) -> SalesforceClient | None:
    own = (
        Connection.objects.live()
        .select_related("org", "salesforce_user", "workspace", "membership__user")
        .filter(pk=creation.connection_id)
        .first()
    )
    return client_for(own) if own is not None and own.is_usable else None
