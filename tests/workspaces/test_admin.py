"""The Django admin as support staff use it."""

import re

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.people import log_in, make_person
from workspaces import invitations, staff_admin
from workspaces.admin import UserAdmin
from workspaces.models import User, Workspace


@pytest.fixture
def sam(db):
    """Support staff with a second factor."""
    user = make_person("Sam", "support.example")
    User.objects.filter(pk=user.pk).update(is_staff=True)
    TOTP.activate(user, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    user.refresh_from_db()
    return user


def page_of(thing):
    """The path of the thing's page."""
    meta = thing._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[thing.pk])


OURS = [model for model in admin.site._registry if model._meta.app_label == "workspaces"]


def test_only_pages_of_our_own_apps_are_there():
    assert {model._meta.app_label for model in admin.site._registry} <= set(staff_admin.OUR_APPS)
    assert {model.__name__ for model in OURS} == {
        "AuditEntry",
        "Invitation",
        "Membership",
        "Role",
        "User",
        "Workspace",
    }


def test_log_in_is_ours(acme, ada, sam):
    assert Client().get("/admin/")["Location"] == "/admin/login/?next=/admin/"
    assert Client().get("/admin/login/?next=/admin/")["Location"] == "/account/login/?next=%2Fadmin%2F"
    assert Client().post("/admin/login/", {"username": "sam@support.example", "password": "x"}).status_code == 302
    assert log_in(ada).get("/admin/login/").status_code == 403
    assert log_in(sam).get("/admin/").status_code == 200
    assert log_in(sam).get("/admin/password_change/")["Location"] == "/account/password/change/"


