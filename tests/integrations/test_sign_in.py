"""The way to Salesforce and back, and every way in which it must not work."""

from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import time_machine
from django.utils import timezone
from pytest_django.fixtures import Settings

from integrations import unkept
from integrations.connections import connection_of, live_org
from integrations.models import Connection, PendingGrant, SalesforceOrg, SalesforceUser
from tests.integrations.journeys import ADA, BEN, SYNC, Journey
from tests.people import log_in, make_person
from workspaces import members
from workspaces.models import AuditEntry, Membership, Workspace


def token_requests(journey: Journey) -> int:
    return journey.stand_in.oauth.counts["token"]


def live_grants(journey: Journey) -> list[str]:
    """Whose grants live at Salesforce, by e-mail."""
    return sorted(grant.org.row(grant.user_id)["Email"] for grant in journey.stand_in.oauth.grants if grant.is_live)


def test_the_sync_user_is_connected_and_belongs_to_nobody(adas_browser: Journey, acme: Workspace) -> None:
    answer = adas_browser.connect_sync_user()

    org = live_org(acme)
    assert answer.url == adas_browser.url("roles_confirm")
    assert (org.name, org.environment, org.edition) == ("Acme", "production", "Enterprise Edition")
    assert org.org_id == adas_browser.stand_in.org.id
    assert (org.sync_user.membership, org.sync_user.state) == (None, "connected")
    assert org.sync_user.salesforce_user.person is None
    assert live_grants(adas_browser) == [SYNC]


def test_a_member_connects_after_confirming(
    org: SalesforceOrg, bens_browser: Journey, ben_member: Membership
) -> None:
    arrived = bens_browser.arrive(BEN)

    assert connection_of(ben_member) is None, "nothing is active before the confirmation"
    page = bens_browser.client.get(arrived.url).content.decode()
    assert "Is this you in Salesforce?" in page
    assert "Ben Franklin" in page
    assert "The e-mail address differs" in page
    bens_browser.confirm(arrived)
    connection = connection_of(ben_member)
    assert (connection.salesforce_user.email, connection.state) == (BEN, "connected")
    assert connection.salesforce_user.person == ben_member.user
    ben_member.user.refresh_from_db()
    assert ben_member.user.time_zone == "America/New_York"
    assert live_grants(bens_browser) == [BEN, SYNC]
    actions = AuditEntry.objects.filter(workspace=org.workspace, actor=ben_member.user).values_list(
        "action", flat=True
    )
    assert sorted(actions) == ["member.joined", "salesforce.connected"]


def test_the_link_to_salesforce_says_what_the_rules_want(org: SalesforceOrg, bens_browser: Journey) -> None:
    url = urlsplit(bens_browser.leave())
    query = parse_qs(url.query)

    assert f"{url.scheme}://{url.netloc}" == bens_browser.stand_in.login_url
    assert set(query["scope"][0].split()) == {"api", "refresh_token", "openid"}
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == ["http://testserver/integrations/salesforce/callback/production/"]
    assert len(bytes.fromhex(query["state"][0])) * 8 == 256
    pending = PendingGrant.objects.latest("pk")
    assert query["state"][0] not in (pending.state_digest, str(pending.grant), pending.verifier_sealed)


# --- Grants that are not kept are revoked at once ----------------------------------------------------------


def test_deny_connects_nothing(org: SalesforceOrg, bens_browser: Journey) -> None:
    answer = bens_browser.come_back(bens_browser.sign_in(bens_browser.leave(), BEN, allow=False))

    assert answer.url == bens_browser.url("integrations")
    assert "You did not allow the access, so nothing was connected." in bens_browser.page("integrations")
    assert live_grants(bens_browser) == [SYNC]


