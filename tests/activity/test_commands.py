"""erase_address: what operators do when a person asks to be erased."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from activity.models import DueJob, SyncJob
from activity.pipeline.captured import Person
from integrations.models import Connection
from tests.activity.stories import NORA, PETER, log, report, sent
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Workspace


def erase(slug: str, address: str) -> str:
    out = StringIO()
    call_command("erase_address", slug, address, stdout=out)
    return out.getvalue()


def test_an_address_is_erased_from_its_workspace(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace
) -> None:
    report(acme, sent(1, to=(Person(NORA),)), sent(2, to=(Person(PETER),)), sent(3, to=(Person(PETER),)))
    log(bens_connection)

    assert erase("acme", f" {NORA.upper()}") == "Erased; 1 row of the log named the address.\n"
    assert erase("acme", PETER) == "Erased; 2 rows of the log named the address.\n"
    assert erase("acme", PETER) == "Erased; 0 rows of the log named the address.\n"
    assert {job.recipient.partition(":")[0] for job in SyncJob.objects.all()} == {"erased"}


def test_what_is_being_sent_is_to_be_erased_later(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace
) -> None:
    report(acme, sent(1, to=(Person(NORA),)))
    DueJob.objects.update(sent_at=timezone.now())

    assert erase("acme", NORA) == (
        "Erased; 0 rows of the log named the address.\n"
        "1 row more cannot be erased yet: Salesforce has not said what became of them. Do it again in an hour.\n"
    )


def test_another_workspace_is_named_as_missing(acme: Workspace) -> None:
    with pytest.raises(CommandError, match=r'^There is no workspace "acmee"\.$'):
        erase("acmee", NORA)
