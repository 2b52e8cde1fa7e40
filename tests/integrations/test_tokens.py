"""One refresher in the whole installation; lost answers end in needs attention, never in a loop."""

import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connections
from django.utils import timezone

from integrations import tokens, upkeep
from integrations.connections import client_for, connection_of, disconnect, live_org
from integrations.models import Connection, PendingRevocation
from integrations.salesforce.errors import ConnectionLost, Revoked, SalesforceError, Transient
from integrations.salesforce.stand_in.faults import Fault
from integrations.signals import connection_lost
from tests.integrations.journeys import BEN, Journey
from workspaces.models import Membership


def grant_of(connection: Connection, journey: Journey):
    """The live or last grant of the connection's Salesforce user at the stand-in."""
    user_id = connection.salesforce_user.user_id
    return [each for each in journey.stand_in.oauth.grants if each.user_id == user_id][-1]


def expire_session(connection: Connection, journey: Journey) -> None:
    """Let Salesforce forget the access tokens, as when the session is over."""
    grant = grant_of(connection, journey)
    for token in grant.access_tokens:
        journey.stand_in.oauth.by_access.pop(token)
    grant.access_tokens.clear()


def fresh(connection: Connection) -> Connection:
    return Connection.objects.get(pk=connection.pk)


def test_an_expired_session_is_renewed_and_the_call_repeated(
    bens_connection: Connection, bens_browser: Journey
) -> None:
    expire_session(bens_connection, bens_browser)

    assert client_for(bens_connection).organization().name == "Acme"

    row, grant = fresh(bens_connection), grant_of(bens_connection, bens_browser)
    assert (row.state, row.token_version) == ("connected", bens_connection.token_version + 1)
    assert (row.refresh_holder, row.refresh_until, row.refresh_tries) == ("", None, 0)
    assert (grant.refreshes, grant.reuses) == (1, 0)
    assert tokens.read_refresh_token(row).reveal() == grant.refresh_token


def test_many_threads_make_one_refresh(bens_connection: Connection, bens_browser: Journey) -> None:
    expire_session(bens_connection, bens_browser)
    names, barrier = [], threading.Barrier(20)

    def call() -> None:
        try:
            client = client_for(bens_connection)
            barrier.wait()
            names.append(client.organization().name)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=call) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    grant = grant_of(bens_connection, bens_browser)
    assert names == ["Acme"] * 20
    assert (grant.refreshes, grant.reuses) == (1, 0)


def test_who_comes_while_another_process_refreshes_waits_for_its_tokens(
    bens_connection: Connection, bens_browser: Journey
) -> None:
    used = bens_connection.token_version
    Connection.objects.filter(pk=bens_connection.pk).update(
        refresh_holder="another process", refresh_until=timezone.now() + timedelta(seconds=30), refresh_tries=1
    )
    answer: list[tokens.Token] = []

    def wait() -> None:
        answer.append(tokens.renew(bens_connection.pk, used))
        connections.close_all()

    thread = threading.Thread(target=wait)
    thread.start()
    thread.join(0.4)
    assert thread.is_alive(), "nobody refreshes beside the holder"
    Connection.objects.filter(pk=bens_connection.pk).update(
        refresh_holder="", refresh_until=None, refresh_tries=0, token_version=used + 1
    )
    thread.join(5)

    assert [token.version for token in answer] == [used + 1]
    assert grant_of(bens_connection, bens_browser).presented == {}


def test_a_refresh_that_did_not_leave_is_tried_again_freely(
    bens_connection: Connection, bens_browser: Journey
) -> None:
    expire_session(bens_connection, bens_browser)
    Connection.objects.filter(pk=bens_connection.pk).update(login_url="http://127.0.0.1:9")

    for _ in range(4):
        with pytest.raises(SalesforceError):
            tokens.renew(bens_connection.pk, bens_connection.token_version)

    row = fresh(bens_connection)
    assert (row.refresh_holder, row.refresh_tries) == ("", 0)


def test_a_lost_answer_is_tried_once_more_and_then_needs_attention(
    bens_connection: Connection, bens_browser: Journey, ben_member: Membership
) -> None:
    expire_session(bens_connection, bens_browser)
    bens_browser.stand_in.faults.add(Fault("process_then_drop", path="/token", object="refresh_token"))

    with pytest.raises(Transient):
        client_for(bens_connection).organization()
    assert fresh(bens_connection).state == "connected"
    with pytest.raises(Revoked):
        client_for(bens_connection).organization()
    for _ in range(3):
        with pytest.raises(Revoked):
            client_for(bens_connection)

    row, grant = fresh(bens_connection), grant_of(bens_connection, bens_browser)
    assert (row.state, row.cause) == ("needs_attention", "revoked")
    assert sum(grant.presented.values()) == 2


def test_two_lost_answers_end_in_needs_attention_without_a_third_try(
    bens_connection: Connection, bens_browser: Journey
) -> None:
    expire_session(bens_connection, bens_browser)
    bens_browser.stand_in.faults.add(Fault("drop", path="/token", times=None))

    for _ in range(4):
        with pytest.raises(SalesforceError):
            client_for(bens_connection).organization()

    row = fresh(bens_connection)
    assert (row.state, row.cause) == ("needs_attention", "other")
    assert row.access_token_sealed != "", "what is held may still be mended by a reconnect"


