"""The page on which somebody is created for an unresolved address."""

import re
import uuid

import pytest

from activity.models import Kind, LoggingSettings, PersonCreation
from activity.pipeline.captured import Attendee, Person
from integrations.salesforce.stand_in.faults import Fault
from tests.activity.stories import log, meeting, report, sent, states
from tests.integrations.journeys import BEN
from tests.people import log_in

GRACE = "grace@hopper.example"
UNRESOLVED = "/w/acme/unresolved/"
PAGE = f"{UNRESOLVED}create/"
NOTHING_WAITS = "Nothing waits for this address any more."


@pytest.fixture
def waiting(acme, bens_connection):
    report(acme, sent(1, to=(Person(GRACE, "Hopper, Grace (Navy)"),)))
    log(bens_connection)
    assert states() == [("skipped", "no_match")]


@pytest.fixture
def browser(ben):
    return log_in(ben)


def open_form(browser, **query):
    return browser.get(PAGE, {"address": GRACE, **query})


def fields(page) -> dict[str, str]:
    form = page.context["form"]
    return {field.name: field.value() for field in form if field.name != "token"}


def press(browser, page, **changes):
    """Send the form of a page as it stands."""
    form = page.context["form"]
    data = {field.name: field.value() or "" for field in form}
    data |= {"address": page.context["address"], "kind": page.context["kind"], **changes}
    return browser.post(PAGE, data, follow=True)


def text_of(page) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page.content.decode()))


def leads(salesforce) -> list[str]:
    return [row["Name"] for row in salesforce.org.rows("Lead") if row.get("Email") == GRACE]


@pytest.mark.usefixtures("waiting")
def test_from_the_list_through_the_form_into_salesforce(salesforce, browser, bens_connection):
    link = re.search(rf'href="({PAGE}[^"]+)"', browser.get(UNRESOLVED).content.decode())[1].replace("&amp;", "&")
    page = browser.get(link)
    assert page.context["kind"] == "Lead"
    assert fields(page) == {"first_name": "Grace", "last_name": "Hopper", "company": "Hopper"}
    assert GRACE in page.content.decode()
    assert "style=" not in page.content.decode()

    done = press(browser, page, company="Navy")

    assert f"Grace Hopper is a Lead in Salesforce now. What waits for {GRACE} is logged." in text_of(done)
    assert done.redirect_chain == [(UNRESOLVED, 302)]
    [lead] = [row for row in salesforce.org.rows("Lead") if row.get("Email") == GRACE]
    assert (lead["Company"], lead["CreatedById"]) == ("Navy", salesforce.org.user(BEN)["Id"])
    log(bens_connection)
    assert states() == [("synced", "")]
    assert "Everybody is known" in text_of(browser.get(UNRESOLVED))


@pytest.mark.usefixtures("waiting")
def test_a_contact_has_no_company(salesforce, browser):
    page = open_form(browser, kind="Contact")
    assert fields(page) == {"first_name": "Grace", "last_name": "Hopper"}

    assert "Grace Hopper is a Contact in Salesforce now." in text_of(press(browser, page))


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize(("offer", "kind"), [("off", "Lead"), ("lead", "Lead"), ("contact", "Contact")])
def test_the_role_says_what_comes_first(browser, ben_member, offer, kind):
    LoggingSettings.objects.filter(role=ben_member.role).update(after_unknown=offer)

    assert open_form(browser).context["kind"] == kind


def test_the_name_comes_from_a_meeting_too(acme, browser, bens_connection):
    report(acme, meeting(Kind.MEETING_CONFIRMED, attendees=(Attendee(GRACE, "Grace Murray", "accepted"),)))
    log(bens_connection)

    assert fields(open_form(browser))["last_name"] == "Murray"


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("missing", ["last_name", "company"])
def test_what_is_missing_is_said_beside_its_field(salesforce, browser, missing):
    page = press(browser, open_form(browser), **{missing: " "})

    assert page.context["form"].errors == {missing: ["This field is required."]}
    assert leads(salesforce) == []


@pytest.mark.usefixtures("waiting")
def test_pressed_twice_and_sent_again_it_is_one_lead(salesforce, browser):
    page = open_form(browser)
    pages = [press(browser, page) for _ in range(3)]

    assert [f"is a Lead in Salesforce now. What waits for {GRACE}" in text_of(each) for each in pages] == [True] * 3
    assert leads(salesforce) == ["Grace Hopper"]


@pytest.mark.usefixtures("waiting")
def test_two_tabs_are_one_lead(salesforce, browser):
    first, second = open_form(browser), open_form(browser, kind="Contact")
    press(browser, first)

    assert NOTHING_WAITS in text_of(press(browser, second))
    assert leads(salesforce) == ["Grace Hopper"]
    assert [row for row in salesforce.org.rows("Contact") if row.get("Email") == GRACE] == []


