"""A person outside is erased: what is gone, what stays, and what waits for Salesforce's answer."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from activity.erasure import Erased, erase_address
from activity.models import DueJob, KnownPerson, LoggedRecord, Reason, SavedSearch, SyncAttempt, SyncJob, SyncState
from activity.pipeline.captured import Person
from activity.queries.unresolved import unresolved
from activity.repair import RepairError, retry
from integrations.models import Connection
from tests.activity.miscounted import miscounted
from tests.activity.rows import make_attempt, make_job
from tests.activity.stories import NORA, PETER, log, meeting, report, sent, states
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Membership, Workspace

ERASED = (SyncState.SKIPPED, Reason.ERASED)


def tables_with(text: str) -> set[str]:
    """Tables of ours that hold the text anywhere."""
    found = set()
    with connection.cursor() as cursor:
        for model in apps.get_models():
            if model._meta.app_label in ("activity", "integrations", "workspaces") and model._meta.managed:
                table = model._meta.db_table
                cursor.execute(f'SELECT 1 FROM "{table}" t WHERE t::text ILIKE %s LIMIT 1', [f"%{text}%"])
                if cursor.fetchone():
                    found.add(table)
    return found


def test_nothing_of_the_person_stays_but_what_finds_the_records(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben_member: Membership
) -> None:
    both = (Person(NORA, "Nora West"), Person(PETER, "Peter"))
    report(acme, sent(1, to=both), sent(2, to=(Person(PETER),)), meeting())
    SavedSearch.objects.create(membership=ben_member, name="Nora", query=f"to:{NORA}")
    log(bens_connection)
    assert {"activity_syncjob", "activity_syncattempt", "activity_participant"} < tables_with(NORA)

    assert erase_address(acme, NORA.upper()) == Erased(rows=2, under_way=0)

    assert tables_with(NORA) == {"activity_loggedrecord"}
    assert tables_with("Nora West") == set()
    rows = SyncJob.objects.order_by("pk").values_list("subject", "person_name", "state")
    erased, peters = ("", "", "synced"), [(f"Offer {number}", "Peter Gibson", "synced") for number in (1, 2)]
    assert sorted(rows) == [erased, erased, *peters]
    assert set(KnownPerson.objects.values_list("address", flat=True)) == {PETER}
    assert LoggedRecord.objects.count() == 4
    assert miscounted() == []


def test_what_was_not_sent_yet_is_not_sent(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace
) -> None:
    report(acme, sent(1), sent(2, to=(Person(PETER),)))

    assert erase_address(acme, NORA) == Erased(rows=1, under_way=0)
    log(bens_connection)

    assert sorted(states()) == [ERASED, (SyncState.SYNCED, "")]
    assert len(salesforce.org.rows("Task")) == 1
    assert not DueJob.objects.exists()


@pytest.mark.parametrize("mark", ["sent_at", "unknown_since", "leased"])
def test_what_may_be_in_salesforce_waits_for_the_answer(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, mark: str
) -> None:
    report(acme, sent(1))
    now = timezone.now()
    until = {"leased": True, "due_at": now + timedelta(minutes=5)} if mark == "leased" else {mark: now}
    DueJob.objects.update(**until)

    assert erase_address(acme, NORA) == Erased(rows=0, under_way=1)
    assert SyncJob.objects.get().recipient == NORA

    DueJob.objects.all().delete()
    assert erase_address(acme, NORA) == Erased(rows=1, under_way=0)
    assert states() == [ERASED]


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (SyncState.FAILED, Reason.REJECTED),
        (SyncState.HELD, Reason.PLAN),
        (SyncState.SKIPPED, Reason.NO_MATCH),
        (SyncState.SKIPPED, Reason.AMBIGUOUS),
    ],
)
def test_a_row_of_somebody_erased_is_nothing_to_repair(
    acme: Workspace, ben_member: Membership, state: SyncState, reason: Reason
) -> None:
    job = make_job(ben_member, state, reason=reason, reason_detail="Grace Hopper")
    make_attempt(job)

    erase_address(acme, job.recipient)

    job.refresh_from_db()
    assert (job.state, job.reason, job.reason_detail, job.recipient) == (*ERASED, "", f"erased:{job.pk}")
    assert SyncAttempt.objects.get().payload == ""
    assert unresolved(ben_member).addresses == ()
    with pytest.raises(RepairError):
        retry(job, ben_member.user)


def test_another_workspace_keeps_what_it_knows(
    acme: Workspace, ben_member: Membership, cleo_member: Membership
) -> None:
    job = make_job(cleo_member)
    before = SyncJob.objects.values().get()

    assert erase_address(acme, job.recipient) == Erased(rows=0, under_way=0)
    assert SyncJob.objects.values().get() == before
