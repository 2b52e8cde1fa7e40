"""workspaces/access.py: the only gate."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.test import RequestFactory
from django_htmx.middleware import HtmxDetails

from workspaces import access, members
from workspaces.models import User


@access.person
def hello(request):
    """A page of nobody's workspace."""
    return HttpResponse("hello")


@access.member
def members_page(request, slug, number=0):
    """A page of a workspace."""
    return HttpResponse(f"{request.workspace.slug} {request.membership.user.name} {slug} {number}")


@access.admin
def admins_page(request, slug):
    """A page of a workspace's admins."""
    return HttpResponse(f"{request.workspace.slug} {request.membership.user.name}")


def ask(user, path="/w/acme/x/?a=1", method="get", **headers):
    """A request as the middleware hands it to a view."""
    request = getattr(RequestFactory(), method)(path, headers=headers)
    request.user = user
    request.htmx = HtmxDetails(request)
    return request


def test_members_come_in(acme, ada, ben):
    assert members_page(ask(ben), "acme", number=7).content == b"acme Ben acme 7"
    assert members_page(ask(ada), "acme").content == b"acme Ada acme 0"
    assert admins_page(ask(ada), "acme").content == b"acme Ada"


def test_outsiders_meet_a_workspace_as_if_it_were_absent(acme, globex, cleo):
    for slug in ("acme", "absent"):
        request = ask(cleo)
        with pytest.raises(Http404) as raised:
            admins_page(request, slug)
        assert raised.value.args == ()
        assert not hasattr(request, "workspace")


def test_a_removed_member_is_an_outsider_from_the_next_request(acme, ada, ben, ben_member):
    members_page(ask(ben), "acme")
    members.remove(ben_member, by=ada)
    with pytest.raises(Http404):
        members_page(ask(ben), "acme")


def test_members_are_refused_on_admin_pages(acme, ben):
    with pytest.raises(PermissionDenied):
        admins_page(ask(ben), "acme")


def test_rights_count_as_they_are_at_each_request(acme, ada, ben, ben_member):
    members.set_admin(ben_member, True, by=ada)
    assert admins_page(ask(ben), "acme").status_code == 200
    members.set_admin(ben_member, False, by=ada)
    with pytest.raises(PermissionDenied):
        admins_page(ask(ben), "acme")


def test_anonymous_people_log_in_first_and_come_back(acme):
    for page, args in ((hello, ()), (members_page, ("acme",)), (admins_page, ("acme",)), (members_page, ("no",))):
        answer = page(ask(AnonymousUser()), *args)
        assert (answer.status_code, answer["Location"]) == (302, "/account/login/?next=/w/acme/x/%3Fa%3D1")
    assert members_page(ask(AnonymousUser(), method="post"), "acme")["Location"] == "/account/login/?next=/"


def test_an_open_page_is_led_to_the_login_as_a_whole(acme):
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/w/acme/live-feed/?q=is%3Aopened"}
    answer = members_page(ask(AnonymousUser(), **headers), "acme")
    assert (answer.status_code, answer["HX-Redirect"]) == (
        200,
        "/account/login/?next=/w/acme/live-feed/%3Fq%3Dis%253Aopened",
    )
    headers["HX-Current-URL"] = "https://elsewhere.example/"
    assert members_page(ask(AnonymousUser(), **headers), "acme")["HX-Redirect"] == "/account/login/?next=/"


def test_the_last_workspace_is_remembered_but_not_by_a_page_in_the_background(acme, ben, globex):
    members.add(globex, ben)
    members_page(ask(ben), "acme")
    assert User.objects.get(pk=ben.pk).last_workspace == acme
    members_page(ask(ben, **{"HX-Request": "true"}), "globex")
    assert User.objects.get(pk=ben.pk).last_workspace == acme
    members_page(ask(ben), "globex")
    assert User.objects.get(pk=ben.pk).last_workspace == globex


def test_the_gate_asks_the_database_once(acme, ben, django_assert_num_queries):
    members_page(ask(ben), "acme")
    ben.refresh_from_db()
    with django_assert_num_queries(1):
        members_page(ask(ben), "acme").content  # noqa: B018
