"""The settings of a role, merged with what its member chose."""

import pytest

from activity.models import KnownPerson, LoggingSettings, LoggingSettingsVersion, MemberSettings
from activity.models.activity import Kind
from activity.settings import confirm, content_of, effective_kinds, save_settings, settings_for, settings_of
from tests.activity.conftest import Clock
from tests.activity.stories import report, sent, states
from workspaces.models import AuditEntry, Membership, User, Workspace

DEFAULT = {Kind.SENT, Kind.RECEIVED, Kind.REPLIED, Kind.BOUNCED, Kind.MEETING_CONFIRMED, Kind.MEETING_CANCELED}


def test_a_new_role_logs_what_most_want_and_waits_for_its_admin(ben_member: Membership) -> None:
    settings = settings_for(ben_member)

    assert settings.kinds == DEFAULT
    assert (settings.version, settings.is_confirmed, settings.sync_all_messages) == (1, False, False)


@pytest.mark.parametrize(
    ("may", "own", "expected"),
    [
        (False, None, DEFAULT),
        (False, ["opened"], DEFAULT),
        (True, None, DEFAULT),
        (True, [], set()),
        (True, ["sent", "opened"], {Kind.SENT, Kind.BOUNCED, Kind.OPENED}),
        (True, ["meeting_confirmed"], {Kind.MEETING_CONFIRMED, Kind.MEETING_CANCELED}),
    ],
)
def test_whose_switches_hold(may: bool, own: list[str] | None, expected: set[Kind]) -> None:
    role = LoggingSettings(members_manage_own=may)

    assert effective_kinds(role, MemberSettings(own_kinds=own)) == expected
    assert effective_kinds(role, None) == DEFAULT


def test_every_save_is_a_version(ben_member: Membership, ada: User) -> None:
    role = ben_member.role
    save_settings(role, {"log_opened": True, "version": 99, "confirmed_at": "2020-01-01"}, ada)
    save_settings(role, {"log_opened": True}, ada)
    save_settings(role, {"log_opened": False, "hold_minutes": 5}, ada)

    versions = LoggingSettingsVersion.objects.order_by("number")
    assert list(versions.values_list("number", "changed_by__name")) == [(2, "Ada"), (3, "Ada")]
    assert [version.content["log_opened"] for version in versions] == [True, False]
    settings = LoggingSettings.objects.get(role=role)
    assert (settings.version, settings.confirmed_at) == (3, None)
    assert content_of(settings)["hold_minutes"] == 5
    entries = AuditEntry.objects.filter(action="settings.saved").order_by("pk")
    assert [entry.details for entry in entries] == [
        {"version": 2, "changes": {"log_opened": True}},
        {"version": 3, "changes": {"log_opened": False, "hold_minutes": 5}},
    ]


def test_a_former_version_can_be_taken_back(ben_member: Membership, ada: User) -> None:
    save_settings(ben_member.role, {"body": "full"}, ada)
    save_settings(ben_member.role, {"body": "none"}, ada)
    former = LoggingSettingsVersion.objects.get(number=2)

    assert save_settings(ben_member.role, former.content, ada).body == "full"


def test_confirming_lets_what_was_held_flow(
    acme: Workspace, ben_member: Membership, ada: User, bens_connection: object
) -> None:
    LoggingSettings.objects.update(confirmed_at=None)
    report(acme, sent())
    assert states() == [("held", "not_confirmed")]
    confirm(ben_member.role, {}, ada)

    assert states() == [("waiting", "")]


def test_many_members_cost_three_queries(
    acme: Workspace, ada_member: Membership, ben_member: Membership, django_assert_num_queries: object
) -> None:
    with django_assert_num_queries(3):
        assert set(settings_of([ada_member, ben_member])) == {ada_member.pk, ben_member.pk}


def test_what_is_remembered_of_people_is_read_again_when_more_is_wanted(
    acme: Workspace, ben_member: Membership, clock: Clock
) -> None:
    KnownPerson.objects.create(workspace=acme, address="a@x.example", fetched_at=clock.now)
    save_settings(ben_member.role, {"hold_minutes": 1}, None)
    assert KnownPerson.objects.get().fetched_at == clock.now
    save_settings(ben_member.role, {"closed_opportunities": True}, None)

    assert KnownPerson.objects.get().fetched_at.year == 2000
