"""The permission table: what is asked, what a missing right stops, and what follows from it."""

from datetime import timedelta
from xml.etree import ElementTree

import pytest
import time_machine
from django.utils import timezone

from integrations import needs, permission_set, preflight, upkeep
from integrations.connections import connection_of
from integrations.models import Connection
from integrations.needs import Level
from integrations.salesforce.errors import ApiDisabled
from tests.integrations.journeys import BEN, Journey
from workspaces.models import Membership


def results(rows: list[preflight.Row]) -> dict[str, str]:
    return {row.name: row.result for row in rows if row.result != "pass"}


def fresh(connection: Connection) -> Connection:
    return Connection.objects.get(pk=connection.pk)


def test_a_plain_salesforce_user_has_what_is_needed(bens_connection: Connection) -> None:
    rows = preflight.run(bens_connection)

    assert {row.name for row in rows if row.fails and row.level == "needed"} == set()
    assert results(rows)["Campaigns and campaign members"] == "not_needed"
    assert fresh(bens_connection).preflight == preflight.to_json(rows)


def test_the_sync_user_is_never_asked_for_modify_all_data(org, bens_connection: Connection) -> None:
    rows = {row.name: (row.level, row.result) for row in preflight.rows_of(fresh(org.sync_user).preflight)}

    assert rows["API Enabled"] == ("needed", "pass")
    assert rows["View All Users"][0] == "widens"
    for name in ("Modify All Data", "View Setup and Configuration", "Customize Application"):
        assert rows[name] == ("not_needed", "not_needed")
    assert "Edit Tasks" not in rows, "a Sync User of its own writes nothing"


@pytest.mark.parametrize(
    ("take_away", "missing", "state"),
    [
        (lambda org: org.deny(BEN, "Lead", "crud"), {"Read Leads", "Fields of Leads"}, "connected"),
        (lambda org: org.hide_field("Contact", "Email", BEN), {"Fields of Contacts"}, "connected"),
        (lambda org: org.deny(BEN, "Event", "c"), {"Create Events"}, "connected"),
        (
            lambda org: org.permit(BEN, "EditTask", False),
            {"Edit Tasks", "Create Tasks", "Update Tasks"},
            "needs_attention",
        ),
    ],
    ids=["object", "field", "meetings", "tasks"],
)
def test_a_missing_right_is_named_with_what_it_stops(
    take_away, missing: set[str], state: str, bens_connection: Connection, bens_browser: Journey
) -> None:
    take_away(bens_browser.stand_in.org)

    rows = preflight.run(bens_connection)

    failed = [row for row in rows if row.fails and row.level == "needed"]
    assert {row.name for row in failed} == missing
    assert all(row.stops and row.where.startswith("Setup › ") for row in failed)
    assert fresh(bens_connection).state == state
    page = bens_browser.page("integrations")
    assert all(row.where in page for row in failed)


def test_what_everything_depends_on_holds_and_heals_with_check_again(
    bens_connection: Connection, bens_browser: Journey, mailoutbox: list
) -> None:
    org = bens_browser.stand_in.org
    org.permit(BEN, "EditTask", False)
    bens_browser.post("salesforce_check")
    bens_browser.post("salesforce_check")
    row = fresh(bens_connection)
    assert (row.state, row.cause, "Edit Tasks" in row.cause_text) == ("needs_attention", "permission_lost", True)
    assert [letter.to for letter in mailoutbox] == [["ben@acme.example"]]

    org.permit(BEN, "EditTask")
    bens_browser.post("salesforce_check")

    row = fresh(bens_connection)
    assert (row.state, row.cause, row.cause_text) == ("connected", "", "")


def test_api_switched_off_needs_attention_and_the_daily_check_finds_it_mended(
    bens_connection: Connection, bens_browser: Journey
) -> None:
    org = bens_browser.stand_in.org
    org.permit(BEN, "ApiEnabled", False)
    with pytest.raises(ApiDisabled):
        preflight.run(bens_connection)
    assert fresh(bens_connection).cause == "api_disabled"

    org.permit(BEN, "ApiEnabled")
    with time_machine.travel(timezone.now() + timedelta(hours=25), tick=True):
        upkeep.check_permissions()

    assert fresh(bens_connection).state == "connected"


def test_permission_errors_ask_for_a_check_at_most_hourly(bens_connection: Connection) -> None:
    Connection.objects.filter(pk=bens_connection.pk).update(preflight_at=timezone.now() - timedelta(hours=2))

    assert preflight.run_soon(bens_connection)
    assert not preflight.run_soon(bens_connection)


def test_the_confirm_page_shows_the_table_before_anything_is_active(
    org, bens_browser: Journey, ben_member: Membership
) -> None:
    bens_browser.stand_in.org.permit(BEN, "EditEvent", False)

    page = bens_browser.client.get(bens_browser.arrive(BEN).url).content.decode()

    assert "Meetings are not logged." in page
    assert "System Permissions › Edit Events" in page
    assert connection_of(ben_member) is None


def test_the_permission_set_holds_exactly_what_is_needed(bens_browser: Journey) -> None:
    answer = bens_browser.client.get(bens_browser.url("salesforce_permission_set"))
    root = ElementTree.fromstring(answer.content)
    tag = f"{{{permission_set.NAMESPACE}}}"

    def groups(name: str, key: str) -> dict[str, set[str]]:
        return {
            group.findtext(tag + key): {child.tag.removeprefix(tag) for child in group if child.text == "true"}
            for group in root.iter(tag + name)
        }

    assert answer["Content-Disposition"] == 'attachment; filename="Touchline.permissionset-meta.xml"'
    assert groups("userPermissions", "name") == {
        name: {"enabled"} for name in ("ApiEnabled", "ActivitiesAccess", "EditTask", "EditEvent")
    }
    assert groups("objectPermissions", "object") == {
        name: {"allowRead"} for name in ("Account", "Contact", "Lead", "Opportunity")
    }
    assert groups("fieldPermissions", "field") == {name: {"readable"} for name in ("Contact.Email", "Lead.Email")}


def test_every_need_says_what_stops_and_where() -> None:
    for need in needs.NEEDS:
        assert bool(need.stops and need.where) == (need.level is not Level.NOT_NEEDED), need.name
        assert bool(need.permission) + bool(need.object_name) <= 1, need.name


@pytest.mark.parametrize(
    ("edition", "access"),
    [
        ("Enterprise Edition", "yes"),
        ("Developer Edition", "yes"),
        ("Professional Edition", "add-on"),
        ("Team Edition", "no"),
    ],
)
def test_editions(edition: str, access: str) -> None:
    assert preflight.api_access(edition) == access


def test_an_edition_without_api_is_explained(adas_browser: Journey) -> None:
    adas_browser.stand_in.org.enable_api(False)

    adas_browser.arrive("sync@touchline.example", "sync_user_begin", issuer="production")

    assert "Salesforce did not connect you" in adas_browser.page("workspace_integrations")
    assert [grant.is_live for grant in adas_browser.stand_in.oauth.grants] == [False]