def test_a_lease_whose_holder_died_is_settled_by_the_minute_task(
    bens_connection: Connection, bens_browser: Journey
) -> None:
    Connection.objects.filter(pk=bens_connection.pk).update(
        refresh_holder="died", refresh_until=timezone.now() - timedelta(seconds=1), refresh_tries=1
    )

    assert upkeep.finish_abandoned_refreshes() == 1

    row = fresh(bens_connection)
    assert (row.state, row.refresh_holder, row.token_version) == ("connected", "", bens_connection.token_version + 1)


def test_a_fault_of_salesforce_pauses_instead_of_counting(bens_connection: Connection, bens_browser: Journey) -> None:
    expire_session(bens_connection, bens_browser)
    bens_browser.stand_in.faults.add(Fault("html", path="/token", status=503))

    for _ in range(3):
        with pytest.raises(Transient):
            client_for(bens_connection).organization()

    assert bens_browser.stand_in.oauth.counts["refresh"] == 0
    Connection.objects.filter(pk=bens_connection.pk).update(refresh_until=timezone.now())
    assert client_for(bens_connection).organization().name == "Acme"


def refuse_tokens(journey: Journey, code: str, message: str) -> None:
    journey.stand_in.faults.add(Fault("oauth_error", path="/token", code=code, message=message, times=None))


CAUSES = {
    "revoked": lambda journey: journey.stand_in.oauth.end(journey.stand_in.oauth.grants[-1], "by the user"),
    "user_inactive": lambda journey: journey.stand_in.org.deactivate_user(BEN),
    "org_inactive": lambda journey: journey.stand_in.org.deactivate_org(),
    "ip_blocked": lambda journey: journey.stand_in.org.block_ip(),
    "app_blocked": lambda journey: refuse_tokens(journey, "OAUTH_APP_BLOCKED", "this app is blocked by admin"),
    "app_not_approved": lambda journey: refuse_tokens(journey, "invalid_grant", "user hasn't approved this consumer"),
    "password": lambda journey: journey.stand_in.org.expire_password(BEN),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_is_known_told_once_and_shown(
    cause: str, bens_connection: Connection, bens_browser: Journey, mailoutbox: list
) -> None:
    CAUSES[cause](bens_browser)
    expire_session(bens_connection, bens_browser)
    heard: list[str] = []

    def hear(cause: str, **_kwargs: object) -> None:
        heard.append(cause)

    connection_lost.connect(hear)
    try:
        for _ in range(3):
            with pytest.raises(ConnectionLost):
                client_for(bens_connection).organization()
    finally:
        connection_lost.disconnect(hear)

    row = fresh(bens_connection)
    assert (row.state, row.cause, heard) == ("needs_attention", cause, [cause])
    assert [letter.to for letter in mailoutbox] == [["ben@acme.example"]]
    page = bens_browser.page("integrations")
    assert row.get_cause_display() in page.replace("&#x27;", "'")
    assert "Who can fix it:" in page
    assert "Reconnect" in page


def test_losing_the_sync_user_tells_the_admins_once_and_changes_no_identity(
    bens_connection: Connection, adas_browser: Journey, ada_member: Membership
) -> None:
    org = live_org(ada_member.workspace)
    adas_browser.post("sync_user_stand_by", member=str(bens_connection.membership.uuid))
    adas_browser.stand_in.org.deactivate_user("sync@touchline.example")
    mail.outbox.clear()
    expire_session(org.sync_user, adas_browser)

    for _ in range(2):
        with pytest.raises(ConnectionLost):
            client_for(org.sync_user).organization()

    after = live_org(ada_member.workspace)
    assert (after.sync_user_id, after.sync_user.state) == (org.sync_user_id, "needs_attention")
    assert [letter.to for letter in mail.outbox] == [["ada@acme.example"]]


def test_a_refresh_that_ends_after_a_disconnect_is_revoked(
    bens_connection: Connection, bens_browser: Journey, ben_member: Membership
) -> None:
    expire_session(bens_connection, bens_browser)
    bens_browser.stand_in.faults.add(Fault("delay", path="/token", seconds=0.6))
    ended: list[type[Exception]] = []

    def call() -> None:
        try:
            client_for(bens_connection).organization()
        except ConnectionLost as error:
            ended.append(type(error))
        finally:
            connections.close_all()

    thread = threading.Thread(target=call)
    thread.start()
    threading.Event().wait(0.3)
    disconnect(connection_of(ben_member), by=ben_member.user)
    thread.join(10)

    assert ended == [Revoked]
    assert not grant_of(bens_connection, bens_browser).is_live
    assert not PendingRevocation.objects.filter(revoked_at=None).exists()


def test_an_answer_for_another_org_is_refused(bens_connection: Connection, bens_browser: Journey) -> None:
    expire_session(bens_connection, bens_browser)
    type(bens_connection.org).objects.filter(pk=bens_connection.org_id).update(org_id="00D000000000009EAA")

    with pytest.raises(ConnectionLost):
        tokens.renew(bens_connection.pk, bens_connection.token_version)

    assert fresh(bens_connection).cause == "host_changed"


def test_quiet_connections_are_refreshed_weekly(bens_connection: Connection, bens_browser: Journey) -> None:
    assert upkeep.keep_alive() == 0
    Connection.objects.filter(pk=bens_connection.pk).update(
        refreshed_at=timezone.now() - timedelta(days=7, minutes=1)
    )

    assert upkeep.keep_alive() == 1
    assert upkeep.keep_alive() == 0
    assert grant_of(bens_connection, bens_browser).refreshes == 1
