"""From a report to the record in Salesforce."""

from activity.models import DueJob, LoggedRecord, Message, SyncAttempt, SyncJob, SyncState
from integrations.models import Connection
from tests.activity.stories import NORA, log, report, sent
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Workspace


def test_a_sent_mail_becomes_a_task(salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace) -> None:
    report(acme, sent())

    log(bens_connection)

    org = salesforce.org
    [task] = org.rows("Task")
    nora = next(row for row in org.rows("Contact") if row["Email"] == NORA)
    deal = next(row for row in org.rows("Opportunity") if row["Name"] == "Northwind: fleet renewal")
    job = SyncJob.objects.get()
    assert {name: task[name] for name in ("Subject", "WhoId", "WhatId", "OwnerId", "Status", "ActivityDate")} == {
        "Subject": "Sent (New): Offer 1",
        "WhoId": nora["Id"],
        "WhatId": deal["Id"],
        "OwnerId": org.user("ben@touchline.example")["Id"],
        "Status": "Completed",
        "ActivityDate": "2026-11-20",
    }
    assert task["CallObject"] == f"touchline:{job.key}"
    assert task["TaskSubtype"] == "Email"
    assert (job.state, job.reason, job.salesforce_id) == (SyncState.SYNCED, "", task["Id"])
    assert (job.person_id, job.related_id, job.match_rule) == (nora["Id"], deal["Id"], "only_one")
    assert not DueJob.objects.exists()
    assert SyncAttempt.objects.get().outcome == "synced"
    assert LoggedRecord.objects.get().salesforce_id == task["Id"]
    assert Message.objects.get().text == ""