@pytest.mark.parametrize(
    ("code", "sentence", "where"),
    [
        ("access-denied", "You did not allow the access", "Connect to Salesforce"),
        (
            "OAUTH_APP_ACCESS_DENIED",
            "Your Salesforce admin has not allowed Touchline for your user",
            "Permitted Users",
        ),
        ("OAUTH_APP_BLOCKED", "Your Salesforce admin has blocked Touchline", "Unblock"),
        ("OAUTH_APPROVAL_ERROR_GENERIC", "Touchline is not installed in your Salesforce org", "Install"),
        ("inactive_user", "This Salesforce user is deactivated or frozen", "Unfreeze"),
        ("inactive_org", "This Salesforce org is locked or closed", "Salesforce support"),
        ("invalid_scope", "lacks a scope", "scopes api, refresh_token, openid"),
        ("rate_limit_exceeded", "Wait a few minutes", "Connect to Salesforce"),
        ("no_such_error", "does not know", "issue tracker"),
    ],
)
def test_errors_of_salesforces_login_page_are_explained(
    org: SalesforceOrg, bens_browser: Journey, code: str, sentence: str, where: str
) -> None:
    state = parse_qs(urlsplit(bens_browser.leave()).query)["state"][0]
    before = token_requests(bens_browser)

    query = urlencode({"error": code, "error_description": "canary <b>", "state": state})
    bens_browser.come_back(f"/integrations/salesforce/callback/production/?{query}")

    page = bens_browser.page("integrations")
    assert sentence in page
    assert where in page
    assert "canary <b>" not in page
    assert token_requests(bens_browser) == before


def test_the_errors_that_stay_at_salesforce_are_explained_before_leaving(
    org: SalesforceOrg, bens_browser: Journey
) -> None:
    bens_browser.leave()

    waiting = bens_browser.page("salesforce_waiting", PendingGrant.objects.latest("pk").uuid)
    card = bens_browser.page("integrations")

    for page in (waiting, card):
        assert "OAUTH_APPROVAL_ERROR_GENERIC" in page
        assert "Setup › Connected Apps OAuth Usage › Touchline › Install" in page


def test_cancel_revokes(org: SalesforceOrg, bens_browser: Journey, ben_member: Membership) -> None:
    arrived = bens_browser.arrive(BEN)
    assert live_grants(bens_browser) == [BEN, SYNC]

    bens_browser.client.post(arrived.url.replace("/confirm/", "/cancel/"))

    assert live_grants(bens_browser) == [SYNC]
    assert connection_of(ben_member) is None
    bens_browser.client.post(arrived.url)
    assert connection_of(ben_member) is None, "what was cancelled cannot be confirmed"


def test_an_unconfirmed_grant_is_revoked_when_its_time_is_over(org: SalesforceOrg, bens_browser: Journey) -> None:
    bens_browser.arrive(BEN)
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert unkept.expire() == 1
        assert unkept.expire() == 0

    assert live_grants(bens_browser) == [SYNC]


def test_a_grant_whose_answer_does_not_verify_is_revoked_where_it_came_from(
    org: SalesforceOrg, bens_browser: Journey, settings: Settings
) -> None:
    stand_in = bens_browser.stand_in
    callback = bens_browser.sign_in(bens_browser.leave(), BEN)
    settings.SALESFORCE_EXTRA_HOSTS = frozenset({urlsplit(stand_in.login_url).netloc})

    bens_browser.come_back(callback)

    assert live_grants(bens_browser) == [SYNC]
    assert [grant.ended_by for grant in stand_in.oauth.grants] == ["", "revoked by the app"]
    pending = PendingGrant.objects.latest("pk")
    assert (pending.refresh_token_sealed, pending.error) == ("", "host_not_allowed")
    assert "Salesforce did not connect you" in bens_browser.page("integrations")


def test_another_org_is_refused_by_name(org: SalesforceOrg, bens_browser: Journey) -> None:
    bens_browser.arrive("carl@globex.example")

    page = bens_browser.page("integrations")
    assert "You signed in to Globex. This workspace logs to Acme" in page
    assert [grant.is_live for grant in bens_browser.stand_in.oauth.grants] == [True, False]


def test_production_and_sandbox_are_never_mixed(adas_browser: Journey, acme: Workspace) -> None:
    adas_browser.connect_sync_user(issuer="sandbox")

    assert (live_org(acme).name, live_org(acme).environment) == ("Acme Sandbox", "sandbox")
    adas_browser.arrive(SYNC, "sync_user_begin", issuer="production")
    assert "This workspace logs to Acme Sandbox" in adas_browser.page("workspace_integrations")
    assert live_org(acme).environment == "sandbox"


