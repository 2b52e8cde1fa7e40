"""What members choose for themselves."""

import pytest

from activity.models import Kind, LoggingSettings, MemberSettings
from activity.own_settings import (
    NotYours,
    own_settings_of,
    role_settings_of,
    save_own_kinds,
    save_sharing,
    save_sync_all,
)
from activity.settings import save_settings, settings_for
from workspaces.models import AuditEntry


def test_reading_writes_nothing(ben_member):
    LoggingSettings.objects.all().delete()

    assert own_settings_of(ben_member).sync_all_messages is False
    assert role_settings_of(ben_member).log_sent is True
    assert not MemberSettings.objects.exists()
    assert not LoggingSettings.objects.exists()


@pytest.mark.parametrize(("save", "field"), [(save_sync_all, "sync_all_messages"), (save_sharing, "share_in_feed")])
def test_switches_are_saved_and_audited(ben_member, save, field):
    for is_on in (True, False):
        save(ben_member, is_on)
        assert getattr(own_settings_of(ben_member), field) is is_on

    entries = AuditEntry.objects.filter(action="settings.saved").order_by("id")
    assert [(each.actor, each.details) for each in entries] == [
        (ben_member.user, {"changes": {field: is_on}}) for is_on in (True, False)
    ]


def test_sync_all_reaches_the_settings_that_hold(ben_member):
    save_sync_all(ben_member, True)

    assert settings_for(ben_member).sync_all_messages is True


def test_own_kinds_hold_where_the_role_allows_them(ada_member, ben_member):
    save_settings(ben_member.role, {"members_manage_own": True}, ada_member.user)
    save_own_kinds(ben_member, {Kind.OPENED, Kind.SENT})

    assert own_settings_of(ben_member).own_kinds == ["sent", "opened"]
    assert settings_for(ben_member).kinds == {Kind.SENT, Kind.OPENED, Kind.BOUNCED}
    save_own_kinds(ben_member, None)
    assert own_settings_of(ben_member).own_kinds is None


def test_own_kinds_are_refused_where_the_role_decides(ben_member):
    with pytest.raises(NotYours):
        save_own_kinds(ben_member, {Kind.OPENED})
    assert not MemberSettings.objects.exists()
