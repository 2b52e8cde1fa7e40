"""What the tests of the poller share: a calendar, a poller in threads of this process, one look at once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.utils import timezone

from activity.calendar_watch.poller import Poller
from activity.calendar_watch.polling import CalendarPoll, Means
from activity.mail_watch.desk import Desk
from activity.models import Activity
from integrations import calendar_leases, calendars
from integrations.mailbox.parser import MailParser
from integrations.models import Calendar
from tests.calendar_fixtures import CALENDAR_PASSWORD, Radicale
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Membership

HOLDER = "a-test"


class AtOnce(Desk):
    """A desk without threads, so that everything happens in the test's own transaction.

    `before` is told what is about to be done, and with what.
    """

    def __init__(self, before: Callable[..., None] = lambda *_: None) -> None:
        self._before = before

    def ask(self, do, *args, **kwargs):
        """Do it here."""
        self._before(do, *args)
        return do(*args, **kwargs)


def connect_calendar(member: Membership, radicale: Radicale, user: str) -> Calendar:
    """The member's calendar `work`, connected as the page does it."""
    return calendars.connect(member, calendars.LogIn(radicale.url, user, CALENDAR_PASSWORD))


def look(
    calendar: Calendar, parser: MailParser, before: Callable[..., None] = lambda *_: None, **limits: int
) -> None:
    """One look into the account, whether it is due or not."""
    Calendar.objects.filter(pk=calendar.pk).update(poll_at=timezone.now(), lease_until=None)
    assert calendar_leases.take(HOLDER, 1) == [calendar.pk]
    dav = calendars.open_dav(calendar.pk)
    try:
        CalendarPoll(Means(HOLDER, parser, AtOnce(before), **limits), calendar.pk, dav).run()
    finally:
        dav.close()


@contextmanager
def polling(**limits: float) -> Iterator[Poller]:
    """A poller, until the block ends."""
    made = Poller(**limits)
    thread = threading.Thread(target=made.poll)
    thread.start()
    try:
        yield made
    finally:
        made.stop()
        thread.join()


def meetings() -> list[tuple[str, str]]:
    """Kind and UID of every activity, in their order."""
    return list(Activity.objects.order_by("pk").values_list("kind", "meeting__uid"))


def events(salesforce: TestedStandIn) -> list[tuple[str, str, str]]:
    """Subject, beginning and ShowAs of every Event in Salesforce."""
    return [(row["Subject"], row["StartDateTime"][:16], row["ShowAs"]) for row in salesforce.org.rows("Event")]