@pytest.mark.usefixtures("waiting")
def test_who_is_there_by_now_is_linked_instead(salesforce, browser, bens_connection):
    page = open_form(browser)
    there = salesforce.org.add("Contact", FirstName="Grace", LastName="Murray", Email=GRACE)
    for found in (press(browser, page), open_form(browser)):
        assert "Somebody in Salesforce has this address already. Link to them instead." in text_of(found)
        assert "Is it this person?" in text_of(found)
        assert [each.id for each in found.context["candidates"]] == [there]
        assert not re.search(r">\s*Create( anyway)?\s*</button>", found.content.decode())

    done = browser.post(f"{UNRESOLVED}link/", {"address": GRACE, "person": there}, follow=True)

    assert "goes to this person from now on." in text_of(done)
    log(bens_connection)
    assert states() == [("synced", "")]
    assert leads(salesforce) == []


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("blocks", [False, True])
def test_a_duplicate_rule_is_shown_with_its_people(salesforce, browser, blocks):
    salesforce.org.add("Lead", FirstName="Grace", LastName="Hopper", Company="Old Navy")
    unseen = salesforce.org.add("Lead", FirstName="Grace", LastName="Hopper", Company="Hidden")
    salesforce.org.hide_from(BEN, [unseen])
    salesforce.org.add_duplicate_rule("Lead", ["FirstName", "LastName"], blocks=blocks)

    page = press(browser, open_form(browser), company="Navy")

    said = text_of(page)
    assert "Use one of these records?" in said
    assert "Lead at Old Navy" in said
    assert "1 more is there that your Salesforce user may not see." in said
    assert "Hidden" not in said
    assert ("Create anyway" in said) is not blocks
    assert fields(page)["company"] == "Navy"
    press(browser, page, anyway="on")
    assert leads(salesforce) == ([] if blocks else ["Grace Hopper"])


@pytest.mark.usefixtures("waiting")
def test_a_lost_answer_is_said_and_not_sent_again(salesforce, browser):
    page = open_form(browser)
    salesforce.faults.add(Fault("process_then_drop", path="sobjects/Lead$"))
    salesforce.org.blind_queries("Lead")

    said = text_of(press(browser, page))
    assert "Salesforce has not answered yet, so nobody knows whether the Lead was created." in said
    assert "Being created…" in text_of(browser.get(UNRESOLVED))
    assert "nobody knows whether the Lead was created" in text_of(open_form(browser))
    assert "nobody knows" in text_of(press(browser, page))
    assert leads(salesforce) == ["Grace Hopper"]


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize(("state", "said"), [("not_created", "never reached"), ("removed", "has deleted it")])
def test_how_it_ended_is_said_to_whoever_sends_the_form_again(salesforce, browser, state, said):
    page = open_form(browser)
    press(browser, page)
    PersonCreation.objects.update(state=state)

    assert said in text_of(press(browser, page))
    assert leads(salesforce) == ["Grace Hopper"]


def test_who_is_not_connected_is_led_to_connecting(acme, org, ada, ada_member):
    report(acme, sent(1, user="ada@acme.example", sender=Person("ada@acme.example"), to=(Person(GRACE),)))
    ada_member.sync_jobs.update(state="skipped", reason="no_match")

    page = log_in(ada).get(PAGE, {"address": GRACE})

    assert "Connect to Salesforce first, then come back." in text_of(page)
    assert 'href="/w/acme/settings/integrations/"' in page.content.decode()
    assert "id_last_name" not in page.content.decode()


@pytest.mark.usefixtures("waiting")
def test_an_obstacle_is_said_before_anything_is_filled_in(salesforce, browser):
    salesforce.org.add_field("Lead", "Region__c", required=True)

    page = open_form(browser)
    assert "requires Region__c of every Lead" in text_of(page)
    assert "id_last_name" not in page.content.decode()
    assert "id_last_name" in open_form(browser, kind="Contact").content.decode()


@pytest.mark.usefixtures("waiting")
def test_an_address_that_is_not_ones_own(salesforce, ada, ada_member):
    browser = log_in(ada)
    data = {"address": GRACE, "kind": "Lead", "token": uuid.uuid4(), "last_name": "Hopper", "company": "Navy"}

    assert NOTHING_WAITS in text_of(browser.get(PAGE, {"address": GRACE}, follow=True))
    assert NOTHING_WAITS in text_of(browser.post(PAGE, data, follow=True))
    assert leads(salesforce) == []


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize(
    "query", [{}, {"address": ""}, {"address": "x" * 400}, {"address": GRACE, "kind": "Account"}]
)
def test_odd_addresses_break_nothing(browser, query):
    assert browser.get(PAGE, query, follow=True).redirect_chain == [(UNRESOLVED, 302)]
    assert browser.post(PAGE, query, follow=True).redirect_chain == [(UNRESOLVED, 302)]


@pytest.mark.usefixtures("waiting")
def test_a_form_without_its_token_creates_nothing(salesforce, browser):
    page = press(browser, open_form(browser), token="")

    assert page.status_code == 200
    assert leads(salesforce) == []


@pytest.mark.usefixtures("waiting")
def test_outsiders_stay_out(cleo, salesforce):
    browser = log_in(cleo)

    assert browser.get(PAGE, {"address": GRACE}).status_code == 404
    assert browser.post(PAGE, {"address": GRACE}).status_code == 404
