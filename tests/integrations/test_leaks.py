"""Five canaries through everything: no page, mail, log, text column in clear, or admin page shows one."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.contrib import admin
from django.db import connection as database
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from integrations import api_keys, describes, tokens
from integrations.connections import client_for
from integrations.models import (
    ApiKey,
    Calendar,
    Connection,
    Mailbox,
    NoticeSent,
    PendingGrant,
    PendingRevocation,
    SalesforceOrg,
    SyncUserRequest,
)
from integrations.salesforce.errors import SalesforceError
from integrations.salesforce.stand_in.certificates import ensure_certificates
from integrations.salesforce.stand_in.faults import Fault
from integrations.secrets import context_of, seal
from tests.integrations.journeys import ADA, BEN, Journey
from tests.integrations.salesforce.hostile_answers import Place, hostile_places
from tests.integrations.salesforce.test_forced_failures import CALLS
from tests.integrations.test_tokens import expire_session, grant_of
from tests.leak_net import NET
from tests.people import log_in
from tests.stand_in_fixtures import TestedStandIn
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


# --- Every call of a connection, failed in every way --------------------------------------------------------

CLIENT = "client.SalesforceClient."
KEPT = ("a 503 fault", "a 400 fault", "a 401 fault", "an OAuth error", "a hostile head", "a redirect")
"""The failures whose words may be kept and shown. What each call gives for all failures: test_forced_failures.py."""


@pytest.fixture
def places(salesforce: TestedStandIn, settings: Settings, tmp_path: Path) -> Iterator[dict[str, Place]]:
    """Hostile servers that our settings allow."""
    other, _ = ensure_certificates(tmp_path)
    with hostile_places(str(salesforce.server_pem), salesforce.ca_bundle, str(other)) as servers:
        settings.SALESFORCE_EXTRA_HOSTS |= {place.host for place in servers.values()}
        yield servers


def break_connection(connection: Connection, place: Place) -> Connection:
    """Lead a connection, as good as new, to a hostile server."""
    Connection.objects.filter(pk=connection.pk).update(
        state="connected", cause="", instance_url=place.url, login_url=place.url, refresh_until=None, refresh_tries=0
    )
    return Connection.objects.select_related("org", "salesforce_user", "workspace").get(pk=connection.pk)


def test_no_failed_call_of_a_connection_leaks(
    bens_connection: Connection,
    bens_browser: Journey,
    adas_browser: Journey,
    places: dict[str, Place],
    settings: Settings,
    figure: Callable[[str], None],
) -> None:
    settings.REQUIRE_STAFF_MFA = False
    staff = log_in(User.objects.create_superuser("staff@touchline.example", "a-long-password"))
    calls = {name: call for name, call in CALLS.items() if name.startswith(CLIENT)}
    failed, lost = 0, set()
    with NET.watched() as hits:
        for kind in KEPT:
            for name, call in calls.items():
                connection = break_connection(bens_connection, places[kind])
                try:
                    call(SimpleNamespace(client=client_for(connection)))
                except SalesforceError as error:
                    failed += 1
                    logging.getLogger("a.caller").error("%s failed: %r", name, error, exc_info=error)
                if Connection.objects.get(pk=connection.pk).state == "needs_attention":
                    lost.add(kind)
            bens_browser.page("integrations")
            adas_browser.page("workspace_integrations")
            staff.get(reverse("admin:integrations_connection_change", args=[bens_connection.pk]))

    figure(
        f"forced failures: {len(calls)} calls of a connection × {len(KEPT)} failures = {len(calls) * len(KEPT)}, "
        f"{failed} ended in an error, {len(hits)} leaked"
    )
    assert hits == []
    assert failed > 0.9 * len(calls) * len(KEPT)
    assert lost == {"a 401 fault", "an OAuth error"}


def test_no_failed_sign_in_leaks(
    org: SalesforceOrg,
    bens_browser: Journey,
    places: dict[str, Place],
    settings: Settings,
    figure: Callable[[str], None],
) -> None:
    kinds = (*KEPT, "another shape", "malformed JSON")
    with NET.watched() as hits:
        for kind in kinds:
            settings.SALESFORCE_LOGIN_URL = places[kind].url
            state = parse_qs(urlsplit(bens_browser.leave()).query)["state"][0]
            query = urlencode({"state": state, "code": "aPrx-canary-code"})
            bens_browser.come_back(f"/integrations/salesforce/callback/production/?{query}")
            page = bens_browser.page("integrations")
            assert "Connected" not in page
            assert "aPrx-canary-code" not in page

    figure(f"forced failures: 1 sign-in × {len(kinds)} failures of the token endpoint, {len(hits)} leaked")
    assert hits == []
    assert PendingGrant.objects.filter(ended_at=None, user__email="ben@acme.example").count() == 0


# --- Support staff -----------------------------------------------------------------------------------------


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
    calendar = Calendar(
        workspace=bens_connection.workspace,
        membership=bens_connection.membership,
        provider="other",
        url="https://dav.acme.example/",
        user_name="ben",
    )
    calendar.password_sealed = seal("canary-mail-password", context_of(calendar, "password_sealed"))
    calendar.save()
    _, api_key = api_keys.create(org.workspace, "canary", by=None)
    bens_browser.stand_in.faults.add(Fault("html", path="/revoke", status=503))
    bens_browser.connect(BEN)
    describes.task_schema(bens_connection)
    NoticeSent.objects.create(workspace=org.workspace, key="lost:1:revoked", day=timezone.now().date())
    SyncUserRequest.objects.create(workspace=org.workspace, membership=bens_connection.membership)
    staff = log_in(User.objects.create_superuser("staff@touchline.example", "a-long-password"))
    sealed = [
        value
        for model, columns in (
            (Connection, ("access_token_sealed", "refresh_token_sealed")),
            (PendingGrant, ("access_token_sealed", "refresh_token_sealed", "state_digest", "session_digest")),
            (PendingRevocation, ("token_sealed",)),
            (ApiKey, ("digest",)),
            (Mailbox, ("password_sealed",)),
            (Calendar, ("password_sealed",)),
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
    assert len(pages) == 13 * 3
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
