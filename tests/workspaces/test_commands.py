"""create_workspace and add_member: what scripts rely on."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from tests.people import make_person
from workspaces.models import User, Workspace
from workspaces.people import find_or_create_verified, name_of


def run(*args):
    """What the command prints, line by line."""
    out = StringIO()
    call_command(*args, stdout=out)
    return out.getvalue().splitlines()


def can_log_in(email, password):
    """Whether address and password open the door, by the real page."""
    answer = Client().post("/account/login/", {"login": email, "password": password})
    return answer.status_code == 302 and answer["Location"] == "/"


@pytest.mark.django_db
def test_create_workspace_prints_the_slug_last():
    lines = run("create_workspace", "Acme Sales", "--admin-email", "Ada@acme.example", "--admin-password", "s3cret")
    assert lines == ["ada@acme.example is the admin of Acme Sales.", "acme-sales"]
    workspace = Workspace.objects.get()
    membership = workspace.memberships.get()
    assert (membership.user.email, membership.user.name, membership.is_admin) == ("ada@acme.example", "Ada", True)
    assert workspace.own_domains == ["acme.example"]
    assert can_log_in("ada@acme.example", "s3cret")


@pytest.mark.django_db
def test_create_workspace_for_somebody_who_exists_keeps_the_password():
    make_person("Ada")
    assert run("create_workspace", "One", "--admin-email", "ada@acme.example")[-1] == "one"
    assert run("create_workspace", "Two", "--admin-email", "ada@acme.example")[-1] == "two"
    assert User.objects.count() == 1
    assert can_log_in("ada@acme.example", "a-long-password")


@pytest.mark.django_db
def test_create_workspace_is_all_or_nothing():
    for name, email, sentence in (
        ("Acme", "nobody", "This is not a complete e-mail address."),
        (" ", "ada@acme.example", "Please give the workspace a name."),
    ):
        with pytest.raises(CommandError, match=sentence):
            run("create_workspace", name, "--admin-email", email)
    assert (User.objects.count(), Workspace.objects.count()) == (0, 0)


def test_add_member_and_again_as_admin(acme):
    added = ["ben.ito@acme.example is a member of Acme."]
    assert run("add_member", "acme", "--email", "ben.ito@acme.example", "--password", "s3cret") == added
    assert run("add_member", "acme", "--email", "ben.ito@acme.example") == added
    assert can_log_in("ben.ito@acme.example", "s3cret")
    assert run("add_member", "acme", "--email", "ben.ito@acme.example", "--admin") == [
        "ben.ito@acme.example is an admin of Acme."
    ]
    assert acme.memberships.get(user__name="Ben Ito").is_admin is True


def test_add_member_wants_a_workspace_and_an_address(acme):
    with pytest.raises(CommandError, match="There is no workspace “nowhere”"):
        run("add_member", "nowhere", "--email", "ben@acme.example")
    with pytest.raises(CommandError, match="This is not a complete e-mail address"):
        run("add_member", "acme", "--email", "ben")
    assert acme.memberships.count() == 1


@pytest.mark.django_db
def test_a_password_set_by_somebody_who_never_verified_the_address_ends():
    make_person("Ada", verified=False)
    assert not find_or_create_verified("ada@acme.example").has_usable_password()
    assert not can_log_in("ada@acme.example", "a-long-password")


@pytest.mark.django_db
def test_an_additional_verified_address_finds_its_person():
    ada = make_person("Ada")
    ada.emailaddress_set.create(email="ada@private.example", verified=True)
    assert find_or_create_verified("ADA@private.example") == ada
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("email", "name"), [("ada.lovelace+x@a.example", "Ada Lovelace"), ("b_b-i@a.example", "B B I"), ("...@a.b", "")]
)
def test_names_are_made_of_addresses(email, name):
    assert name_of(email) == name
