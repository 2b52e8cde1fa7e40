"""Ada (admin), Ben (member) and Cleo (another workspace): the people of every test."""

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from workspaces import members
from workspaces.models import Membership, User, Workspace


def make_person(name: str, domain: str = "acme.example", *, verified: bool = True) -> User:
    """Return a person `name@domain` who can log in."""
    user = User.objects.create_user(f"{name.lower()}@{domain}", "a-long-password", name=name)
    EmailAddress.objects.create(user=user, email=user.email, verified=verified, primary=True)
    return user


def log_in(user: User) -> Client:
    """Return a browser in which the person is logged in."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def ada_member(db: None) -> Membership:
    """Ada, admin of Acme."""
    return members.create_workspace("Acme", make_person("Ada"))


@pytest.fixture
def acme(ada_member: Membership) -> Workspace:
    """The workspace of Ada and Ben."""
    return ada_member.workspace


@pytest.fixture
def ada(ada_member: Membership) -> User:
    """The person."""
    return ada_member.user


@pytest.fixture
def ben_member(acme: Workspace) -> Membership:
    """Ben, member of Acme."""
    return members.add(acme, make_person("Ben"))


@pytest.fixture
def ben(ben_member: Membership) -> User:
    """The person."""
    return ben_member.user


@pytest.fixture
def cleo_member(db: None) -> Membership:
    """Cleo, admin of another workspace."""
    return members.create_workspace("Globex", make_person("Cleo", "globex.example"))


@pytest.fixture
def cleo(cleo_member: Membership) -> User:
    """The person."""
    return cleo_member.user


@pytest.fixture
def globex(cleo_member: Membership) -> Workspace:
    """The workspace of Cleo."""
    return cleo_member.workspace
