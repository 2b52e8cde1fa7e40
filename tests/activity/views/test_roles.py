"""A role's settings page and the confirmation of all roles."""

import re

import pytest

from activity.exclusions import add_for_role, add_personal
from activity.forms.role import TEMPLATES_OF, RoleSettingsForm
from activity.models import Exclusion, ExclusionKind, LoggingSettings
from activity.pipeline.compose import SUBJECT_TEMPLATES
from activity.queries.role import saved_settings
from activity.settings import SWITCHES, save_settings
from tests.people import log_in
from workspaces.models import AuditEntry, Role

CONFIRM = "/w/acme/admin/roles/confirm/"


@pytest.fixture
def role(ada_member) -> Role:
    """The role of Ada and Ben."""
    return ada_member.role


@pytest.fixture
def browser(ada):
    return log_in(ada)


def page_of(role, part="") -> str:
    return f"/w/acme/admin/roles/{role.uuid}/{part}"


def filled(role, **changes) -> dict:
    """What the browser sends when the page is saved with these changes; None leaves a field out (a switch off)."""
    form = RoleSettingsForm(instance=saved_settings(role))
    data = {name: form[name].value() for name in form.fields} | changes
    return {name: value for name, value in data.items() if value not in (None, False)}


def test_it_works(browser, role):
    response = browser.get(page_of(role))
    content = response.content.decode()

    assert response.status_code == 200
    for section in (
        "When composing an email",
        "Log these activities to Salesforce",
        "Log to these related objects in Salesforce",
        "Additional activity logging parameters",
        "Exclusions",
        "Individuals in this role can manage their own Salesforce settings",
    ):
        assert section in content
    assert "style=" not in content
    assert "mailer-daemon@" in content


def test_every_switch_has_its_templates_and_every_template_its_switch():
    assert set(TEMPLATES_OF) == set(SWITCHES)
    assert sorted(name for names in TEMPLATES_OF.values() for name in names) == sorted(SUBJECT_TEMPLATES)


def test_saving_makes_a_version_and_keeps_only_what_differs(browser, role, ada):
    data = filled(role, log_sent=None, log_opened="on", hold_minutes=5, template_opened="Read: {subject}")

    page = browser.post(page_of(role), data, follow=True)

    settings = LoggingSettings.objects.get(role=role)
    assert (settings.log_sent, settings.log_opened, settings.hold_minutes) == (False, True, 5)
    assert settings.subject_templates == {"opened": "Read: {subject}"}
    version = settings.versions.order_by("number").last()
    assert (version.changed_by, version.number) == (ada, settings.version)
    assert f"Saved as version {settings.version}." in page.content.decode()
    assert AuditEntry.objects.filter(action="settings.saved", actor=ada).count() == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hold_minutes": 1441}, "1440"),
        ({"hold_minutes": -1}, "0"),
        ({"body": "everything"}, "valid choice"),
        ({"template_opened": "{secret} was read"}, "Nothing fills {secret}."),
        ({"template_opened": "x" * 256}, "255"),
    ],
)
def test_what_is_not_valid_is_said_and_nothing_is_saved(browser, role, change, words):
    before = LoggingSettings.objects.filter(role=role).values().first()

    page = browser.post(page_of(role), filled(role, **change))

    assert page.status_code == 200
    assert words in page.content.decode()
    assert LoggingSettings.objects.filter(role=role).values().first() == before


def test_the_preview_shows_subjects_and_estimate_and_saves_nothing(browser, role):
    before = LoggingSettings.objects.filter(role=role).values().first()

    preview = browser.post(page_of(role, "preview/"), filled(role, template_opened="Read: <{subject}>"))

    text = preview.content.decode()
    assert 'id="preview-opened"' in text
    assert "Read: &lt;Pricing for 40 seats&gt;" in text
    assert "would have produced 0 records in Salesforce." in text
    assert LoggingSettings.objects.filter(role=role).values().first() == before


def test_the_preview_of_something_wrong_is_still_a_preview(browser, role):
    data = filled(role, hold_minutes=9999, template_opened="{nothing}", template_clicked="Went to {url}")

    text = browser.post(page_of(role, "preview/"), data).content.decode()
    assert "Went to https://example.com/pricing" in text


def test_exclusions_come_and_go(browser, role):
    browser.post(page_of(role, "exclusions/"), {"kind": "domain", "value": "Competitor.example"})
    page = browser.post(page_of(role, "overrides/"), {"value": "noreply"}, follow=True)
    assert "noreply@ is logged" in page.content.decode()

    rule, override = Exclusion.objects.order_by("id")
    assert (rule.value, override.value, override.is_override) == ("competitor.example", "noreply", True)
    for entry in (rule, override):
        browser.post(page_of(role, f"exclusions/{entry.uuid}/remove/"))
    assert not Exclusion.objects.exists()


