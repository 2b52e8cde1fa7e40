"""The way in: start page, new workspace, switching, addresses without a workspace."""

from uuid import UUID

import pytest
from django.test import Client

from tests.people import log_in, make_person
from workspaces import members
from workspaces.last_workspace import last_membership, workspaces_of
from workspaces.models import User, Workspace

ROW = UUID("01939b5e-0000-7000-8000-000000000001")


def test_home_leads_to_login_or_to_the_last_workspace(acme, globex, ben, ben_member):
    assert Client().get("/")["Location"] == "/account/login/?next=/"
    browser = log_in(ben)
    assert browser.get("/")["Location"] == "/w/acme/activity-log/"
    members.add(globex, ben)
    User.objects.filter(pk=ben.pk).update(last_workspace=acme)
    assert browser.get("/")["Location"] == "/w/acme/activity-log/"
    User.objects.filter(pk=ben.pk).update(last_workspace=globex)
    assert browser.get("/")["Location"] == "/w/globex/activity-log/"
    members.remove(globex.memberships.get(user=ben), by=None)
    assert browser.get("/")["Location"] == "/w/acme/activity-log/"


def test_home_leads_somebody_without_a_workspace_to_a_new_one(db):
    browser = log_in(make_person("Dan"))
    assert browser.get("/")["Location"] == "/workspaces/new/"
    page = browser.get("/workspaces/new/").content.decode()
    assert "Workspace name" in page
    assert "You are invited" not in page
    assert browser.post("/workspaces/new/", {"name": "Initech"})["Location"] == "/w/initech/activity-log/"
    assert browser.get("/")["Location"] == "/w/initech/activity-log/"


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "a\0b"])
def test_a_new_workspace_wants_a_name(db, name):
    answer = log_in(make_person("Dan")).post("/workspaces/new/", {"name": name})
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert Workspace.objects.count() == 0


def test_switch_goes_to_the_other_workspace_and_remembers_it(acme, ben, globex):
    members.add(globex, ben)
    User.objects.filter(pk=ben.pk).update(last_workspace=acme)
    browser = log_in(ben)
    assert browser.get("/w/globex/switch/").status_code == 405
    assert browser.post("/w/globex/switch/")["Location"] == "/w/globex/activity-log/"
    assert User.objects.get(pk=ben.pk).last_workspace == globex


@pytest.mark.parametrize(
    "path",
    [
        "/settings/profile/",
        "/settings/integrations/",
        "/settings/crm-and-live-feed/",
        "/activity-log/",
        f"/activity-log/{ROW}/",
        "/live-feed/",
        "/unresolved/",
    ],
)
def test_addresses_without_a_workspace_lead_to_the_last_used_one(acme, ben, path):
    browser = log_in(ben)
    assert browser.get(path)["Location"] == f"/w/acme{path}"
    assert browser.get(f"{path}?status=errors&q=a%26b")["Location"] == f"/w/acme{path}?status=errors&q=a%26b"
    assert browser.post(path).status_code == 405
    assert Client().get(path)["Location"] == f"/account/login/?next={path}"
    assert log_in(make_person("Dan")).get(path)["Location"] == "/workspaces/new/"


def test_the_switcher_lists_live_memberships_by_name(acme, globex, ben):
    zeta = members.create_workspace("Zeta", ben).workspace
    members.add(globex, ben)
    left = members.create_workspace("Abc", make_person("Dan")).workspace
    members.remove(members.add(left, ben), by=None)
    assert workspaces_of(ben) == [acme, globex, zeta]


def test_last_membership_is_the_last_joined_one_before_any_was_used(acme, ben_member, ben, globex):
    User.objects.filter(pk=ben.pk).update(last_workspace=None)
    ben.refresh_from_db()
    joined_later = members.add(globex, ben)
    assert last_membership(ben) == joined_later
    assert last_membership(make_person("Dan")) is None


def test_frame_outside_a_workspace_shows_the_last_used_one(acme, ben):
    page = log_in(ben).get("/account/email/").content.decode()
    assert 'aria-label="Workspace: Acme"' in page
    page = log_in(make_person("Dan")).get("/account/email/")
    assert page.status_code == 200
    assert "Workspace:" not in page.content.decode()
