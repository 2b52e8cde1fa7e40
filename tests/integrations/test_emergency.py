"""`revoke_all_connections` ends every grant of the installation, and says what it could not end."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from integrations import revocations
from integrations.connections import connection_of
from integrations.models import Connection, Mailbox, MailboxGrant, MailboxSignIn, PendingGrant, PendingRevocation
from integrations.salesforce.stand_in.faults import Fault
from tests.authorization_server import AuthorizationServer
from tests.integrations.journeys import Journey
from tests.integrations.test_mailbox_sign_in import CONNECT, connect, leave
from tests.integrations.test_rotation import NEW_KEY
from tests.integrations.test_sign_in import live_grants
from tests.mailbox_fixtures import PASSWORD, Dovecot, needs_dovecot
from tests.people import log_in
from workspaces import members
from workspaces.models import Membership, User

NOTHING_OF_MAIL = (
    "Mailboxes: 0 sign-ins and 0 unfinished sign-ins {}. 0 revocations not confirmed yet; the queue keeps trying."
)


def run(*options: str) -> list[str]:
    """The lines of the command."""
    out = StringIO()
    call_command("revoke_all_connections", *options, stdout=out)
    return out.getvalue().splitlines()


# --- Salesforce -------------------------------------------------------------------------------------------


def test_it_counts_first_then_ends_every_grant(
    bens_connection: Connection, bens_browser: Journey, adas_browser: Journey, ben_member: Membership
) -> None:
    adas_browser.arrive("ada@touchline.example")
    before = live_grants(bens_browser)

    assert run("--dry-run") == [
        "Salesforce: 2 connections and 1 unfinished sign-in would be ended. "
        "0 revocations not confirmed yet; the queue keeps trying.",
        NOTHING_OF_MAIL.format("would be ended"),
    ]
    assert live_grants(bens_browser) == before

    bens_browser.stand_in.faults.add(Fault("html", path="/revoke", status=503))
    assert run() == [
        "Salesforce: 2 connections and 1 unfinished sign-in ended. "
        "0 revocations not confirmed yet; the queue keeps trying.",
        NOTHING_OF_MAIL.format("ended"),
    ]
    assert live_grants(bens_browser) == []
    assert connection_of(ben_member) is None
    assert not PendingGrant.objects.filter(ended_at=None).exists()
    assert run()[0].startswith("Salesforce: 0 connections and 0 unfinished sign-ins ended.")


@contextmanager
def salesforce_away(browser: Journey) -> Iterator[None]:
    """No revocation is confirmed in this block."""
    fault = Fault("html", path="/revoke", status=503, times=None)
    browser.stand_in.faults.add(fault)
    try:
        yield
    finally:
        browser.stand_in.faults.clear()


def test_it_says_what_salesforce_has_not_confirmed(bens_connection: Connection, bens_browser: Journey) -> None:
    with salesforce_away(bens_browser):
        assert run()[0] == (
            "Salesforce: 2 connections and 0 unfinished sign-ins ended. "
            "2 revocations not confirmed yet; the queue keeps trying."
        )
    assert not Connection.objects.live().exists()
    assert run()[0].endswith(" 0 revocations not confirmed yet; the queue keeps trying.")
    assert live_grants(bens_browser) == []


def test_a_row_that_cannot_be_opened_is_named_and_stops_no_other(
    bens_connection: Connection, bens_browser: Journey, settings: Settings
) -> None:
    """The Sync User's tokens are sealed with a key that is lost; Ben's grant ends all the same."""
    sealed = Connection.objects.with_secrets().exclude(pk=bens_connection.pk).get()
    column = sealed.refresh_token_sealed.replace("1:t1:", "1:lost:")
    Connection.objects.filter(pk=sealed.pk).update(refresh_token_sealed=column)

    with pytest.raises(CommandError) as error:
        run()

    assert str(error.value) == (
        '1 grant could not be ended:\nThe encryption key "lost" is not configured: add it to FIELD_ENCRYPTION_KEYS.'
    )
    assert list(Connection.objects.live().values_list("pk", flat=True)) == [sealed.pk]
    assert len(live_grants(bens_browser)) == 1


def test_a_revocation_that_cannot_be_opened_stops_no_other(
    bens_connection: Connection, bens_browser: Journey, settings: Settings
) -> None:
    with salesforce_away(bens_browser):
        run()
    first = PendingRevocation.objects.order_by("pk").first()
    column = first.token_sealed.replace("1:t1:", "1:lost:")
    PendingRevocation.objects.filter(pk=first.pk).update(token_sealed=column)

    assert revocations.run_all() == 1
    assert PendingRevocation.objects.get(revoked_at=None, given_up_at=None) == first
    assert len(live_grants(bens_browser)) == 1


# --- Mailboxes --------------------------------------------------------------------------------------------


@needs_dovecot
@pytest.mark.django_db(transaction=True)
def test_sign_ins_of_mailboxes_end_too_also_two_of_one_account(
    ben: User, ada_member: Membership, cleo_member: Membership, issuer: AuthorizationServer
) -> None:
    browser = log_in(ben)
    connect(browser, issuer)
    members.add(cleo_member.workspace, ben)
    globex = "/w/globex/settings/integrations/mailbox/sign-in/"
    form = {"address": "ben@acme.example", "provider": "google", "aliases": ""}
    page = browser.get(browser.post(globex, form).url).context["authorize_url"]
    browser.get(issuer.sign_in(page, "ben@acme.example"))
    leave(log_in(ada_member.user), address="ada@acme.example")
    mailbox_line = "Mailboxes: 2 sign-ins and 1 unfinished sign-in {}. 0 revocations not confirmed yet; "

    assert run("--dry-run")[1] == mailbox_line.format("would be ended") + "the queue keeps trying."
    assert [grant.is_revoked for grant in issuer.grants] == [False, False]
    assert run()[1:] == [mailbox_line.format("ended") + "the queue keeps trying."]

    assert [grant.is_revoked for grant in issuer.grants] == [True, True]
    assert not MailboxGrant.objects.exists()
    assert not Mailbox.objects.live().exists()
    assert not MailboxSignIn.objects.filter(ended_at=None).exists()
    assert not MailboxSignIn.objects.exclude(verifier_sealed="").exists()


@needs_dovecot
@pytest.mark.django_db(transaction=True)
def test_it_says_what_cannot_be_ended_from_here(
    ben: User, ada_member: Membership, issuer: AuthorizationServer, dovecot: Dovecot
) -> None:
    connect(log_in(ben), issuer, "microsoft")
    form = {"address": "ada@acme.example", "host": dovecot.extra_host, "password": PASSWORD}
    log_in(ada_member.user).post(CONNECT, form | {"user_name": "", "aliases": ""})

    assert run()[1:] == [
        "Mailboxes: 1 sign-in and 0 unfinished sign-ins ended. "
        "0 revocations not confirmed yet; the queue keeps trying.",
        "Not revoked: 1 sign-in at a provider that cannot be told (Microsoft). Touchline forgets the tokens; whoever "
        "has a copy can use it until an administrator revokes the users' sessions or takes the app's consent away.",
        "Not ended: 1 mailbox and 0 calendars opened with a password. If these passwords may have leaked, their "
        "owners must change them at the provider.",
    ]
    assert not MailboxGrant.objects.exists()
    assert Mailbox.objects.live().get().auth == "password"


@needs_dovecot
@pytest.mark.django_db(transaction=True)
def test_a_provider_that_is_away_is_told_of_and_tried_again(ben: User, issuer: AuthorizationServer) -> None:
    connect(log_in(ben), issuer)
    issuer.stop()
    try:
        assert "1 revocation not confirmed yet" in run()[1]
    finally:
        issuer.start()
    assert MailboxGrant.objects.get().mailbox is None
    assert run()[1] == NOTHING_OF_MAIL.format("ended")
    assert [grant.is_revoked for grant in issuer.grants] == [True]


@needs_dovecot
@pytest.mark.django_db(transaction=True)
def test_a_sign_in_that_cannot_be_opened_stops_no_other(
    ben: User, issuer: AuthorizationServer, settings: Settings
) -> None:
    connect(log_in(ben), issuer)
    settings.FIELD_ENCRYPTION_KEYS = NEW_KEY

    assert "1 revocation not confirmed yet" in run()[1]
    assert not Mailbox.objects.live().exists()