def test_a_taken_salesforce_user_is_refused_and_its_holder_named(
    bens_connection: Connection, adas_browser: Journey, ada_member: Membership
) -> None:
    adas_browser.arrive(BEN)

    page = adas_browser.page("integrations")
    assert "It is already connected by Ben; ask them to disconnect, or ask your admin." in page
    assert connection_of(ada_member) is None
    assert live_grants(adas_browser) == [BEN, SYNC]


def test_the_holder_is_not_named_in_another_workspace(
    bens_connection: Connection, bens_browser: Journey, cleo_member: Membership
) -> None:
    cleos = Journey(log_in(cleo_member.user), bens_browser.stand_in, cleo_member.workspace.slug)
    cleos.connect_sync_user()
    cleos.arrive(BEN)

    page = cleos.page("integrations")
    assert "It is already connected by somebody else" in page
    assert "Ben" not in page


def test_who_has_a_connection_cannot_switch_to_another_salesforce_user(
    bens_connection: Connection, bens_browser: Journey, ben_member: Membership
) -> None:
    bens_browser.connect(ADA)

    assert "Your connection is on Ben Franklin." in bens_browser.page("integrations")
    assert connection_of(ben_member).salesforce_user.email == BEN
    assert live_grants(bens_browser) == [BEN, SYNC]


# --- One grant, never two ----------------------------------------------------------------------------------


def test_reconnecting_replaces_the_grant_and_revokes_the_former(
    bens_connection: Connection, bens_browser: Journey, ben_member: Membership
) -> None:
    bens_browser.connect(BEN)

    again = connection_of(ben_member)
    assert (again.pk, again.token_version) == (bens_connection.pk, bens_connection.token_version + 1)
    assert live_grants(bens_browser) == [BEN, SYNC]
    assert SalesforceUser.objects.filter(email=BEN).count() == 1


def test_a_member_who_proves_the_sync_users_login_shares_its_connection(
    org: SalesforceOrg, bens_browser: Journey, ben_member: Membership
) -> None:
    bens_browser.connect(SYNC)

    assert connection_of(ben_member).pk == org.sync_user_id
    assert live_grants(bens_browser) == [SYNC]


def test_a_members_connection_serves_as_sync_user_too(
    bens_connection: Connection, adas_browser: Journey, acme: Workspace, ben_member: Membership
) -> None:
    adas_browser.connect_sync_user(as_user=BEN)

    assert live_org(acme).sync_user_id == bens_connection.pk
    assert connection_of(ben_member).pk == bens_connection.pk
    assert live_grants(adas_browser) == [BEN], "the Sync User of its own was ended"


# --- Gating ------------------------------------------------------------------------------------------------


def test_members_wait_for_the_sync_user(bens_browser: Journey, mailoutbox: list) -> None:
    assert "Your workspace admin connects a Sync User first." in bens_browser.page("integrations")

    bens_browser.post("salesforce_ask")
    bens_browser.post("salesforce_ask")

    assert [(mail.to, mail.subject) for mail in mailoutbox] == [
        (["ada@acme.example"], "Ben is waiting for a Sync User in Acme")
    ]
    bens_browser.post("salesforce_begin")
    assert not PendingGrant.objects.exists()


def test_a_plan_without_salesforce_connects_nobody(bens_browser: Journey, acme: Workspace) -> None:
    Workspace.objects.filter(pk=acme.pk).update(plan="growth")

    assert "Salesforce is available on the Growth + CRM plan and above." in bens_browser.page("integrations")
    bens_browser.post("salesforce_begin")
    assert not PendingGrant.objects.exists()


def test_only_admins_connect_the_sync_user(bens_browser: Journey) -> None:
    assert bens_browser.post("sync_user_begin", issuer="production").status_code == 403
    assert not PendingGrant.objects.exists()


def test_a_my_domain_that_is_none_is_refused(adas_browser: Journey) -> None:
    adas_browser.post("sync_user_begin", issuer="custom", my_domain="https://acme.my.salesforce.com.evil.example")

    assert not PendingGrant.objects.exists()
    assert "My Domain" in adas_browser.page("workspace_integrations")


def test_unverified_people_of_other_workspaces_see_nothing(org: SalesforceOrg, salesforce) -> None:
    cleo = make_person("Cleo", "globex.example")
    members.create_workspace("Globex", cleo)

    assert log_in(cleo).get(f"/w/{org.workspace.slug}/settings/integrations/").status_code == 404