@pytest.mark.parametrize(("part", "data"), [("exclusions/", {"kind": "domain", "value": "x"}), ("overrides/", {})])
def test_what_cannot_be_on_a_list_is_refused_with_a_sentence(browser, role, part, data):
    page = browser.post(page_of(role, part), data, follow=True)

    assert "Please write" in page.content.decode()
    assert not Exclusion.objects.exists()


def test_personal_lists_cannot_be_reached_from_a_role(browser, role, ben_member):
    entry = add_personal(ben_member, ExclusionKind.DOMAIN, "doctor.example")

    assert browser.post(page_of(role, f"exclusions/{entry.uuid}/remove/")).status_code == 404
    assert "doctor.example" not in browser.get(page_of(role)).content.decode()


def test_a_version_is_restored_as_a_new_one(browser, role, ada):
    save_settings(role, {"hold_minutes": 5}, ada)
    number = save_settings(role, {"hold_minutes": 9}, ada).version

    browser.post(page_of(role, f"versions/{number - 1}/restore/"))

    settings = LoggingSettings.objects.get(role=role)
    assert (settings.hold_minutes, settings.version) == (5, number + 1)
    assert browser.post(page_of(role, "versions/99/restore/")).status_code == 404


def test_all_roles_are_confirmed_at_once(browser, acme, role, ada):
    other = Role.objects.create(workspace=acme, name="Success")
    assert b"Confirm and start logging" in browser.get(CONFIRM).content
    data = {f"{role.uuid}-log_sent": "on", f"{other.uuid}-log_opened": "on"}

    response = browser.post(CONFIRM, data)

    assert response.url == "/w/acme/activity-log/"
    sent, opened = (LoggingSettings.objects.get(role=each) for each in (role, other))
    assert (sent.log_sent, sent.log_opened, sent.log_received) == (True, False, False)
    assert (opened.log_sent, opened.log_opened) == (False, True)
    assert sent.confirmed_at is not None
    assert opened.confirmed_at is not None


def test_confirming_switches_everything_off_where_nothing_is_sent(browser, role):
    browser.post(CONFIRM, {"unrelated": "1"})

    settings = LoggingSettings.objects.get(role=role)
    assert [name for name in SWITCHES.values() if getattr(settings, name)] == []


def test_the_page_says_that_nothing_flows_before_the_confirmation(browser, role):
    assert b"Nothing is logged for this role" in browser.get(page_of(role)).content

    browser.post(CONFIRM, {f"{role.uuid}-log_sent": "on"})
    assert b"Nothing is logged for this role" not in browser.get(page_of(role)).content


SOME_UUID = "01a208a3-868a-78da-9a13-16fef563cffc"
POSTS = ["preview/", "exclusions/", "overrides/", f"exclusions/{SOME_UUID}/remove/", "versions/1/restore/"]


@pytest.mark.parametrize("part", ["", *POSTS])
def test_only_admins_of_the_workspace_come_in(ben, cleo, cleo_member, browser, role, part):
    entry = add_for_role(role, ExclusionKind.DOMAIN, "competitor.example", None)
    part = re.sub(r"exclusions/[0-9a-f-]+/remove", f"exclusions/{entry.uuid}/remove", part)

    assert log_in(ben).post(page_of(role, part)).status_code == 403
    assert log_in(cleo).post(page_of(role, part)).status_code == 404
    assert browser.post(page_of(cleo_member.role, part)).status_code == 404
    assert Exclusion.objects.count() == 1


@pytest.mark.parametrize("part", POSTS)
def test_changes_are_posts(browser, role, part):
    assert browser.get(page_of(role, part)).status_code == 405


def test_confirming_is_for_admins(ben, cleo, acme):
    assert log_in(ben).get(CONFIRM).status_code == 403
    assert log_in(cleo).post(CONFIRM).status_code == 404


@pytest.mark.parametrize("entries", [1, 3])
def test_queries_do_not_grow_with_entries_and_versions(browser, role, ada, django_assert_num_queries, entries):
    for number in range(entries):
        add_for_role(role, ExclusionKind.DOMAIN, f"competitor{number}.example", ada)
        save_settings(role, {"hold_minutes": number + 1}, ada)
    browser.get(page_of(role))

    # session, person, membership, role, settings, versions, lists, workspaces, the number of the unresolved
    with django_assert_num_queries(9):
        browser.get(page_of(role))


@pytest.mark.parametrize("roles", [1, 3])
def test_queries_do_not_grow_with_roles(browser, acme, role, django_assert_num_queries, roles):
    for number in range(roles):
        LoggingSettings.objects.get_or_create(role=Role.objects.create(workspace=acme, name=f"Role {number}"))

    browser.get(CONFIRM)

    # session, person, membership, roles, workspaces, the number of the unresolved
    with django_assert_num_queries(6):
        browser.get(CONFIRM)
