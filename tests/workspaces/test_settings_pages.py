"""Profile, General and leaving: the pages that change one thing each."""

from datetime import UTC, datetime

import pytest
import time_machine
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from tests.people import log_in
from workspaces import time_zones
from workspaces.domains import clean_domains
from workspaces.forms import DomainsField
from workspaces.models import User, Workspace

PROFILE = "/w/acme/settings/profile/"
GENERAL = "/w/acme/admin/general/"


def save(browser, path, **fields):
    """Post the form; the sentences of its errors, [] when it was saved."""
    answer = browser.post(path, fields)
    if answer.status_code == 302:
        assert answer["Location"] == path
        return []
    return [error for errors in answer.context["form"].errors.values() for error in errors]


def test_profile_saves_name_and_time_zone(acme, ben):
    browser = log_in(ben)
    assert save(browser, PROFILE, name="Ben Ito", time_zone="tokyo", email="x@y.example", is_staff="on") == []
    ben.refresh_from_db()
    assert (ben.name, ben.time_zone, ben.email, ben.is_staff) == ("Ben Ito", "Asia/Tokyo", "ben@acme.example", False)
    page = browser.get(PROFILE).content.decode()
    assert "Your profile is saved." in page


@pytest.mark.parametrize(("name", "zone"), [("", "UTC"), ("Ben", ""), ("Ben", "Atlantis"), ("B\0n", "UTC")])
def test_profile_refuses_what_is_none(acme, ben, name, zone):
    assert len(save(log_in(ben), PROFILE, name=name, time_zone=zone)) == 1
    assert User.objects.get(pk=ben.pk).name == "Ben"


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (" europe/berlin ", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("Buenos Aires", None),
        ("America/Argentina/Buenos Aires", "America/Argentina/Buenos_Aires"),
        ("utc", "UTC"),
        ("posixrules", None),
        ("../etc/passwd", None),
    ],
)
def test_time_zones_are_found_as_people_type_them(typed, found):
    assert time_zones.find(typed) == found


def test_every_offered_time_zone_is_understood_as_itself():
    assert len(time_zones.names()) > 400
    assert [name for name in time_zones.names() if time_zones.find(name) != name] == []


def test_pages_show_times_in_the_persons_zone(acme, ada):
    User.objects.filter(pk=ada.pk).update(time_zone="Asia/Tokyo")
    Workspace.objects.update(created_at="2026-11-23T20:30:00Z")
    assert "24 Nov 2026, 05:30" in log_in(ada).get(GENERAL).content.decode()
    User.objects.filter(pk=ada.pk).update(time_zone="Nowhere/Else")
    assert "23 Nov 2026, 20:30" in log_in(ada).get(GENERAL).content.decode()


def test_a_member_leaves(acme, ben, ben_member):
    browser = log_in(ben)
    assert browser.post(f"{PROFILE}leave/")["Location"] == "/"
    ben_member.refresh_from_db()
    assert ben_member.left_at is not None
    assert browser.get(PROFILE).status_code == 404


def test_the_last_admin_does_not_leave(acme, ada, ada_member):
    browser = log_in(ada)
    assert browser.post(f"{PROFILE}leave/")["Location"] == PROFILE
    page = browser.get(PROFILE).content.decode()
    assert "A workspace needs an admin: make somebody else an admin first." in page
    ada_member.refresh_from_db()
    assert ada_member.left_at is None


def test_general_saves_and_records_what_changed(acme, ada):
    browser = log_in(ada)
    fields = {"name": "Acme Inc", "own_domains": "Acme.example\n@acme.test, acme.test", "retention_days": "30"}
    assert save(browser, GENERAL, **fields, plan="free", slug="stolen") == []
    acme.refresh_from_db()
    assert (acme.name, acme.own_domains, acme.retention_days) == ("Acme Inc", ["acme.example", "acme.test"], 30)
    assert (acme.plan, acme.slug) == ("enterprise", "acme")
    entry = acme.audit_entries.latest("pk")
    assert (entry.action, entry.actor, entry.details) == (
        "workspace.changed",
        ada,
        {
            "name": ["Acme", "Acme Inc"],
            "own_domains": [["acme.example"], ["acme.example", "acme.test"]],
            "retention_days": [15, 30],
        },
    )
    assert save(browser, GENERAL, **fields) == []
    assert acme.audit_entries.latest("pk") == entry


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", " ", "This field is required."),
        ("retention_days", "6", "Ensure this value is greater than or equal to 7."),
        ("retention_days", "366", "Ensure this value is less than or equal to 365."),
        ("own_domains", "acme", "“acme” is not a domain. A domain looks like acme.com."),
        (
            "own_domains",
            "gmail.com",
            "gmail.com belongs to a public mail provider: everybody's mail there would count as internal.",
        ),
        ("own_domains", " ".join(f"d{n}.example" for n in range(51)), "Please enter 50 domains at most."),
    ],
)
def test_general_refuses(acme, ada, field, value, sentence):
    fields = {"name": "Other", "own_domains": "", "retention_days": "20"} | {field: value}
    assert save(log_in(ada), GENERAL, **fields) == [sentence]
    acme.refresh_from_db()
    assert (acme.name, acme.own_domains, acme.retention_days) == ("Acme", ["acme.example"], 15)


@given(st.text(max_size=80))
def test_domains_are_domains_or_refused_whatever_is_typed(typed):
    try:
        domains = clean_domains(typed)
    except ValueError:
        with pytest.raises(ValidationError):
            DomainsField(required=False).clean(typed.replace("\0", "?"))
        return
    assert clean_domains("\n".join(domains)) == domains
    assert [domain for domain in domains if not domain.isascii() or domain != domain.lower()] == []


def test_domains_in_other_scripts_are_kept_in_ascii():
    assert clean_domains("Bücher.example; xn--bcher-kva.example") == ["xn--bcher-kva.example"]


def test_profile_page_suggests_zones_with_their_distance(acme, ben):
    with time_machine.travel(datetime(2026, 7, 1, tzinfo=UTC)):
        page = log_in(ben).get(PROFILE).content.decode()
    assert '<option value="Europe/Berlin">UTC+02:00</option>' in page
    assert '<option value="America/St_Johns">UTC-02:30</option>' in page
    assert '<option value="UTC">UTC+00:00</option>' in page
