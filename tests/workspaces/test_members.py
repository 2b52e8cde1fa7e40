"""workspaces/members.py, joining.py: who belongs to a workspace."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction

from tests.people import make_person
from workspaces import members, signals
from workspaces.members import MembersError
from workspaces.models import AuditEntry, Membership, Role, User, Workspace


def audit_of(workspace):
    """Every entry of the workspace, oldest first."""
    entries = workspace.audit_entries.order_by("pk").select_related("actor")
    return [(e.action, e.actor and e.actor.name, e.target, e.details) for e in entries]


def test_create_workspace_makes_its_creator_admin_of_a_default_role(db):
    ada = make_person("Ada")
    heard = []

    def on_workspace(sender, workspace, **_kwargs):
        heard.append(("workspace", workspace.name, workspace.roles.count()))

    def on_role(sender, role, **_kwargs):
        heard.append(("role", role.name, role.is_default))

    signals.workspace_created.connect(on_workspace)
    signals.role_created.connect(on_role)
    try:
        membership = members.create_workspace("  Acme Sales  ", ada)
    finally:
        signals.workspace_created.disconnect(on_workspace)
        signals.role_created.disconnect(on_role)

    workspace = membership.workspace
    assert (workspace.name, workspace.slug, workspace.own_domains) == ("Acme Sales", "acme-sales", ["acme.example"])
    assert (workspace.plan, workspace.retention_days) == ("enterprise", 15)
    assert (membership.is_admin, membership.role.name, membership.role.is_default) == (True, "Everyone", True)
    assert heard == [("workspace", "Acme Sales", 0), ("role", "Everyone", True)]
    assert User.objects.get().last_workspace == workspace
    assert audit_of(workspace) == [("workspace.created", "Ada", "Acme Sales", {})]


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Acme", "acme"), ("Zürich & Söhne", "zurich-sohne"), ("株式会社", "team"), ("x" * 200, "x" * 50)],
)
def test_create_workspace_makes_a_slug_of_any_name(db, name, slug):
    membership = members.create_workspace(name, make_person("Ada"))
    assert (membership.workspace.name, membership.workspace.slug) == (name, slug)


def test_create_workspace_keeps_slugs_apart(acme, cleo):
    slug = members.create_workspace("Acme", cleo).workspace.slug
    assert slug != acme.slug
    assert slug[:5] == "acme-"
    assert len(slug) == 9


def test_create_workspace_wants_a_name(db):
    ada = make_person("Ada")
    with pytest.raises(MembersError) as raised:
        members.create_workspace("   ", ada)
    assert raised.value.user_message == "Please give the workspace a name."
    assert Workspace.objects.count() == 0


@pytest.mark.parametrize(
    ("domain", "verified", "own_domains"),
    [
        ("acme.example", True, ["acme.example"]),
        ("acme.example", False, []),
        ("gmail.com", True, []),
        ("mail.yahoo.co.uk", True, []),
    ],
)
def test_own_domain_is_proposed_from_a_verified_address_of_a_company(db, domain, verified, own_domains):
    ada = make_person("Ada", domain, verified=verified)
    assert members.create_workspace("Acme", ada).workspace.own_domains == own_domains


def test_find_member_knows_every_verified_address(acme, ben_member, cleo):
    ben_member.user.emailaddress_set.create(email="ben@private.example", verified=True)
    ben_member.user.emailaddress_set.create(email="ben@unverified.example", verified=False)
    assert members.find_member(acme, " BEN@acme.example ") == ben_member
    assert members.find_member(acme, "ben@private.example") == ben_member
    assert members.find_member(acme, "ben@unverified.example") is None
    assert members.find_member(acme, cleo.email) is None
    assert members.find_member(acme, "nobody@acme.example") is None


def test_find_members_asks_once_for_all(acme, ada_member, ben_member, django_assert_num_queries):
    emails = ["ada@acme.example", "BEN@acme.example", "nobody@acme.example"]
    with django_assert_num_queries(2):
        found = members.find_members(acme, emails)
    assert found == {"ada@acme.example": ada_member, "ben@acme.example": ben_member}


def test_find_member_forgets_who_left_or_was_deactivated(acme, ada, ben_member):
    members.remove(ben_member, by=ada)
    assert members.find_member(acme, "ben@acme.example") is None
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert members.find_member(acme, "ada@acme.example") is None


def test_live_memberships_are_sorted_by_name(acme, ada_member, ben_member, cleo_member):
    assert list(members.live_memberships(acme)) == [ada_member, ben_member]


def test_change_role_to_one_of_the_workspace(acme, ada, ben_member, globex):
    role = Role.objects.create(workspace=acme, name="Sales")
    members.change_role(ben_member, role, by=ada)
    ben_member.refresh_from_db()
    assert ben_member.role == role
    assert audit_of(acme)[-1] == (
        "member.role_changed",
        "Ada",
        "ben@acme.example",
        {"role": ["Everyone", "Sales"]},
    )
    with pytest.raises(MembersError) as raised:
        members.change_role(ben_member, globex.roles.get(), by=ada)
    assert raised.value.user_message == "This role does not exist any more. Please choose another one."
    ben_member.refresh_from_db()
    assert ben_member.role == role


def test_set_admin_and_back(acme, ada, ada_member, ben, ben_member):
    members.set_admin(ben_member, True, by=ada)
    members.set_admin(ada_member, False, by=ben)
    ada_member.refresh_from_db()
    ben_member.refresh_from_db()
    assert (ada_member.is_admin, ben_member.is_admin) == (False, True)
    assert audit_of(acme)[-2:] == [
        ("member.admin_changed", "Ada", "ben@acme.example", {"admin": True}),
        ("member.admin_changed", "Ben", "ada@acme.example", {"admin": False}),
    ]


def test_the_last_admin_stays(acme, ada, ada_member, ben_member):
    for attempt in (
        lambda: members.set_admin(ada_member, False, by=ada),
        lambda: members.remove(ada_member, by=ada),
        lambda: members.remove(ada_member, by=None),
    ):
        with pytest.raises(MembersError) as raised:
            attempt()
        assert raised.value.user_message == "A workspace needs an admin: make somebody else an admin first."
    ada_member.refresh_from_db()
    assert (ada_member.is_admin, ada_member.left_at) == (True, None)


def test_a_deactivated_admin_does_not_count(acme, ada, ada_member, ben, ben_member):
    members.set_admin(ben_member, True, by=ada)
    User.objects.filter(pk=ben.pk).update(is_active=False)
    with pytest.raises(MembersError):
        members.set_admin(ada_member, False, by=ada)


def test_who_is_no_admin_any_more_changes_nothing(acme, ada, ada_member, ben, ben_member):
    members.set_admin(ben_member, True, by=ada)
    members.set_admin(ada_member, False, by=ben)
    for attempt in (
        lambda: members.set_admin(ben_member, False, by=ada),
        lambda: members.remove(ben_member, by=ada),
        lambda: members.change_role(ben_member, acme.roles.get(), by=ada),
        lambda: members.invite(acme, "dan@acme.example", acme.roles.get(), False, by=ada),
    ):
        with pytest.raises(MembersError) as raised:
            attempt()
        assert raised.value.user_message == (
            "Only an admin of the workspace may do this, and you are not one any more."
        )
    assert acme.invitations.count() == 0


def test_remove_tells_the_apps_above_and_keeps_the_row(acme, ada, ben, ben_member):
    User.objects.filter(pk=ben.pk).update(last_workspace=acme)
    heard = []

    def on_removed(sender, membership, **_kwargs):
        heard.append((membership.pk, membership.left_at is not None, connection.in_atomic_block))

    signals.member_removed.connect(on_removed)
    try:
        members.remove(ben_member, by=ada)
    finally:
        signals.member_removed.disconnect(on_removed)
    assert heard == [(ben_member.pk, True, True)]
    ben.refresh_from_db()
    assert ben.last_workspace is None
    assert audit_of(acme)[-1] == ("member.removed", "Ada", "ben@acme.example", {"role": "Everyone"})
    with pytest.raises(MembersError) as raised:
        members.remove(ben_member, by=ada)
    assert raised.value.user_message == "This person is not a member any more."


def test_a_member_may_leave(acme, ben, ben_member):
    members.remove(ben_member, by=ben)
    ben_member.refresh_from_db()
    assert ben_member.left_at is not None
    assert audit_of(acme)[-1] == ("member.left", "Ben", "ben@acme.example", {"role": "Everyone"})


def test_who_comes_back_gets_the_same_membership(acme, ada, ben, ben_member):
    role = Role.objects.create(workspace=acme, name="Sales")
    members.remove(ben_member, by=ada)
    assert members.add(acme, ben, role=role, is_admin=True) == ben_member
    ben_member.refresh_from_db()
    assert (ben_member.role, ben_member.is_admin, ben_member.left_at) == (role, True, None)


def test_add_leaves_a_member_as_is_but_may_make_an_admin(acme, ada_member, ben, ben_member):
    role = Role.objects.create(workspace=acme, name="Sales")
    members.add(acme, ben, role=role)
    ben_member.refresh_from_db()
    assert (ben_member.role.name, ben_member.is_admin) == ("Everyone", False)
    members.add(acme, ben, is_admin=True)
    ben_member.refresh_from_db()
    assert ben_member.is_admin is True
    assert Membership.objects.filter(workspace=acme).count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_admins_who_act_at_once_leave_one_admin():
    """200 rounds of demotion and leaving, of each other and of oneself, by two people at the same moment."""
    ada, ben = make_person("Ada"), make_person("Ben")
    acme = members.create_workspace("Acme", ada).workspace
    members.add(acme, ben, is_admin=True)
    barrier = threading.Barrier(2, timeout=30)
    unexpected = []

    def act(me, other):
        try:
            for round_ in range(200):
                restore = members.add(acme, me, is_admin=True)
                barrier.wait()
                target = restore if round_ % 2 else acme.memberships.get(user=other)
                try:
                    if round_ % 4 < 2:
                        members.set_admin(target, False, by=me)
                    else:
                        members.remove(target, by=me)
                except MembersError:
                    pass
                barrier.wait()
                live = acme.memberships.filter(is_admin=True, left_at=None).count()
                if live != 1:
                    unexpected.append((round_, live))
                barrier.wait()
        except Exception as error:
            barrier.abort()
            unexpected.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=pair) for pair in ((ada, ben), (ben, ada))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert unexpected == []


@pytest.mark.django_db(transaction=True)
def test_the_database_itself_keeps_an_admin():
    """Two transactions that go round the code each take one of the two admins away: the second is refused."""
    ada, ben = make_person("Ada"), make_person("Ben")
    acme = members.create_workspace("Acme", ada).workspace
    members.add(acme, ben, is_admin=True)
    both_wrote = threading.Barrier(2, timeout=30)
    ends = []

    def demote(user):
        try:
            with transaction.atomic():
                acme.memberships.filter(user=user).update(is_admin=False)
                both_wrote.wait()
            ends.append("committed")
        except IntegrityError:
            ends.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=demote, args=(user,)) for user in (ada, ben)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["committed", "refused"]
    assert acme.memberships.filter(is_admin=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_database_lets_rights_be_handed_over_and_a_workspace_end():
    ada, ben = make_person("Ada"), make_person("Ben")
    acme = members.create_workspace("Acme", ada).workspace
    members.add(acme, ben)
    with transaction.atomic():
        acme.memberships.filter(user=ada).update(is_admin=False)
        acme.memberships.filter(user=ben).update(is_admin=True)
    with pytest.raises(IntegrityError, match="a workspace needs an admin"):
        acme.memberships.filter(user=ben).delete()
    acme.memberships.all().update(is_admin=True)
    AuditEntry.objects.all().delete()
    with transaction.atomic():
        Membership.objects.filter(workspace=acme).delete()
        acme.delete()
    assert Workspace.objects.count() == 0
