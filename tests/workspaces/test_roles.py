"""workspaces/roles.py and the page of the roles."""

import pytest

from tests.people import log_in
from workspaces import invitations, members, roles, signals
from workspaces.errors import MembersError
from workspaces.models import Role

PAGE = "/w/acme/admin/roles/"


def refusal(change, *args, **kwargs):
    """The sentence with which the change is refused."""
    with pytest.raises(MembersError) as raised:
        change(*args, **kwargs)
    return raised.value.user_message


def test_create_tells_the_apps_above(acme, ada):
    heard = []

    def on_role(sender, role, **_kwargs):
        heard.append((role.workspace, role.name, role.is_default))

    signals.role_created.connect(on_role)
    try:
        roles.create_role(acme, "  Sales   team ", by=ada)
    finally:
        signals.role_created.disconnect(on_role)
    assert heard == [(acme, "Sales team", False)]
    assert acme.audit_entries.latest("pk").action == "role.created"


def test_names_are_free_and_not_empty(acme, ada, globex):
    sales = roles.create_role(acme, "Sales", by=ada)
    assert refusal(roles.create_role, acme, "SALES", by=ada) == roles.NAME_TAKEN
    assert refusal(roles.rename_role, sales, "everyone", by=ada) == roles.NAME_TAKEN
    assert refusal(roles.create_role, acme, " ", by=ada) == "Please give the role a name."
    assert roles.rename_role(sales, "sales", by=ada).name == "sales"
    assert [role.name for role in roles.roles_of(acme)] == ["Everyone", "sales"]


def test_who_joins_gets_the_default_role(acme, ada, cleo):
    sales = roles.create_role(acme, "Sales", by=ada)
    roles.make_default(sales, by=ada)
    assert members.add(acme, cleo).role == sales
    assert [(role.name, role.is_default, role.member_count) for role in roles.roles_of(acme)] == [
        ("Sales", True, 1),
        ("Everyone", False, 1),
    ]


def test_only_a_role_without_people_is_deleted(acme, ada, ben_member):
    sales = roles.create_role(acme, "Sales", by=ada)
    members.change_role(ben_member, sales, by=ada)
    assert refusal(roles.delete_role, sales, by=ada) == "Some members are in this role: give them another role first."
    members.remove(ben_member, by=ada)
    invitation, _ = invitations.invite(acme, "dan@acme.example", sales, False, by=ada)
    assert refusal(roles.delete_role, sales, by=ada) == (
        "An open invitation names this role: withdraw the invitation first."
    )
    invitations.withdraw(invitation, by=ada)
    roles.delete_role(sales, by=ada)
    ben_member.refresh_from_db()
    assert ben_member.role.name == "Everyone"
    assert refusal(roles.delete_role, sales, by=ada) == roles.NOT_THERE
    everyone = acme.roles.get()
    assert refusal(roles.delete_role, everyone, by=ada) == (
        "This is the role of new members: make another role the default first."
    )


def test_members_change_no_roles(acme, ben):
    everyone = acme.roles.get()
    for change, args in (
        (roles.create_role, (acme, "Sales")),
        (roles.rename_role, (everyone, "Sales")),
        (roles.make_default, (everyone,)),
        (roles.delete_role, (everyone,)),
    ):
        assert refusal(change, *args, by=ben).startswith("Only an admin of the workspace may do this")


def test_page_lists_and_creates(acme, ada, ben):
    browser = log_in(ada)
    assert browser.post(PAGE, {"name": "Sales"})["Location"] == PAGE
    page = browser.get(PAGE)
    assert [role.name for role in page.context["roles"]] == ["Everyone", "Sales"]
    text = " ".join(page.content.decode().split())
    assert "2 members" in text
    assert "0 members" in text
    assert [str(message) for message in page.context["messages"]] == ["The role Sales is created."]
    answer = browser.post(PAGE, {"name": "sales"})
    assert answer.context["form"].errors == {"name": [roles.NAME_TAKEN]}


def test_page_renames_makes_default_and_deletes(acme, ada):
    sales = Role.objects.create(workspace=acme, name="Sales")
    browser = log_in(ada)

    def post(path, **fields):
        assert browser.post(f"{PAGE}{path}", fields)["Location"] == PAGE
        return [str(message) for message in browser.get(PAGE).context["messages"]]

    assert post(f"{sales.uuid}/rename/", name="Sellers") == ["The role is renamed."]
    assert post(f"{sales.uuid}/rename/", name="x" * 101) == ["Please give the role a name."]
    assert post(f"{sales.uuid}/default/") == ["New members are in the role Sellers from now on."]
    assert post(f"{sales.uuid}/delete/") == ["This is the role of new members: make another role the default first."]
    everyone = acme.roles.get(name="Everyone")
    assert post(f"{everyone.uuid}/delete/") == ["Some members are in this role: give them another role first."]
    assert [(role.name, role.is_default) for role in roles.roles_of(acme)] == [("Sellers", True), ("Everyone", False)]
