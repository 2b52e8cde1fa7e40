"""What is forgotten, and when."""

from activity.models import (
    Activity,
    DecisionTrace,
    LedgerEntry,
    LogChange,
    LoggedRecord,
    Meeting,
    Message,
    SyncAttempt,
    SyncJob,
)
from activity.retention import forget_old
from integrations.models import Connection
from tests.activity.conftest import Clock
from tests.activity.stories import log, meeting, report, sent, states
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Membership, Workspace


def test_finished_rows_go_after_the_workspaces_retention(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, sent(1), meeting())
    log(bens_connection)
    clock.advance(days=14, hours=23)
    assert forget_old() == 0
    report(acme, sent(2))
    clock.advance(hours=2)

    assert forget_old() == 2
    assert states() == [("waiting", "")]
    assert not SyncAttempt.objects.exists()
    assert not DecisionTrace.objects.exists()
    assert Activity.objects.count() == Message.objects.count() == 1
    assert Meeting.objects.exists()  # it has not ended for so long yet
    assert LoggedRecord.objects.count() == 2  # a later change of the meeting finds its Event
    [result] = report(acme, sent(1))
    assert result.status == "duplicate"
    clock.advance(days=5)
    forget_old()
    assert not Meeting.objects.exists()


def test_of_the_changes_each_members_newest_stays(
    acme: Workspace, ada_member: Membership, ben_member: Membership, clock: Clock
) -> None:
    report(acme, sent(1))
    clock.advance(minutes=5)
    report(acme, sent(2))
    newest = LogChange.objects.latest("changed_at")
    forget_old()
    assert list(LogChange.objects.values_list("owner", flat=True)) == [ben_member.pk, ben_member.pk]
    clock.advance(hours=2)
    forget_old()

    assert LogChange.objects.get() == newest


def test_unfinished_rows_stay_until_they_end(acme: Workspace, ben_member: Membership, clock: Clock) -> None:
    report(acme, sent())
    clock.advance(days=400)

    assert forget_old() == 0
    assert states() == [("held", "no_sync_user")]
    assert Message.objects.get().text


def test_each_workspace_keeps_its_own_time(
    acme: Workspace, ben_member: Membership, globex: Workspace, cleo_member: Membership, clock: Clock
) -> None:
    globex.retention_days = 30
    globex.save()
    report(acme, sent(1))
    report(globex, sent(1, user="cleo@globex.example"))
    SyncJob.objects.update(state="skipped", reason="no_match")
    clock.advance(days=16)

    assert forget_old() == 1
    assert SyncJob.objects.get().workspace == globex


def test_the_ledger_is_kept_longer_than_the_log(acme: Workspace, ben_member: Membership, clock: Clock) -> None:
    report(acme, sent())
    SyncJob.objects.update(state="skipped", reason="no_match")
    clock.advance(days=179)
    forget_old()
    assert LedgerEntry.objects.exists()
    clock.advance(days=2)
    forget_old()

    assert not LedgerEntry.objects.exists()
    [result] = report(acme, sent())
    assert result.status == "accepted"
