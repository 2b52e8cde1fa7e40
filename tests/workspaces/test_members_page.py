"""Members: list, invite, roles, admin rights, removal."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail

from tests.people import log_in, make_person
from workspaces import invitations, members, signals
from workspaces.models import Invitation, Role

PAGE = "/w/acme/admin/members/"


def said(browser, path=PAGE):
    """What the next page tells the person."""
    return [str(message) for message in browser.get(path).context["messages"]]


def test_the_page_lists_members_and_open_invitations(acme, ada, ben, cleo):
    invitations.invite(acme, "dan@acme.example", acme.roles.get(), True, by=ada)
    with time_machine.travel(datetime.now(UTC) - timedelta(days=8)):
        invitations.invite(acme, "eve@acme.example", acme.roles.get(), False, by=ada)
    page = log_in(ada).get(PAGE)
    assert [member.user.name for member in page.context["members"]] == ["Ada", "Ben"]
    assert [invitation.email for invitation in page.context["invitations"]] == [
        "dan@acme.example",
        "eve@acme.example",
    ]
    text = page.content.decode()
    assert text.count(">Expired</span>") == 1
    assert text.count(">Waiting</span>") == 1
    assert "cleo" not in text


def test_the_page_takes_as_many_queries_for_three_as_for_one(acme, ada, django_assert_num_queries):
    browser = log_in(ada)
    browser.get(PAGE)
    with django_assert_num_queries(14):
        browser.get(PAGE)
    for name in ("Dan", "Eve"):
        members.add(acme, make_person(name))
        invitations.invite(acme, f"{name}@private.example", acme.roles.get(), False, by=ada)
    with django_assert_num_queries(14):
        browser.get(PAGE)


def test_apps_above_may_add_to_the_list(acme, ada, ben):
    heard = []

    def on_listed(sender, workspace, memberships, **_kwargs):
        heard.append((workspace, [each.user.name for each in memberships]))

    signals.members_listed.connect(on_listed)
    try:
        log_in(ada).get(PAGE)
    finally:
        signals.members_listed.disconnect(on_listed)
    assert heard == [(acme, ["Ada", "Ben"])]


def test_invite(acme, ada):
    role = Role.objects.create(workspace=acme, name="Sales")
    browser = log_in(ada)
    fields = {"email": "Dan@acme.example", "role": str(role.uuid), "is_admin": "on"}
    assert browser.post(PAGE, fields)["Location"] == PAGE
    assert said(browser) == ["An invitation is on its way to dan@acme.example."]
    invitation = Invitation.objects.get()
    assert (invitation.workspace, invitation.role, invitation.is_admin) == (acme, role, True)
    assert len(mail.outbox) == 1


def test_invite_says_what_is_wrong(acme, ada, ben, globex):
    browser = log_in(ada)
    everyone, foreign = str(acme.roles.get().uuid), str(globex.roles.get().uuid)
    for fields in (
        {"email": "ben@acme.example", "role": everyone},
        {"email": "dan", "role": everyone},
        {"email": "dan@acme.example", "role": foreign},
        {"email": "dan@acme.example", "role": "junk"},
        {"email": "dan@acme.example"},
        {},
    ):
        answer = browser.post(PAGE, fields | {"x": "y"})
        assert (answer.status_code, len(answer.context["form"].errors) > 0) == (200, True)
    assert Invitation.objects.count() == 0


def test_change_role(acme, ada, ben_member, globex):
    role = Role.objects.create(workspace=acme, name="Sales")
    browser = log_in(ada)
    path = f"{PAGE}{ben_member.uuid}/role/"
    assert browser.post(path, {"role": str(role.uuid)})["Location"] == PAGE
    assert said(browser) == ["Ben is in the role Sales now."]
    for wrong in (str(globex.roles.get().uuid), "junk", ""):
        browser.post(path, {"role": wrong})
        assert said(browser) == ["This role does not exist any more. Please choose another one."]
    ben_member.refresh_from_db()
    assert ben_member.role == role


def test_make_admin_and_give_up_ones_own_rights(acme, ada, ada_member, ben_member):
    browser = log_in(ada)
    browser.post(f"{PAGE}{ben_member.uuid}/admin/", {"admin": "yes"})
    assert said(browser) == ["Ben is an admin now."]
    answer = browser.post(f"{PAGE}{ada_member.uuid}/admin/", {"admin": "no"})
    assert answer["Location"] == "/w/acme/settings/profile/"
    assert said(browser, answer["Location"]) == ["Ada is no admin any more."]
    assert browser.get(PAGE).status_code == 403


def test_the_last_admin_keeps_the_rights(acme, ada, ada_member, ben_member):
    browser = log_in(ada)
    for path, fields in ((f"{ada_member.uuid}/admin/", {"admin": "no"}), (f"{ada_member.uuid}/remove/", {})):
        assert browser.post(PAGE + path, fields)["Location"] == PAGE
        assert said(browser) == ["A workspace needs an admin: make somebody else an admin first."]


def test_remove(acme, ada, ada_member, ben, ben_member):
    browser, bens = log_in(ada), log_in(ben)
    assert bens.get("/w/acme/settings/profile/").status_code == 200
    assert browser.post(f"{PAGE}{ben_member.uuid}/remove/")["Location"] == PAGE
    assert said(browser) == ["Ben is not a member any more."]
    assert bens.get("/w/acme/settings/profile/").status_code == 404
    assert bens.get("/")["Location"] == "/workspaces/new/"
    assert browser.post(f"{PAGE}{ben_member.uuid}/remove/").status_code == 404
    members.add(acme, ben, is_admin=True)
    assert browser.post(f"{PAGE}{ada_member.uuid}/remove/")["Location"] == "/"


def test_resend_and_withdraw(acme, ada, globex, cleo):
    invitation, _ = invitations.invite(acme, "dan@acme.example", acme.roles.get(), False, by=ada)
    browser = log_in(ada)
    assert browser.post(f"/w/acme/admin/invitations/{invitation.uuid}/resend/")["Location"] == PAGE
    assert said(browser) == ["A new e-mail is on its way to dan@acme.example."]
    assert len(mail.outbox) == 2
    newer = invitations.open_invitations(acme).get()
    browser.post(f"/w/acme/admin/invitations/{newer.uuid}/withdraw/")
    assert said(browser) == ["The invitation to dan@acme.example is withdrawn."]
    assert list(invitations.open_invitations(acme)) == []
    for action in ("withdraw", "resend"):
        browser.post(f"/w/acme/admin/invitations/{newer.uuid}/{action}/")
        assert said(browser) == ["This invitation is not open any more."]


@pytest.mark.parametrize("extra", ["is_active", "is_staff", "user", "workspace", "left_at", "joined_at", "is_admin"])
def test_fields_that_were_not_asked_for_change_nothing(acme, ada, ben_member, extra):
    before = type(ben_member).objects.filter(pk=ben_member.pk).values().get()
    role = str(ben_member.role.uuid)
    log_in(ada).post(f"{PAGE}{ben_member.uuid}/role/", {"role": role, extra: "1"})
    assert type(ben_member).objects.filter(pk=ben_member.pk).values().get() == before
