"""The end of a connection: tokens go at once, the grant ends at Salesforce, history stays."""

from datetime import timedelta

import time_machine
from django.utils import timezone

from integrations import revocations
from integrations.connections import connection_of, disconnect, live_org
from integrations.models import Connection, PendingRevocation
from integrations.salesforce.stand_in.faults import Fault
from integrations.signals import connection_lost, sync_user_changed
from tests.integrations.journeys import ADA, BEN, Journey
from tests.integrations.test_sign_in import live_grants
from workspaces import members
from workspaces.models import AuditEntry, Membership

SYNC = "sync@touchline.example"


def test_disconnect_drops_the_tokens_and_revokes(
    bens_connection: Connection, bens_browser: Journey, ben_member: Membership
) -> None:
    answer = bens_browser.post("salesforce_disconnect")

    assert answer.url == bens_browser.url("integrations")
    row = Connection.objects.get(pk=bens_connection.pk)
    assert (row.state, row.access_token_sealed, row.refresh_token_sealed) == ("disconnected", "", "")
    assert row.salesforce_user.person is None
    assert live_grants(bens_browser) == [SYNC]
    revocation = PendingRevocation.objects.get()
    assert (revocation.token_sealed, revocation.tries, revocation.why) == ("", 1, "disconnected")
    page = bens_browser.page("integrations")
    assert "The access of Ben Franklin has ended in Salesforce" in page
    assert "/secur/logout.jsp" in page
    assert "Connect to Salesforce" in page
    entry = AuditEntry.objects.filter(action="salesforce.disconnected").get()
    assert (entry.actor, entry.target) == (ben_member.user, "Ben Franklin")


def test_disconnecting_twice_changes_nothing(
    bens_connection: Connection, bens_browser: Journey, ben_member: Membership
) -> None:
    heard: list[str] = []

    def hear(cause: str, **_kwargs: object) -> None:
        heard.append(cause)

    connection_lost.connect(hear)
    try:
        disconnect(bens_connection, by=ben_member.user)
        disconnect(bens_connection, by=ben_member.user)
    finally:
        connection_lost.disconnect(hear)

    assert heard == ["disconnected"]
    assert PendingRevocation.objects.count() == 1


def test_a_revocation_is_retried_until_confirmed_and_shown(
    bens_connection: Connection, bens_browser: Journey
) -> None:
    fault = Fault("html", path="/revoke", status=503, times=2)
    bens_browser.stand_in.faults.add(fault)

    bens_browser.post("salesforce_disconnect")

    assert live_grants(bens_browser) == [BEN, SYNC]
    assert "Ending the access of Ben Franklin in Salesforce" in bens_browser.page("integrations")
    now = timezone.now()
    assert revocations.run_due() == 0, "not yet: it backs off"
    with time_machine.travel(now + timedelta(minutes=1, seconds=5)):
        assert revocations.run_due() == 0
    with time_machine.travel(now + timedelta(minutes=10)):
        assert revocations.run_due() == 1
        assert revocations.run_due() == 0
    assert live_grants(bens_browser) == [SYNC]
    assert PendingRevocation.objects.get().tries == 3


def test_after_seven_days_the_token_goes_and_a_letter_says_what_to_do(
    bens_connection: Connection, bens_browser: Journey, mailoutbox: list
) -> None:
    bens_browser.stand_in.faults.add(Fault("html", path="/revoke", status=503, times=None))
    bens_browser.post("salesforce_disconnect")

    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1)):
        assert revocations.run_due() == 0
        assert revocations.run_due() == 0

    row = PendingRevocation.objects.get()
    assert (row.token_sealed, row.tries, row.given_up_at is None) == ("", 2, False)
    assert [(letter.to, letter.subject) for letter in mailoutbox] == [
        (["ben@acme.example"], "Please remove Touchline's access in Salesforce for Ben Franklin")
    ]


def test_the_freed_salesforce_user_can_be_connected_by_another_person(
    bens_connection: Connection, bens_browser: Journey, adas_browser: Journey, ada_member: Membership
) -> None:
    bens_browser.post("salesforce_disconnect")

    adas_browser.connect(BEN)

    assert connection_of(ada_member).salesforce_user == bens_connection.salesforce_user
    assert live_grants(adas_browser) == [BEN, SYNC]


def test_the_same_salesforce_user_can_reconnect(
    bens_connection: Connection, bens_browser: Journey, ben_member: Membership
) -> None:
    bens_browser.post("salesforce_disconnect")
    bens_browser.connect(BEN)

    again = connection_of(ben_member)
    assert again.salesforce_user == bens_connection.salesforce_user
    assert again.pk != bens_connection.pk


def test_disconnecting_the_sync_user_stops_newcomers_only(
    bens_connection: Connection, adas_browser: Journey, ada_member: Membership, bens_browser: Journey
) -> None:
    heard: list[object] = []

    def hear(org: object, **_kwargs: object) -> None:
        heard.append(org.sync_user_id)

    sync_user_changed.connect(hear)
    try:
        adas_browser.post("sync_user_disconnect")
    finally:
        sync_user_changed.disconnect(hear)

    org = live_org(ada_member.workspace)
    assert (org.sync_user, org.name, heard) == (None, "Acme", [None])
    assert "You are an admin of this workspace, so you can do it." in adas_browser.page("integrations")
    assert "Connected" in bens_browser.page("integrations")
    adas_browser.post("salesforce_begin")
    assert live_grants(adas_browser) == [BEN]


def test_who_leaves_the_workspace_is_disconnected(
    bens_connection: Connection, adas_browser: Journey, ben_member: Membership, ada_member: Membership
) -> None:
    members.remove(ben_member, by=ada_member.user)

    assert connection_of(ben_member) is None
    assert live_grants(adas_browser) == [SYNC]


def test_a_leaving_sync_user_is_told_to_the_admins(
    bens_connection: Connection,
    adas_browser: Journey,
    ben_member: Membership,
    ada_member: Membership,
    mailoutbox: list,
) -> None:
    adas_browser.post("sync_user_assign", member=str(ben_member.uuid))
    mailoutbox.clear()

    members.remove(ben_member, by=ada_member.user)

    assert live_org(ada_member.workspace).sync_user is None
    assert ("ada@acme.example", "Acme has no Sync User any more") in [
        (letter.to[0], letter.subject) for letter in mailoutbox
    ]


def test_nobody_ends_a_connection_of_somebody_else(
    bens_connection: Connection, adas_browser: Journey, ben_member: Membership
) -> None:
    adas_browser.post("salesforce_disconnect")

    assert connection_of(ben_member) is not None
    assert ADA not in live_grants(adas_browser)
