"""Keys of our API: shown once, kept as a digest, ended at once."""

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from integrations import api_keys
from integrations.models import ApiKey
from tests.people import log_in
from workspaces import members
from workspaces.models import AuditEntry, Membership, User, Workspace


def test_a_key_opens_its_workspace_and_only_its_digest_is_kept(acme: Workspace, ada: User) -> None:
    key, text = api_keys.create(acme, "Mail gateway", by=ada)

    assert re.fullmatch(r"tl_[A-Za-z0-9_-]{43}", text)
    found = api_keys.authenticate(text)
    assert (found, found.workspace) == (key, acme)
    stored = ApiKey.objects.values().get()
    assert text not in str(stored)
    assert stored["prefix"] == text[:10]
    found.refresh_from_db()
    assert found.last_used_at is not None


@pytest.mark.parametrize(
    "change", [str.lower, str.upper, lambda text: text[:-1], lambda text: text + "A", lambda _: ""]
)
def test_a_wrong_key_opens_nothing(acme: Workspace, change) -> None:
    _, text = api_keys.create(acme, "x", by=None)
    assert change(text) != text

    assert api_keys.authenticate(change(text)) is None


def test_a_revoked_key_opens_nothing_at_once(acme: Workspace, ada: User) -> None:
    key, text = api_keys.create(acme, "x", by=ada)
    api_keys.revoke(key, by=ada)
    api_keys.revoke(key, by=ada)

    assert api_keys.authenticate(text) is None
    actions = AuditEntry.objects.filter(action__startswith="api_key").order_by("created_at")
    assert list(actions.values_list("action", "target")) == [("api_key.created", "x"), ("api_key.revoked", "x")]


def test_the_page_shows_a_new_key_once(ada_member: Membership) -> None:
    browser, url = log_in(ada_member.user), f"/w/{ada_member.workspace.slug}/admin/api-keys/"
    answer = browser.post(url, {"name": "Mail gateway"}).content.decode()
    text = re.search(r'value="(tl_[^"]+)"', answer)[1]

    assert api_keys.authenticate(text) is not None
    assert text not in browser.get(url).content.decode()
    browser.post(f"{url}{ApiKey.objects.get().uuid}/revoke/")
    assert api_keys.authenticate(text) is None
    assert "Revoked" in browser.get(url).content.decode()


def test_keys_of_who_left_are_told_to_the_admins_and_marked(
    ada_member: Membership, ben_member: Membership, mailoutbox: list, django_capture_on_commit_callbacks
) -> None:
    acme, ada, ben = ada_member.workspace, ada_member.user, ben_member.user
    members.set_admin(ben_member, True, by=ada)
    for name, maker in (("Mail gateway", ben), ("Sequencer", ben), ("Own", ada), ("Operator's", None)):
        api_keys.create(acme, name, by=maker)
    api_keys.revoke(ApiKey.objects.get(name="Sequencer"), by=ada)
    marked = "Known to a former admin"
    browser, url = log_in(ada), f"/w/{acme.slug}/admin/api-keys/"
    assert browser.get(url).content.decode().count(marked) == 0

    with django_capture_on_commit_callbacks(execute=True):
        members.remove(ben_member, by=ada)

    (letter,) = mailoutbox
    assert (letter.to, letter.subject) == (["ada@acme.example"], "Ben has left Acme and may know API keys")
    assert [each for each in ("Mail gateway", "Sequencer", "Own") if f"- {each}\n" in letter.body] == ["Mail gateway"]
    assert f"http://testserver{url}" in letter.body
    assert browser.get(url).content.decode().count(marked) == 1
    assert {key.name: key.knower_left for key in api_keys.keys_of(acme)} == {
        "Mail gateway": True,
        "Sequencer": False,
        "Own": False,
        "Operator's": False,
    }


def test_who_made_no_key_leaves_without_a_letter(
    ada_member: Membership, ben_member: Membership, mailoutbox: list, django_capture_on_commit_callbacks
) -> None:
    api_keys.create(ada_member.workspace, "Own", by=ada_member.user)
    with django_capture_on_commit_callbacks(execute=True):
        members.remove(ben_member, by=ada_member.user)

    assert mailoutbox == []


def test_members_and_other_workspaces_have_no_say(
    acme: Workspace, ben_member: Membership, cleo_member: Membership
) -> None:
    key, text = api_keys.create(acme, "x", by=None)
    own = f"/w/{acme.slug}/admin/api-keys/{key.uuid}/revoke/"
    foreign = f"/w/{cleo_member.workspace.slug}/admin/api-keys/{key.uuid}/revoke/"

    assert log_in(ben_member.user).post(own).status_code == 403
    assert log_in(cleo_member.user).post(own).status_code == 404
    assert log_in(cleo_member.user).post(foreign).status_code == 404
    assert api_keys.authenticate(text) == key


def test_the_command_prints_the_key_on_its_last_line(acme: Workspace) -> None:
    out = StringIO()
    call_command("create_api_key", acme.slug, "--name", "Demo", stdout=out)

    key = api_keys.authenticate(out.getvalue().splitlines()[-1])
    assert (key.workspace, key.name) == (acme, "Demo")
    with pytest.raises(CommandError, match='no workspace "absent"'):
        call_command("create_api_key", "absent", "--name", "Demo")
