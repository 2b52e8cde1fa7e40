"""The searches of the Live Feed that a member keeps."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from activity.models import SavedSearch
from activity.saved_searches import (
    MOST,
    SavedSearchError,
    change_search,
    save_search,
    saved_searches_of,
    without_needless_spaces,
)
from workspaces import members


def kept(member) -> list[tuple[str, str]]:
    return [(search.name, search.query) for search in saved_searches_of(member)]


def test_they_are_kept_by_name_whatever_its_case(ada_member, ben_member):
    save_search(ben_member, "unsynced", "is:unsynced")
    save_search(ben_member, "Acme", "to:acme.example")
    save_search(ben_member, "  Opens \n of  Grace ", ' is:opened   to:"Grace  Hopper" ')
    save_search(ada_member, "ACME", "to:acme.example")

    assert kept(ben_member) == [
        ("Acme", "to:acme.example"),
        ("Opens of Grace", 'is:opened to:"Grace Hopper"'),
        ("unsynced", "is:unsynced"),
    ]
    assert kept(ada_member) == [("ACME", "to:acme.example")]


@pytest.mark.parametrize(
    ("name", "query", "sentence"),
    [
        ("ACME", "is:sent", "You have a search named “Acme” already. Please choose another name."),
        ("Other", " to:acme.example ", "You have saved this search already, as “Acme”."),
        (" \0", "is:sent", "Please give the search a name."),
        ("Other", " ", "There is nothing to save: search for something first."),
    ],
)
def test_what_cannot_be_kept_is_said(ben_member, name, query, sentence):
    save_search(ben_member, "Acme", "to:acme.example")

    with pytest.raises(SavedSearchError) as refused:
        save_search(ben_member, name, query)

    assert refused.value.user_message == sentence
    assert "acme" not in repr(refused.value).lower()
    assert kept(ben_member) == [("Acme", "to:acme.example")]


def test_one_is_changed_and_may_keep_its_own_name_and_line(ben_member):
    search = save_search(ben_member, "Acme", "to:acme.example")
    save_search(ben_member, "Bletchley", "to:bletchley.example")

    change_search(search, "ACME", "to:acme.example")
    change_search(search, "ACME", "to:acme.example is:opened")
    with pytest.raises(SavedSearchError):
        change_search(search, "bletchley", "to:acme.example")

    assert kept(ben_member) == [("ACME", "to:acme.example is:opened"), ("Bletchley", "to:bletchley.example")]


def test_there_is_a_most_of_each_member(ada_member, ben_member):
    for number in range(MOST):
        save_search(ben_member, f"Search {number}", f"word{number}")

    with pytest.raises(SavedSearchError) as refused:
        save_search(ben_member, "One more", "is:sent")

    assert refused.value.user_message == "You have 30 saved searches, and more do not fit. Delete one first."
    assert save_search(ada_member, "The first", "is:sent").name == "The first"


def test_who_leaves_takes_them_along(ada, ada_member, ben_member):
    save_search(ben_member, "Acme", "to:acme.example")
    save_search(ada_member, "Acme", "to:acme.example")

    members.remove(ben_member, by=ada)

    assert (kept(ben_member), kept(ada_member)) == ([], [("Acme", "to:acme.example")])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("Acme", "to:a"), ("ACME", "to:b")),
        (("Acme", "to:a"), ("Other", "to:a")),
        ((), ("", "to:a")),
        ((), ("Acme", "")),
    ],
)
def test_the_database_refuses_what_must_not_be(ben_member, first, second):
    if first:
        SavedSearch.objects.create(membership=ben_member, name=first[0], query=first[1])

    with pytest.raises(IntegrityError), transaction.atomic():
        SavedSearch.objects.create(membership=ben_member, name=second[0], query=second[1])


@pytest.mark.django_db(transaction=True)
def test_of_several_at_once_one_is_kept(ben_member):
    came: list[str] = []
    start = threading.Barrier(4)

    def save(number: int) -> None:
        start.wait()
        try:
            came.append(save_search(ben_member, "Acme", f"word{number}").name)
        except SavedSearchError as error:
            came.append(error.user_message)
        finally:
            connection.close()

    threads = [threading.Thread(target=save, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    refused = "You have a search named “Acme” already. Please choose another name."
    assert sorted(came) == ["Acme", refused, refused, refused]


@given(st.text(max_size=100))
def test_spaces_are_put_right_once(text):
    clean = without_needless_spaces(text)

    assert clean == without_needless_spaces(clean) == clean.strip()
    assert "\0" not in clean
    assert "  " not in clean
