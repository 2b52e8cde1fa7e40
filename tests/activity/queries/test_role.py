"""A role's settings: previews, versions, estimates."""

from datetime import timedelta

import pytest
import time_machine

from activity.exclusions import add_for_role, add_override
from activity.models import ExclusionKind, Kind, LoggingSettings, Reason, SyncState
from activity.queries.role import (
    Change,
    estimate,
    exclusion_lists,
    preview_subjects,
    saved_settings,
    versions_of,
)
from activity.settings import save_settings
from integrations.models import ApiCallCount, Connection, SalesforceUser
from tests.activity.rows import NOON, make_job, make_org


def test_previews_of_the_defaults_and_of_a_template():
    assert preview_subjects({"opened": "{recipient} read {subject} {nonsense}"}) == {
        "sent_new": "Sent (New): Pricing for 40 seats",
        "sent_reply": "Sent (Reply): Pricing for 40 seats",
        "received": "Received: Pricing for 40 seats",
        "replied": "Replied: Pricing for 40 seats",
        "opened": "grace@example.com read Pricing for 40 seats {nonsense}",
        "clicked": "Clicked: https://example.com/pricing",
        "downloaded": "Downloaded: Price list.pdf",
        "bounced": "Bounced: Pricing for 40 seats",
        "meeting_confirmed": "Meeting Confirmed: Kick-off",
        "meeting_canceled": "Meeting Canceled: Kick-off",
    }


def test_reading_a_roles_settings_writes_nothing(ben_member):
    LoggingSettings.objects.all().delete()

    assert saved_settings(ben_member.role).log_sent is True
    assert versions_of(saved_settings(ben_member.role)) == []
    assert not LoggingSettings.objects.exists()


def test_versions_say_what_changed_by_whom(ada_member):
    role = ada_member.role
    save_settings(role, {"log_opened": True, "subject_templates": {"opened": "Read: {subject}"}}, ada_member.user)
    save_settings(role, {"body": "full", "hold_minutes": 5}, None)

    second, first = versions_of(saved_settings(role))

    assert (first.by, second.by) == ("Ada", "Touchline")
    assert second.number == first.number + 1
    assert set(first.changes) == {
        Change("Opened", "off", "on"),
        Change("Subject of opened", "Opened: {subject}", "Read: {subject}"),
    }
    assert set(second.changes) == {
        Change("Body", "The first lines", "The whole text"),
        Change("Minutes to wait before logging", "0", "5"),
    }


def test_the_estimate_counts_what_the_switches_would_let_through(acme, ada_member, ben_member, cleo_member):
    make_job(ben_member, SyncState.SYNCED)
    make_job(ben_member, SyncState.SYNCED, salesforce_id="00T000000000002AAA")
    make_job(ada_member, SyncState.SKIPPED, kind=Kind.OPENED, reason=Reason.SWITCHED_OFF)
    make_job(ben_member, kind=Kind.BOUNCED)
    make_job(ben_member, SyncState.SKIPPED, reason=Reason.NO_MATCH)
    make_job(ben_member, created_at=NOON - timedelta(days=8))
    make_job(cleo_member)

    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        same = estimate(ben_member.role, frozenset({Kind.SENT}))
        with_opens = estimate(ben_member.role, frozenset({Kind.SENT, Kind.OPENED}))
        nothing = estimate(ben_member.role, frozenset())

    assert (same.records, same.records_then, same.difference) == (3, 3, 0)
    assert (with_opens.records_then, with_opens.difference) == (4, 1)
    assert (nothing.records_then, nothing.difference) == (0, -3)
    assert (same.calls, same.calls_then, same.calls_difference) == (None, None, None)


def test_the_estimate_of_calls_goes_by_the_rate_of_those_days(acme, ben_member):
    org = make_org(acme)
    user = SalesforceUser.objects.create(
        org_id=org.org_id, user_id="005000000000001AAA", username="b", name="Ben", person=ben_member.user
    )
    connection = Connection.objects.create(
        workspace=acme,
        org=org,
        salesforce_user=user,
        membership=ben_member,
        issuer="production",
        login_url="https://login.salesforce.com",
        instance_url="https://acme.my.salesforce.com",
        scopes="api",
        refresh_token_sealed="x",
    )
    ApiCallCount.objects.create(org_id=org.org_id, connection=connection, day=NOON.date(), calls=3)
    make_job(ben_member, SyncState.SYNCED)
    make_job(ben_member, SyncState.SKIPPED, kind=Kind.OPENED, reason=Reason.SWITCHED_OFF)

    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        found = estimate(ben_member.role, frozenset({Kind.SENT, Kind.OPENED}))

    assert (found.calls, found.calls_then, found.calls_difference) == (3, 6, 3)


def test_lists_of_exclusions_tell_rules_from_overrides(ada_member, cleo_member):
    rule = add_for_role(ada_member.role, ExclusionKind.DOMAIN, "Competitor.example", ada_member.user)
    override = add_override(ada_member.role, "noreply", ada_member.user)
    add_for_role(cleo_member.role, ExclusionKind.DOMAIN, "other.example", cleo_member.user)

    lists = exclusion_lists(ada_member.role)

    assert (lists["exclusions"], lists["overrides"]) == ([rule], [override])
    parts = {part["value"]: part["override"] for part in lists["system_local_parts"]}
    assert (parts["noreply"], parts["postmaster"]) == (override, None)


@pytest.mark.parametrize("saves", [1, 3])
def test_queries_do_not_grow_with_versions(ada_member, django_assert_num_queries, saves):
    for number in range(saves):
        save_settings(ada_member.role, {"hold_minutes": number + 1}, ada_member.user)
    settings = saved_settings(ada_member.role)

    with django_assert_num_queries(1):
        assert len(versions_of(settings)) == saves
