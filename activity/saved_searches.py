"""The searches of the Live Feed that a member keeps.

They may name people outside, so no audit entry tells of them.
"""

from django.db import transaction
from django.db.models import QuerySet, Value
from django.db.models.functions import Lower

from activity.models import SavedSearch
from workspaces.models import Membership

MOST = 30


class SavedSearchError(Exception):
    """A search that cannot be kept; `user_message` says why."""

    def __init__(self, user_message: str) -> None:
        super().__init__("saved search refused")
        self.user_message = user_message


def without_needless_spaces(text: str) -> str:
    """The text as it is kept and compared."""
    return " ".join(text.replace("\0", " ").split())


def saved_searches_of(membership: Membership) -> QuerySet[SavedSearch]:
    """The member's searches by name, whatever its case."""
    return membership.saved_searches.order_by(Lower("name"))


@transaction.atomic
def save_search(membership: Membership, name: str, query: str) -> SavedSearch:
    """Keep a search line of the member under a name. Raises SavedSearchError."""
    others = _lock(membership)
    if others.count() >= MOST:
        raise SavedSearchError(f"You have {MOST} saved searches, and more do not fit. Delete one first.")
    return _write(SavedSearch(membership=membership), others, name, query)


@transaction.atomic
def change_search(search: SavedSearch, name: str, query: str) -> SavedSearch:
    """Give a search another name or another line. Raises SavedSearchError."""
    return _write(search, _lock(search.membership).exclude(pk=search.pk), name, query)


def forget_searches(membership: Membership) -> None:
    """Delete all searches of somebody who leaves."""
    membership.saved_searches.all().delete()


def _lock(membership: Membership) -> QuerySet[SavedSearch]:
    """The member's searches, which nobody else changes before the transaction ends."""
    Membership.objects.select_for_update(no_key=True).get(pk=membership.pk)
    return membership.saved_searches.all()


def _write(search: SavedSearch, others: QuerySet[SavedSearch], name: str, query: str) -> SavedSearch:
    search.name, search.query = without_needless_spaces(name), without_needless_spaces(query)
    if not search.query:
        raise SavedSearchError("There is nothing to save: search for something first.")
    if not search.name:
        raise SavedSearchError("Please give the search a name.")
    if same := others.alias(key=Lower("name")).filter(key=Lower(Value(search.name))).first():
        raise SavedSearchError(f"You have a search named “{same.name}” already. Please choose another name.")
    if same := others.filter(query=search.query).first():
        raise SavedSearchError(f"You have saved this search already, as “{same.name}”.")
    search.save()
    return search
