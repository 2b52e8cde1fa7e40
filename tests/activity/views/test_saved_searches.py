"""The saved searches above the Live Feed."""

import pytest
from django.contrib.messages import get_messages

from activity.models import SavedSearch
from activity.saved_searches import save_search
from tests.people import log_in

FEED = "/w/acme/live-feed/"
SEARCHES = f"{FEED}searches/"
HTMX = {"HX-Request": "true"}
QUERY = "is:opened to:hopper.example"
AT_QUERY = f"{FEED}?q=is%3Aopened+to%3Ahopper.example"


def kept() -> list[tuple[str, str, str]]:
    rows = SavedSearch.objects.order_by("membership", "name")
    return list(rows.values_list("membership__user__name", "name", "query"))


def said(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_one_is_kept_opened_and_marked(ben, ben_member):
    browser = log_in(ben)

    saved = browser.post(SEARCHES, {"name": "Opens of Grace", "query": QUERY}, headers=HTMX)
    opened = browser.get(FEED, {"q": f" {QUERY} "})
    other = browser.get(FEED, {"q": "is:sent"})

    assert kept() == [("Ben", "Opens of Grace", QUERY)]
    assert "Saved as “Opens of Grace”." in saved.content.decode()
    link = f'<a class="chip" href="{AT_QUERY}" title="{QUERY}"'
    assert f'{link} aria-current="page">' in opened.content.decode()
    assert f"{link}>" in other.content.decode()
    current = [page.context["current_search"] for page in (saved, opened, other)]
    assert current == [SavedSearch.objects.get(), SavedSearch.objects.get(), None]


def test_they_are_nobody_elses(ada, ada_member, ben_member):
    save_search(ben_member, "My customer", QUERY)
    browser = log_in(ada)

    for address in (FEED, AT_QUERY):
        content = browser.get(address).content.decode()
        assert "My customer" not in content
    assert browser.get(AT_QUERY).context["current_search"] is None


def test_they_are_those_of_the_workspace(ben, ben_member, cleo_member):
    """Ben is a member of Cleo's workspace, too."""
    elsewhere = cleo_member.workspace.memberships.create(user=ben, role=cleo_member.role)
    save_search(elsewhere, "Elsewhere", QUERY)
    browser = log_in(ben)

    assert list(browser.get(FEED).context["saved_searches"]) == []
    assert browser.post(f"{SEARCHES}{elsewhere.saved_searches.get().uuid}/delete/").status_code == 404
    assert kept() == [("Ben", "Elsewhere", QUERY)]


def test_what_cannot_be_kept_is_said_in_the_dialog(ben, ben_member):
    save_search(ben_member, "Acme", "to:acme.example")
    browser = log_in(ben)

    taken = browser.post(SEARCHES, {"name": "ACME", "query": QUERY}, headers=HTMX)
    nameless = browser.post(SEARCHES, {"name": " ", "query": QUERY}, headers=HTMX)
    long = browser.post(SEARCHES, {"name": "x" * 61, "query": QUERY}, headers=HTMX)

    answers = [(each.headers["HX-Retarget"], each.headers["HX-Reswap"]) for each in (taken, nameless, long)]
    assert answers == [("#save-search-problem", "innerHTML")] * 3
    assert "You have a search named “Acme” already. Please choose another name." in taken.content.decode()
    assert "Please give the search a name." in nameless.content.decode()
    assert "A name can have 60 characters at most." in long.content.decode()
    assert kept() == [("Ben", "Acme", "to:acme.example")]


def test_one_is_renamed_and_leads_to_its_new_line(ben, ben_member):
    search = save_search(ben_member, "Acme", QUERY)
    change = f"{SEARCHES}{search.uuid}/"
    browser = log_in(ben)

    renamed = browser.post(change, {"name": "Grace", "query": QUERY}, headers=HTMX)
    refused = browser.post(change, {"name": "", "query": QUERY}, headers=HTMX)
    moved = browser.post(change, {"name": "Grace", "query": "is:sent"}, headers=HTMX)

    assert "“Grace” is changed." in renamed.content.decode()
    assert refused.headers["HX-Retarget"] == "#edit-search-problem"
    assert (moved.headers["HX-Redirect"], said(moved)) == (f"{FEED}?q=is%3Asent", ["“Grace” is changed."])
    assert kept() == [("Ben", "Grace", "is:sent")]


def test_one_is_deleted_and_comes_back(ben, ben_member):
    search = save_search(ben_member, "Acme", QUERY)
    browser = log_in(ben)

    deleted = browser.post(f"{SEARCHES}{search.uuid}/delete/", headers=HTMX)
    assert kept() == []
    assert "“Acme” is deleted." in deleted.content.decode()
    undo = deleted.context["undo"]
    browser.post(SEARCHES, {"name": undo.name, "query": undo.query}, headers=HTMX)

    assert kept() == [("Ben", "Acme", QUERY)]


@pytest.mark.parametrize(
    ("what", "posted", "sentence", "address"),
    [
        ("", {"name": "Other", "query": "is:sent"}, "Saved as “Other”.", f"{FEED}?q=is%3Asent"),
        ("", {"name": "", "query": "is:sent"}, "Please give the search a name.", f"{FEED}?q=is%3Asent"),
        ("{uuid}/", {"name": "Other", "query": "is:sent"}, "“Other” is changed.", f"{FEED}?q=is%3Asent"),
        ("{uuid}/delete/", {}, "“Acme” is deleted.", AT_QUERY),
    ],
)
def test_without_scripts_the_feed_says_what_became_of_it(ben, ben_member, what, posted, sentence, address):
    search = save_search(ben_member, "Acme", QUERY)

    response = log_in(ben).post(SEARCHES + what.format(uuid=search.uuid), posted)

    assert (response.status_code, response.headers["Location"], said(response)) == (302, address, [sentence])


def test_names_are_shown_as_they_are_written(ben, ben_member):
    save_search(ben_member, "<b>Bold</b>", 'subject:"<i>"')

    content = log_in(ben).get(FEED).content.decode()

    assert "&lt;b&gt;Bold&lt;/b&gt;" in content
    assert "<b>Bold" not in content
    assert 'title="subject:&quot;&lt;i&gt;&quot;"' in content
