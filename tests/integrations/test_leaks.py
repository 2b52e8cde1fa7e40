"""Five canaries through everything: no page, mail, log, text column in clear, or admin page shows one."""

import logging
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.db import connection as database
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from integrations import api_keys, tokens
from integrations.connections import client_for
from integrations.models import ApiKey, Connection, Mailbox, PendingGrant, PendingRevocation, SalesforceOrg
from integrations.salesforce.errors import SalesforceError
from integrations.salesforce.stand_in.faults import Fault
from integrations.secrets import context_of, seal
from tests.integrations.journeys import ADA, BEN, Journey
from tests.integrations.test_tokens import expire_session, grant_of
from tests.people import log_in
from workspaces.models import User


class Everything(logging.Handler):
    """Keeps each log line as it would be printed, traceback included."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def log() -> Iterator[Everything]:
    handler, root = Everything(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.setLevel(level)
    root.removeHandler(handler)


def canaries(journey: Journey) -> set[str]:
    """Every token that the stand-in has given out, and our client secret."""
    oauth = journey.stand_in.oauth
    spent = {token for grant in oauth.grants for token in grant.spent}
    live = {grant.refresh_token for grant in oauth.grants if grant.refresh_token}
    return {*oauth.by_access, *spent, *live, "canary-client-secret"}


def found(texts: list[str], secrets: set[str]) -> list[str]:
    return [secret[:6] for secret in secrets for text in texts if secret in text]


def all_columns() -> list[str]:
    """Every row of every table as text."""
    texts = []
    with database.cursor() as cursor:
        for table in database.introspection.table_names():
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            texts += [row[0] for row in cursor.fetchall()]
    assert len(texts) > 20
    return texts


def test_no_secret_leaks(
    bens_connection: Connection,
    bens_browser: Journey,
    adas_browser: Journey,
    org: SalesforceOrg,
    log: Everything,
    mailoutbox: list,
) -> None:
    _, api_key = api_keys.create(org.workspace, "canary", by=None)
    pages = [adas_browser.page("workspace_integrations"), adas_browser.page("api_keys")]
    seen = canaries(bens_browser)
    expire_session(bens_connection, bens_browser)
    client_for(bens_connection).organization()
    bens_browser.connect(BEN)
    pages += [bens_browser.page("integrations")]
    arrived = adas_browser.arrive(ADA)
    pages += [adas_browser.client.get(arrived.url).content.decode()]
    seen |= canaries(bens_browser)
    errors = []
    for kind in ("drop", "process_then_drop", "garbage", "redirect", "xml", "html"):
        bens_browser.stand_in.faults.add(Fault(kind, path="/services/", status=500))
        try:
            client_for(bens_connection).organization()
        except SalesforceError as error:
            errors.append(error)
    bens_browser.stand_in.oauth.end(grant_of(bens_connection, bens_browser), "canary")
    with pytest.raises(SalesforceError) as raised:
        client_for(bens_connection).organization()
    for error in [*errors, raised.value]:
        logging.getLogger("a.fault").error("with a trace %r", error, exc_info=error)
    pages += [bens_browser.page("integrations"), adas_browser.page("workspace_integrations")]
    seen |= canaries(bens_browser) | {api_key}

    assert len(errors) >= 4
    assert len(seen) >= 8
    assert mailoutbox, "there is a mail that could leak"
    assert log.lines, "there are log lines that could leak"
    assert found(pages, seen) == []
    assert found(log.lines, seen) == []
    assert found([str(letter.message()) for letter in mailoutbox], seen) == []
    assert found(all_columns(), seen) == []


def test_support_staff_see_states_and_no_secret(
    bens_connection: Connection,
    bens_browser: Journey,
    adas_browser: Journey,
    org: SalesforceOrg,
    settings: Settings,
) -> None:
    settings.REQUIRE_STAFF_MFA = False
    adas_browser.arrive(ADA)
    mailbox = Mailbox(
        workspace=bens_connection.workspace,
        membership=bens_connection.membership,
        address="ben@acme.example",
        host="imap.acme.example",
        user_name="ben",
    )
    mailbox.password_sealed = seal("canary-mail-password", context_of(mailbox, "password_sealed"))
    mailbox.save()
    _, api_key = api_keys.create(org.workspace, "canary", by=None)
    bens_browser.stand_in.faults.add(Fault("html", path="/revoke", status=503))
    bens_browser.connect(BEN)
    staff = log_in(User.objects.create_superuser("staff@touchline.example", "a-long-password"))
    sealed = [
        value
        for model, columns in (
            (Connection, ("access_token_sealed", "refresh_token_sealed")),
            (PendingGrant, ("access_token_sealed", "refresh_token_sealed", "state_digest", "session_digest")),
            (PendingRevocation, ("token_sealed",)),
            (ApiKey, ("digest",)),
            (Mailbox, ("password_sealed",)),
        )
        for row in model.objects.values_list(*columns)
        for value in row
        if value
    ]
    pages = admin_pages(staff)

    assert len(sealed) >= 10
    assert any("Ben Franklin" in page for page in pages)
    assert found(pages, set(sealed) | canaries(bens_browser) | {api_key}) == []


def admin_pages(staff: Client) -> list[str]:
    pages = []
    for model in admin.site._registry:
        if model._meta.app_label != "integrations":
            continue
        name = f"admin:integrations_{model._meta.model_name}"
        answer = staff.get(reverse(f"{name}_changelist"))
        assert answer.status_code == 200, model
        pages.append(answer.content.decode())
        row = model.objects.first()
        assert row is not None, model
        for page in ("change", "history"):
            pages.append(staff.get(reverse(f"{name}_{page}", args=[row.pk])).content.decode())
    assert len(pages) == 8 * 3
    return pages


def test_secret_columns_cannot_be_guessed_through_filters(bens_connection: Connection, settings: Settings) -> None:
    settings.REQUIRE_STAFF_MFA = False
    staff = log_in(User.objects.create_superuser("staff@touchline.example", "a-long-password"))
    url = reverse("admin:integrations_connection_changelist")

    assert "Ben Franklin" in staff.get(url).content.decode()
    for lookup in ("access_token_sealed__startswith=1", "refresh_token_sealed=x", "refresh_token_sealed__regex=."):
        answer = staff.get(f"{url}?{lookup}")
        assert (answer.status_code, "Ben Franklin" in answer.content.decode()) in {(302, False), (400, False)}, lookup


def test_the_token_is_read_by_one_module_only(bens_connection: Connection) -> None:
    row = Connection.objects.get(pk=bens_connection.pk)

    assert {"access_token_sealed", "refresh_token_sealed"} <= row.get_deferred_fields()
    assert str(tokens.current(row.pk).access_token) == "[secret]"
    assert "secret" in repr(tokens.current(row.pk))