def test_staff_without_a_second_factor_set_it_up_first(settings, acme, ada, sam):
    settings.REQUIRE_STAFF_MFA = True
    sam.authenticator_set.all().delete()
    browser = log_in(sam)
    for path in ("/admin/", page_of(acme)):
        assert browser.get(path)["Location"] == "/account/2fa/totp/activate/"
        assert browser.post(path)["Location"] == "/account/2fa/totp/activate/"
    TOTP.activate(sam, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    assert browser.get("/admin/").status_code == 200
    sam.authenticator_set.all().delete()
    settings.REQUIRE_STAFF_MFA = False
    assert browser.get("/admin/").status_code == 200


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_every_list_and_page_opens_and_nothing_is_added_or_deleted(model, sam, ada, acme, ben):
    invitations.invite(acme, "dan@acme.example", acme.roles.get(), False, by=ada)
    browser = log_in(sam)
    label = model._meta.model_name
    for path in (f"admin:workspaces_{label}_changelist",):
        assert browser.get(reverse(path)).status_code == 200
        assert browser.get(reverse(path), {"q": "acme"}).status_code == 200
    row = model.objects.order_by("pk").first()
    page = browser.get(page_of(row))
    assert page.status_code == 200
    assert browser.get(reverse(f"admin:workspaces_{label}_add")).status_code == 403
    assert (
        browser.post(reverse(f"admin:workspaces_{label}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    )


def test_digests_are_neither_shown_nor_selected(sam, ada, acme):
    invitation, _ = invitations.invite(acme, "dan@acme.example", acme.roles.get(), False, by=ada)
    browser = log_in(sam)
    for thing, secret, column in ((invitation, invitation.token_digest, "token_digest"), (ada, ada.password, None)):
        for path in (page_of(thing), page_of(thing).split(f"{thing.pk}/change")[0]):
            with CaptureQueriesContext(connection) as queries:
                text = browser.get(path).content.decode()
            assert secret not in text
            assert column is None or column not in "".join(query["sql"] for query in queries)


@pytest.mark.parametrize("lookup", ["password__startswith=pbkdf2", "password__regex=.", "password__gte=a"])
def test_a_secret_column_cannot_be_guessed_by_a_filter(sam, ada, lookup):
    answer = log_in(sam).get(f"{reverse('admin:workspaces_user_changelist')}?{lookup}")

    assert (answer.status_code, ada.email in answer.content.decode()) in {(302, False), (400, False)}


def test_staff_change_a_plan_and_it_is_recorded(sam, acme):
    browser = log_in(sam)
    fields = {"plan": "free", "name": "Stolen", "slug": "stolen", "retention_days": "365", "own_domains": ""}
    assert browser.post(page_of(acme), fields).status_code == 302
    acme.refresh_from_db()
    assert (acme.plan, acme.name, acme.slug, acme.retention_days) == ("free", "Acme", "acme", 15)
    entry = acme.audit_entries.latest("pk")
    assert (entry.action, entry.actor, entry.details) == ("plan.changed", sam, {"plan": ["enterprise", "free"]})
    browser.post(page_of(acme), fields)
    assert acme.audit_entries.latest("pk") == entry


INLINES = {
    f"{prefix}-{name}": "0"
    for prefix in ("emailaddress_set", "memberships")
    for name in ("TOTAL_FORMS", "INITIAL_FORMS")
}


def test_staff_shut_a_person_out_and_let_back_in(sam, acme, ben):
    browser = log_in(sam)
    browser.post(page_of(ben), INLINES | {"name": "Stolen", "is_staff": "on", "is_superuser": "on"})
    ben.refresh_from_db()
    assert (ben.is_active, ben.name, ben.is_staff, ben.is_superuser) == (False, "Ben", False, False)
    browser.post(page_of(ben), INLINES | {"is_active": "on"})
    ben.refresh_from_db()
    assert ben.is_active is True


def test_staff_do_not_shut_out_staff(sam):
    browser = log_in(sam)
    assert browser.post(page_of(sam), INLINES).status_code == 403
    sam.refresh_from_db()
    assert sam.is_active is True


def test_everything_else_is_read_only(sam, ada_member, acme):
    browser = log_in(sam)
    entry = acme.audit_entries.latest("pk")
    for thing in (ada_member, acme.roles.get(), entry):
        before = type(thing).objects.filter(pk=thing.pk).values().get()
        assert browser.post(page_of(thing), {"is_admin": "", "name": "x", "target": "x"}).status_code == 403
        assert type(thing).objects.filter(pk=thing.pk).values().get() == before


def test_search_finds_by_address_and_by_uuid(sam, acme, ada, ben, globex):
    browser = log_in(sam)

    def found(model, term):
        path = reverse(f"admin:workspaces_{model}_changelist")
        return [str(row) for row in browser.get(path, {"q": term}).context["cl"].result_list]

    ben.emailaddress_set.create(email="ben@private.example", verified=True)
    assert found("user", "ben@private") == ["Ben"]
    assert found("user", str(ada.uuid)) == ["Ada"]
    assert found("workspace", str(acme.uuid)) == ["Acme"]
    assert found("workspace", "globex") == ["Globex"]
    assert found("membership", "ben@acme") == ["Ben"]
    assert found("workspace", "01939b5e-0000-7000-8000-000000000001") == []


def test_lists_lead_to_the_objects_they_name(sam, acme, ada, ada_member):
    text = log_in(sam).get(reverse("admin:workspaces_membership_changelist")).content.decode()
    assert f'<a href="{page_of(ada)}">Ada</a>' in text
    assert f'<a href="{page_of(acme)}">Acme</a>' in text


def test_large_tables_are_not_counted_to_the_end(db):
    Workspace.objects.bulk_create(Workspace(name=f"W{n}", slug=f"w{n}") for n in range(staff_admin.COUNT_TO + 5))
    page = staff_admin.CappedPaginator(Workspace.objects.order_by("pk"), 50)
    with CaptureQueriesContext(connection) as queries:
        assert page.count == staff_admin.COUNT_TO
    assert f"LIMIT {staff_admin.COUNT_TO}" in queries[0]["sql"]
    assert UserAdmin.show_full_result_count is False


def test_no_choice_of_a_filter_is_counted(sam, acme):
    path = reverse("admin:workspaces_workspace_changelist")
    browser = log_in(sam)

    assert "Show counts" not in browser.get(path).content.decode()
    assert browser.get(path, {"_facets": "True"}).context["cl"].add_facets is False


def test_a_count_that_ends_at_the_limit_says_so(sam, acme):
    path = reverse("admin:workspaces_workspace_changelist")
    text = log_in(sam).get(path, {"q": "acme"}).content.decode()
    assert "1 result (" in text
    Workspace.objects.bulk_create(Workspace(name=f"W{n}", slug=f"w{n}") for n in range(staff_admin.COUNT_TO))
    text = log_in(sam).get(path, {"q": "w"}).content.decode()
    assert "1000 or more results (" in text
    assert "1000 or more workspaces" in " ".join(text.split())


def test_a_page_for_reading_has_no_script_but_the_theme(sam, acme):
    text = log_in(sam).get(page_of(acme)).content.decode()

    assert re.findall(r'<script src="([^"]+)"', text) == ["/static/admin/js/theme.js"]


def test_the_page_of_a_person_shows_the_workspaces_and_leads_there(sam, acme, ben_member):
    text = log_in(sam).get(page_of(ben_member.user)).content.decode()

    assert "<td><p>ben@acme.example</p></td>" in text
    assert f'<td><p><a href="{page_of(acme)}">Acme</a></p></td>' in text
    assert f'<a href="{page_of(ben_member)}">View</a>' in text


def test_shutting_out_writes_no_row_that_is_only_shown(sam, acme, ben_member):
    ben = ben_member.user
    address = ben.emailaddress_set.get()
    rows = {
        "emailaddress_set-TOTAL_FORMS": "1",
        "emailaddress_set-INITIAL_FORMS": "1",
        "emailaddress_set-0-id": str(address.pk),
        "emailaddress_set-0-user": str(ben.pk),
        "emailaddress_set-0-email": "stolen@acme.example",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "1",
        "memberships-0-id": str(ben_member.pk),
        "memberships-0-user": str(ben.pk),
        "memberships-0-is_admin": "on",
    }
    assert log_in(sam).post(page_of(ben), rows).status_code == 302
    for row in (ben, address, ben_member):
        row.refresh_from_db()
    assert (ben.is_active, address.email, ben_member.is_admin) == (False, "ben@acme.example", False)
