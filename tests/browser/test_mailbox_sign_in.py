"""Connecting a mailbox by signing in, in a real browser: the page goes on to the provider, which brings it back."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.authorization_server import CLIENT_ID, CLIENT_SECRET
from tests.browser.steps import found_workspace
from tests.mailbox_fixtures import Dovecot, needs_dovecot
from tests.processes import Installation

pytestmark = [pytest.mark.browser, needs_dovecot]
ADA = "ada.signs.in@acme.example"


@pytest.fixture
def environment(dovecot_server: Dovecot) -> dict[str, str]:
    """Touchline is registered at the authorization server of the tests as at Google."""
    dovecot_server.issuer.reset()
    return {
        "MAILBOX_EXTRA_HOSTS": dovecot_server.extra_host,
        "MAILBOX_CA_BUNDLE": str(dovecot_server.ca_bundle),
        "MAILBOX_GOOGLE_CLIENT_ID": CLIENT_ID,
        "MAILBOX_GOOGLE_CLIENT_SECRET": CLIENT_SECRET,
        "MAILBOX_GOOGLE_SIGN_IN_URL": f"{dovecot_server.issuer.base_url}/google",
        "MAILBOX_GOOGLE_HOST": dovecot_server.extra_host,
    }


def test_signing_in_connects_the_mailbox(
    installation: Installation, dovecot_server: Dovecot, new_person: Callable[..., Page]
) -> None:
    ada = new_person(ignore_https_errors=True)  # the authorization server's certificate is of the tests' own CA
    found_workspace(ada, installation, "Ada Lovelace", ADA)
    ada.goto("/settings/integrations/")
    ada.get_by_role("link", name="Connect mailbox").click()
    expect(ada.get_by_label("E-mail address of the mailbox")).to_have_value(ADA)
    ada.get_by_role("button", name="Continue").click()
    ada.get_by_role("button", name="Continue with Google").click()
    ada.get_by_role("link", name="Allow").click()  # at the provider

    card = ada.locator("#mailbox")
    expect(ada.get_by_text(f"{ADA} is connected.")).to_be_visible()
    expect(card.get_by_text("(Google sign-in)")).to_be_visible()
    card.get_by_role("button", name="Disconnect mailbox").click()
    dialog = ada.get_by_role("dialog")
    expect(dialog.get_by_text("gives its access back to Google")).to_be_visible()
    dialog.get_by_role("button", name="Disconnect mailbox").click()
    expect(card.get_by_role("link", name="Connect mailbox")).to_be_visible()
    assert [grant.is_revoked for grant in dovecot_server.issuer.grants] == [True]
