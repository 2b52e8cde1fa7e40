"""Who reads for the workspace: connect, assign, stand-by, change; and what the page shows."""

import pytest

from integrations import budget
from integrations.connections import client_for, connection_of, live_org, sync_client
from integrations.models import ApiUsage, Connection, SalesforceOrg, SyncUserRequest
from integrations.salesforce.http import Usage
from tests.integrations.journeys import ADA, BEN, SYNC, Journey
from tests.integrations.test_sign_in import live_grants
from tests.people import make_person
from workspaces import members
from workspaces.models import AuditEntry, Membership, Workspace


def test_a_connected_member_takes_the_post_at_once(
    bens_connection: Connection, adas_browser: Journey, ben_member: Membership, acme: Workspace
) -> None:
    adas_browser.post("sync_user_assign", member=str(ben_member.uuid))

    assert live_org(acme).sync_user_id == bens_connection.pk
    assert live_grants(adas_browser) == [BEN], "the Sync User of its own has ended"
    assert sync_client(acme).organization().name == "Acme"


def test_another_member_is_asked_and_takes_it_on_connecting(
    org: SalesforceOrg, adas_browser: Journey, bens_browser: Journey, ben_member: Membership, mailoutbox: list
) -> None:
    adas_browser.post("sync_user_assign", member=str(ben_member.uuid))

    assert [(letter.to, letter.subject) for letter in mailoutbox] == [
        (["ben@acme.example"], "Please connect to Salesforce: you are to be the Sync User of Acme")
    ]
    assert live_org(org.workspace).sync_user_id == org.sync_user_id, "nothing changes before he connects"
    assert "Asked to be Sync User" in adas_browser.page("workspace_integrations")
    bens_browser.connect(BEN)
    after = live_org(org.workspace)
    assert after.sync_user_id == connection_of(ben_member).pk
    assert not SyncUserRequest.objects.exists()


def test_a_member_can_be_asked_before_there_is_any_organisation(
    adas_browser: Journey, bens_browser: Journey, ben_member: Membership, acme: Workspace
) -> None:
    adas_browser.post("sync_user_assign", member=str(ben_member.uuid))
    assert "You are to be the Sync User" in bens_browser.page("integrations")

    bens_browser.connect(BEN, issuer="sandbox")

    org = live_org(acme)
    assert (org.name, org.sync_user.membership, org.sync_user.state) == ("Acme Sandbox", ben_member, "connected")
    assert not SyncUserRequest.objects.exists()


def test_the_stand_by_takes_over_when_an_admin_says_so(
    bens_connection: Connection, adas_browser: Journey, ben_member: Membership, acme: Workspace
) -> None:
    adas_browser.post("sync_user_stand_by", member=str(ben_member.uuid))
    assert live_org(acme).stand_by_id == bens_connection.pk

    adas_browser.post("sync_user_promote")

    org = live_org(acme)
    assert (org.sync_user_id, org.stand_by) == (bens_connection.pk, None)


def test_a_stand_by_of_its_own_is_connected_and_dismissed(
    org: SalesforceOrg, adas_browser: Journey, acme: Workspace
) -> None:
    adas_browser.connect(ADA, "sync_user_begin", issuer="production", post="stand_by")
    assert live_org(acme).stand_by.salesforce_user.email == ADA
    assert live_grants(adas_browser) == [ADA, SYNC]

    adas_browser.post("sync_user_stand_by")

    assert live_org(acme).stand_by is None
    assert live_grants(adas_browser) == [SYNC]


def test_the_sync_user_is_not_its_own_stand_by(org: SalesforceOrg, adas_browser: Journey, acme: Workspace) -> None:
    adas_browser.connect(SYNC, "sync_user_begin", issuer="production", post="stand_by")

    assert live_org(acme).stand_by is None
    assert live_org(acme).sync_user.is_usable
    assert live_grants(adas_browser) == [SYNC]


def test_changes_stand_in_the_audit_log(
    bens_connection: Connection, adas_browser: Journey, ben_member: Membership
) -> None:
    adas_browser.post("sync_user_assign", member=str(ben_member.uuid))

    entries = AuditEntry.objects.filter(action="salesforce.sync_user_changed").order_by("created_at")
    assert [(entry.target, entry.details) for entry in entries] == [
        ("Sync User", {"former": ""}),
        ("Ben Franklin", {"former": "Sync User"}),
    ]


def test_a_member_of_another_workspace_cannot_be_chosen(
    org: SalesforceOrg, adas_browser: Journey, cleo_member: Membership, mailoutbox: list
) -> None:
    adas_browser.post("sync_user_assign", member=str(cleo_member.uuid))

    assert (SyncUserRequest.objects.count(), mailoutbox) == (0, [])


def test_the_page_shows_permissions_use_and_people(
    bens_connection: Connection, adas_browser: Journey, org: SalesforceOrg
) -> None:
    budget.record_usage(org.org_id, Usage(used=1500, maximum=15000))

    page = adas_browser.page("workspace_integrations")

    assert "1,500 of 15,000 (10%), all apps together" in page
    for text in ("API Enabled", "Modify All Data", "Not needed here", "View All Users", "Ben Franklin"):
        assert text in page


def test_members_do_not_see_the_page(org: SalesforceOrg, bens_browser: Journey) -> None:
    assert bens_browser.client.get(bens_browser.url("workspace_integrations")).status_code == 403


@pytest.mark.parametrize(("percent", "kept"), [("40", 40), ("0", 25), ("101", 25), ("much", 25)])
def test_the_share_is_saved_when_it_is_a_percentage(
    org: SalesforceOrg, adas_browser: Journey, percent: str, kept: int
) -> None:
    adas_browser.post("api_cap", percent=percent)

    assert live_org(org.workspace).api_cap_percent == kept


def test_the_page_costs_the_same_with_more_members(
    bens_connection: Connection, adas_browser: Journey, acme: Workspace, django_assert_max_num_queries
) -> None:
    for name in ("Dora", "Emil", "Fay"):
        members.add(acme, make_person(name))
    with django_assert_max_num_queries(18):
        adas_browser.page("workspace_integrations")


def test_use_is_kept_as_salesforce_says(
    bens_connection: Connection, org: SalesforceOrg, adas_browser: Journey
) -> None:
    adas_browser.stand_in.org.set_api_limit(15000, used=1000)

    client_for(bens_connection).organization()

    usage = ApiUsage.objects.get(org_id=org.org_id)
    assert (usage.used, usage.maximum) == (1001, 15000)
    assert budget.calls_today_of(bens_connection) == 1
    assert budget.calls_today(org.org_id) == 1
