"""CRM & Live Feed."""

import pytest

from activity.exclusions import add_personal
from activity.models import ExclusionKind, MemberSettings, Source, SyncJob
from activity.own_settings import own_settings_of, save_sync_all
from activity.pipeline.capture import capture
from activity.settings import save_settings
from integrations.models import Mailbox
from tests.activity.stories import sent
from tests.people import log_in
from workspaces.models import AuditEntry

CRM = "/w/acme/settings/crm-and-live-feed/"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def browser(ben):
    return log_in(ben)


@pytest.fixture
def bens_mailbox(ben_member):
    """A mailbox of Ben's that nobody watches."""
    return Mailbox.objects.create(
        workspace=ben_member.workspace,
        membership=ben_member,
        address="ben@acme.example",
        host="imap.acme.example",
        user_name="ben",
        password_sealed="sealed",
    )


def test_it_works(browser):
    response = browser.get(CRM)

    assert response.status_code == 200
    assert b"Sync all messages to Salesforce whether or not I send them with Touchline" in response.content
    assert b"No mailbox is connected yet" in response.content
    assert [tab["current"] for tab in response.context["tabs"]] == [True, False]
    assert not MemberSettings.objects.exists()


def test_the_roles_switches_are_read_only(browser, ada, ben_member):
    save_settings(ben_member.role, {"log_opened": True}, ada)

    response = browser.get(CRM)

    assert {kind["value"]: kind["checked"] for kind in response.context["kinds"]} == {
        "sent": True,
        "received": True,
        "replied": True,
        "opened": True,
        "clicked": False,
        "downloaded": False,
        "meeting_confirmed": True,
    }
    assert response.content.count(b'name="kinds"') == response.content.count(b"disabled>") == 7


def test_a_role_that_allows_it_lets_its_member_choose(browser, ada, ben_member):
    save_settings(ben_member.role, {"members_manage_own": True}, ada)
    assert b"disabled>" not in browser.get(CRM).content

    browser.post(f"{CRM}activities/", {"kinds": ["opened", "nonsense"]})
    assert own_settings_of(ben_member).own_kinds == ["opened"]
    assert browser.get(CRM).context["has_own_kinds"] is True
    browser.post(f"{CRM}activities/", {"as_role": "1"})
    assert own_settings_of(ben_member).own_kinds is None


def test_choosing_without_leave_changes_nothing(browser, ben_member):
    response = browser.post(f"{CRM}activities/", {"kinds": ["opened"]}, follow=True)

    assert b"Ask a workspace admin" in response.content
    assert not MemberSettings.objects.exists()


@pytest.mark.parametrize(("part", "field"), [("sync-all", "sync_all_messages"), ("sharing", "share_in_feed")])
@pytest.mark.usefixtures("bens_mailbox")
def test_a_switch_is_saved_at_once_with_an_undo(browser, ben_member, part, field):
    on = browser.post(f"{CRM}{part}/", {field: "on"}, headers=HTMX)
    assert getattr(own_settings_of(ben_member), field) is True
    assert (on.status_code, b"<html" in on.content) == (200, False)
    assert f'data-undo="id_{field}"'.encode() in on.content
    assert b"checked" in on.content

    off = browser.post(f"{CRM}{part}/", {}, headers=HTMX)
    assert getattr(own_settings_of(ben_member), field) is False
    assert b"checked" not in off.content


@pytest.mark.parametrize("part", ["sync-all", "sharing"])
def test_a_switch_works_without_scripts(browser, part):
    assert browser.post(f"{CRM}{part}/", {}).url == CRM


def test_the_never_log_list_takes_and_gives(browser, ben_member):
    page = browser.post(f"{CRM}never-log/", {"kind": "domain", "value": "Doctor.example"}, follow=True)
    assert b"doctor.example is never logged from now on." in page.content
    (entry,) = ben_member.never_log.all()

    page = browser.post(f"{CRM}never-log/{entry.uuid}/remove/", follow=True)
    assert b"doctor.example is off your list." in page.content
    assert not ben_member.never_log.exists()


@pytest.mark.parametrize(
    "data", [{}, {"kind": "domain", "value": "x"}, {"kind": "lead", "value": "x.example"}, {"kind": "subject"}]
)
def test_what_cannot_be_on_the_list_is_refused_with_a_sentence(browser, ben_member, data):
    page = browser.post(f"{CRM}never-log/", data, follow=True)

    assert b"Please write" in page.content
    assert not ben_member.never_log.exists()


def test_nobody_else_reads_or_changes_a_personal_list(ada, ben_member, cleo):
    entry = add_personal(ben_member, ExclusionKind.DOMAIN, "doctor.example")
    admin = log_in(ada)

    assert b"doctor.example" not in admin.get(CRM).content
    assert admin.post(f"{CRM}never-log/{entry.uuid}/remove/").status_code == 404
    assert log_in(cleo).post(f"{CRM}never-log/{entry.uuid}/remove/").status_code == 404
    assert ben_member.never_log.count() == 1
    assert "doctor" not in str(list(AuditEntry.objects.values_list("target", "details")))


@pytest.mark.parametrize("part", ["sync-all/", "sharing/", "activities/", "never-log/"])
def test_changes_are_posts(browser, part):
    assert browser.get(f"{CRM}{part}").status_code == 405


def test_outsiders_stay_out(cleo, acme):
    assert log_in(cleo).get(CRM).status_code == 404


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_switched_on_without_a_mailbox_it_leads_to_connect_one(browser, ben_member, headers):
    response = browser.post(f"{CRM}sync-all/", {"sync_all_messages": "on"}, headers=headers)

    target = "/w/acme/settings/integrations/mailbox/"
    assert response.get("HX-Redirect" if headers else "Location") == target
    assert own_settings_of(ben_member).sync_all_messages is True
    assert b"Connect mailbox" in browser.get(CRM).content


@pytest.fixture
def waiting_mail(ben_member, bens_mailbox):
    """A mail of Ben's mailbox that is held, because he is not connected to Salesforce; and one from the API."""
    save_sync_all(ben_member, True)
    for number, source in enumerate((Source.MAILBOX, Source.API), start=1):
        capture(ben_member.workspace, source, [sent(number, via_touchline=False)])
    return SyncJob.objects.order_by("pk")


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_switching_off_asks_what_to_do_with_what_waits(browser, ben_member, waiting_mail, bens_mailbox, headers):
    response = browser.post(f"{CRM}sync-all/", {}, headers=headers)

    assert b"1 message from your mailbox is not in Salesforce yet." in response.content
    assert own_settings_of(ben_member).sync_all_messages is True
    bens_mailbox.refresh_from_db()
    assert bens_mailbox.is_paused is False


@pytest.mark.parametrize(
    ("wish", "first"), [("keep", ("held", "no_sync_user")), ("drop", ("skipped", "not_via_touchline"))]
)
def test_what_waits_is_kept_or_dropped(browser, ben_member, waiting_mail, bens_mailbox, wish, first):
    browser.post(f"{CRM}sync-all/", {"unsent": wish})

    assert list(waiting_mail.values_list("state", "reason")) == [first, ("held", "no_sync_user")]
    assert own_settings_of(ben_member).sync_all_messages is False
    bens_mailbox.refresh_from_db()
    assert bens_mailbox.is_paused is True
