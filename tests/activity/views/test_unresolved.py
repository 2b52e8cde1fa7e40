"""The page of unresolved addresses."""

from datetime import timedelta

import pytest

from activity.models import DueJob, KnownPerson, Reason, SyncJob, SyncState
from activity.pipeline.captured import Person
from tests.activity.rows import GRACE, NOON, make_job
from tests.activity.stories import NORA, log, report, sent
from tests.people import log_in

PAGE = "/w/acme/unresolved/"


def stuck(owner, address=GRACE, **fields):
    return make_job(owner, SyncState.SKIPPED, reason=Reason.NO_MATCH, recipient=address, **fields)


def addresses_of(response) -> list[str]:
    return [entry.address for entry in response.context["page"].addresses]


def test_it_works(acme, ben, ben_member):
    stuck(ben_member)
    people = [{"id": "003000000000001AAA", "kind": "Contact", "name": "Grace Hopper", "account_name": "Navy"}]
    KnownPerson.objects.create(workspace=acme, address=GRACE, candidates=people, fetched_at=NOON)

    response = log_in(ben).get(PAGE)
    content = response.content.decode()

    assert addresses_of(response) == [GRACE]
    assert "Grace Hopper" in content
    assert "Contact at Navy" in content
    assert "1 person has this address · " in content
    assert "1 activity</a> · newest activity <time" in content
    assert "style=" not in content


def test_every_page_shows_how_many_addresses_wait(ben, ben_member):
    browser, count = log_in(ben), '<span class="count">{}</span>'
    assert '<span class="count">' not in browser.get("/w/acme/live-feed/").content.decode()
    for number in range(10):
        stuck(ben_member, f"p{number}@hopper.example")

        page = browser.get("/w/acme/live-feed/").content.decode()
        assert count.format(number + 1 if number < 9 else "9+") in page


def test_everybody_sees_the_own_ones_only(ada, ada_member, ben, ben_member):
    stuck(ben_member)

    assert addresses_of(log_in(ada).get(PAGE)) == []
    assert b"Everybody is known" in log_in(ada).get(PAGE).content


@pytest.mark.parametrize(("kind", "value"), [("address", GRACE), ("domain", "hopper.example")])
def test_an_ignored_address_or_domain_is_on_the_personal_list(ben, ben_member, kind, value):
    stuck(ben_member)

    page = log_in(ben).post(f"{PAGE}ignore/", {"kind": kind, "value": value}, follow=True)

    assert addresses_of(page) == []
    assert [(entry.kind, entry.value) for entry in ben_member.never_log.all()] == [(kind, value)]
    assert "is on your “Never log” list now." in page.content.decode()


@pytest.mark.parametrize("data", [{}, {"kind": "subject", "value": "x"}, {"kind": "domain", "value": "x"}])
def test_what_cannot_be_ignored_is_refused_with_a_sentence(ben, ben_member, data):
    page = log_in(ben).post(f"{PAGE}ignore/", data, follow=True)

    assert b"Please" in page.content
    assert not ben_member.never_log.exists()


def test_search_and_paging_stand_in_the_address(ben, ben_member):
    for number in range(51):
        stuck(ben_member, f"p{number}@hopper.example", created_at=NOON + timedelta(seconds=number))
    stuck(ben_member, "alan@bletchley.example")
    browser = log_in(ben)

    first = browser.get(PAGE, {"q": "HOPPER"})
    second = browser.get(first.context["older_url"])

    assert (len(addresses_of(first)), addresses_of(second)) == (50, ["p0@hopper.example"])
    assert second.context["newest_url"] == f"{PAGE}?q=hopper"


@pytest.mark.parametrize("query", [{"after": "soon"}, {"q": "\0"}, {"q": "x" * 400}])
def test_odd_addresses_break_nothing(ben, ben_member, query):
    stuck(ben_member)

    assert addresses_of(log_in(ben).get(PAGE, query)) == [GRACE]


def test_outsiders_stay_out(cleo, acme):
    assert log_in(cleo).get(PAGE).status_code == 404
    assert log_in(cleo).post(f"{PAGE}ignore/").status_code == 404


@pytest.mark.parametrize("rows", [1, 3])
def test_queries_do_not_grow_with_rows(ben, ben_member, django_assert_num_queries, rows):
    for number in range(rows):
        stuck(ben_member, f"p{number}@hopper.example")
    browser = log_in(ben)
    browser.get(PAGE)

    # session, person, membership, addresses, how many rows each has, candidates, workspaces, navigation's number
    with django_assert_num_queries(8):
        browser.get(PAGE)


def test_looking_again_finds_who_has_appeared_for_every_row(acme, ben, ben_member, bens_connection):
    report(acme, sent(1), sent(2))
    SyncJob.objects.update(state=SyncState.SKIPPED, reason=Reason.NO_MATCH)
    DueJob.objects.all().delete()

    page = log_in(ben).post(f"{PAGE}retry/", {"address": NORA}, follow=True)

    assert f"Touchline looks for {NORA} in Salesforce now." in page.content.decode()
    log(bens_connection)
    assert list(SyncJob.objects.values_list("state", flat=True)) == ["synced", "synced"]


def test_linking_sends_every_row_to_the_person(acme, ben, ben_member, bens_connection):
    report(acme, sent(1), sent(2))
    log(bens_connection)
    person = SyncJob.objects.values_list("person_id", flat=True)[0]
    report(acme, sent(3, to=(Person("new@northwindtraders.example"),)))
    SyncJob.objects.filter(recipient="new@northwindtraders.example").update(
        state=SyncState.SKIPPED, reason=Reason.NO_MATCH
    )
    DueJob.objects.all().delete()

    data = {"address": "new@northwindtraders.example", "link": f"https://x.example/{person}"}
    page = log_in(ben).post(f"{PAGE}link/", data, follow=True)

    assert "goes to this person from now on." in page.content.decode()
    log(bens_connection)
    linked = SyncJob.objects.get(recipient="new@northwindtraders.example")
    assert (linked.state, linked.person_id) == ("synced", person)


@pytest.mark.parametrize("action", ["retry", "link"])
def test_an_address_that_is_not_ones_own_is_not_touched(ada, ada_member, ben_member, action):
    stuck(ben_member)

    data = {"address": GRACE, "person": "003000000000001AAA"}
    page = log_in(ada).post(f"{PAGE}{action}/", data, follow=True)
    assert "Nothing waits for this address any more." in page.content.decode()


def test_linking_without_a_person_is_refused_with_a_sentence(ben, ben_member):
    stuck(ben_member)

    page = log_in(ben).post(f"{PAGE}link/", {"address": GRACE, "link": "x"}, follow=True)
    assert "Choose a person, or paste the link" in page.content.decode()
