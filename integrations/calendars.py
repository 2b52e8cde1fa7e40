"""Calendars of members: connect with a test of the log-in, choose, open for reading, note trouble, disconnect.

What a calendar server says reaches people as CalendarError.user_message; passwords are sealed here and opened here
alone.
"""

import logging
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from integrations import notices, secrets
from integrations.calendar.caldav import Account, CalDav, Collection
from integrations.calendar.errors import (
    AnswerTooLarge,
    Busy,
    CalendarError,
    HostRefused,
    NotCalendars,
    Sealed,
    Unreachable,
)
from integrations.calendar.providers import provider_of
from integrations.calendar.urls import HTTPS_PORT
from integrations.calendar.web import LogIn as WebLogIn
from integrations.calendar.web import Web
from integrations.mailbox import hosts
from integrations.mailbox.errors import HostRefused as MailHostRefused
from integrations.mailbox.errors import Unreachable as NobodyKnows
from integrations.models import Calendar, CalendarCause, CalendarCollection, CalendarState
from workspaces.audit import Action, record
from workspaces.ids import uuid7
from workspaces.models import Membership, User

logger = logging.getLogger(__name__)

FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=2)
MOST_CHOSEN = 10
PAGE_SECONDS = 40.0
"""How long somebody waits for a page, however many requests it takes."""
NO_MEMBER = "You are no member of this workspace any more. Nothing was connected."
PASSES = (Unreachable, NotCalendars, AnswerTooLarge)
"""Trouble that passes by itself: a server under repair answers with any page."""


@dataclass(frozen=True, slots=True)
class LogIn:
    """What a person enters; `url` is clean."""

    url: str
    user_name: str
    password: str = field(repr=False)


class OurFault(Unreachable):
    """A fault of ours while reading; it is in the log, and reading is tried again."""

    cause = "internal"
    user_message = "Something went wrong on our side while reading this calendar."


def calendar_of(membership: Membership) -> Calendar | None:
    """The member's calendar, in whatever state, unless it was disconnected."""
    return Calendar.objects.live().filter(membership=membership).select_related("workspace").first()


# --- Connect ----------------------------------------------------------------------------------------------


def connect(membership: Membership, log_in: LogIn) -> Calendar:
    """Log in, find the calendars, and keep the account; where there is one calendar only, that is read.

    The same account connected again goes on where it was. Raises CalendarError when there is nothing to be read;
    nothing is stored then.
    """
    account = _find(log_in)
    with transaction.atomic():
        members = Membership.objects.select_for_update(of=["self"]).select_related("workspace", "user")
        membership = members.get(pk=membership.pk)
        if membership.left_at is not None:  # meanwhile
            raise CalendarError(NO_MEMBER)
        calendar = _same_calendar(membership, log_in) or _new_calendar(membership, log_in)
        calendar.password_sealed = secrets.seal(log_in.password, secrets.context_of(calendar, "password_sealed"))
        calendar.addresses = list(account.addresses)
        calendar.state, calendar.cause, calendar.cause_text, calendar.cause_since = (
            CalendarState.CONNECTED,
            "",
            "",
            None,
        )
        calendar.failures, calendar.failing_since, calendar.failure_text = 0, None, ""
        calendar.lease_holder, calendar.lease_until, calendar.poll_at = "", None, timezone.now()
        calendar.save()
        if len(account.collections) == 1:
            _choose(calendar, account.collections)
        record(
            Action.CALENDAR_CONNECTED, workspace=membership.workspace, actor=membership.user, target=str(calendar.url)
        )
    return calendar


def _find(log_in: LogIn) -> Account:
    provider = provider_of(log_in.url)
    if not provider.offers_caldav:
        raise NotCalendars(provider.hint)
    with _for_a_page(_client(log_in)) as dav:
        account = dav.find_account(log_in.url)
    if not account.collections:
        raise NotCalendars("The log-in works, but there is no calendar for appointments in this account.")
    return account


def _same_calendar(membership: Membership, log_in: LogIn) -> Calendar | None:
    """The live calendar when it is this one; another one is disconnected."""
    calendar = calendar_of(membership)
    if calendar is None or (calendar.url, calendar.user_name) == (log_in.url, log_in.user_name):
        return calendar
    disconnect(calendar, by=membership.user)
    return None


def _new_calendar(membership: Membership, log_in: LogIn) -> Calendar:
    return Calendar(
        uuid=uuid7(),
        workspace=membership.workspace,
        membership=membership,
        provider=provider_of(log_in.url).key,
        url=log_in.url,
        user_name=log_in.user_name,
    )


# --- Open -------------------------------------------------------------------------------------------------


def open_dav(calendar_id: int) -> CalDav:
    """A client of the calendar's account, to be closed by the caller. Nothing is asked yet. Raises Sealed."""
    calendar = Calendar.objects.with_secrets().select_related("workspace").get(pk=calendar_id)
    try:
        password = secrets.open(calendar.password_sealed, secrets.context_of(calendar, "password_sealed"))
    except secrets.SecretsError as error:
        logger.error("the password of calendar %s cannot be opened: %s", calendar_id, error)
        raise Sealed from None
    return _client(LogIn(calendar.url, calendar.user_name, password.reveal()))


def _client(log_in: LogIn) -> CalDav:
    return CalDav(Web(WebLogIn(log_in.user_name, log_in.password), _addresses_of, settings.MAILBOX_CA_BUNDLE))


@contextmanager
def _for_a_page(dav: CalDav) -> Iterator[CalDav]:
    """The client for as long as somebody waits for a page."""
    timer = threading.Timer(PAGE_SECONDS, dav.break_off)
    timer.daemon = True
    timer.start()
    try:
        yield dav
    finally:
        timer.cancel()
        dav.close()


def _addresses_of(host: str, port: int) -> list[str]:
    """As for mail servers, with another usual port. Raises CalendarError."""
    if port != HTTPS_PORT and f"{host}:{port}" not in settings.MAILBOX_EXTRA_HOSTS:
        raise HostRefused("Touchline connects to calendar servers on port 443 (https) only.")
    try:
        return hosts.find_addresses(host, port, settings.MAILBOX_EXTRA_HOSTS)
    except MailHostRefused as error:
        raise HostRefused(error.user_message) from None
    except NobodyKnows as error:
        raise Unreachable(error.user_message) from None


# --- Choose -----------------------------------------------------------------------------------------------


def list_collections(calendar: Calendar) -> tuple[Collection, ...]:
    """The calendars of the account, by name. Asks the server; raises CalendarError."""
    try:
        dav = open_dav(calendar.pk)
    except Sealed as error:
        _note_sealed(calendar, error)
        raise
    with _for_a_page(dav):
        return tuple(sorted(dav.find_account(calendar.url).collections, key=lambda each: each.name.lower()))


@transaction.atomic
def choose(calendar: Calendar, collections: Sequence[Collection]) -> None:
    """Read exactly these calendars (at most MOST_CHOSEN); of one that is new, what is to come."""
    Calendar.objects.select_for_update().get(pk=calendar.pk)
    _choose(calendar, collections)
    now = timezone.now()
    Calendar.objects.live().filter(pk=calendar.pk).update(lease_holder="", lease_until=None, poll_at=now, failures=0)
    Calendar.objects.filter(pk=calendar.pk, cause=CalendarCause.COLLECTION).update(
        state=CalendarState.CONNECTED, cause="", cause_text="", cause_since=None
    )
    record(
        Action.CALENDAR_CHANGED,
        workspace=calendar.workspace,
        actor=calendar.membership.user,
        target=calendar.url,
        details={"calendars": len(collections)},
    )


def _choose(calendar: Calendar, collections: Sequence[Collection]) -> None:
    chosen = {each.url: each.name for each in collections[:MOST_CHOSEN]}
    calendar.collections.exclude(url__in=chosen).delete()
    for url, name in chosen.items():
        CalendarCollection.objects.update_or_create(calendar=calendar, url=url, defaults={"name": name})


# --- Trouble ----------------------------------------------------------------------------------------------


def note_trouble(calendar_id: int, holder: str, error: CalendarError) -> None:
    """What kept the poller from reading: what passes is tried again later and later, the rest waits for a person.

    Counts only while `holder` has the lease, so that a late failure does not undo a reconnect. Gives the lease back.
    """
    with transaction.atomic():
        held = Calendar.objects.select_for_update(of=["self"]).select_related("workspace", "membership__user")
        calendar = held.filter(pk=calendar_id, lease_holder=holder, state=CalendarState.CONNECTED).first()
        if calendar is None:
            return
        calendar.lease_holder, calendar.lease_until = "", None
        if isinstance(error, PASSES):
            _try_later(calendar, error)
        else:
            _need_attention(calendar, error)
        calendar.save()


@transaction.atomic
def _note_sealed(calendar: Calendar, error: Sealed) -> None:
    """A page found that the password cannot be opened: the poller would find the same."""
    held = Calendar.objects.select_for_update(of=["self"]).select_related("workspace", "membership__user")
    row = held.filter(pk=calendar.pk, state=CalendarState.CONNECTED).first()
    if row is not None:
        row.lease_holder, row.lease_until = "", None
        _need_attention(row, error)
        row.save()


def _try_later(calendar: Calendar, error: CalendarError) -> None:
    wait = min(FIRST_RETRY * 2 ** min(calendar.failures, 12), LONGEST_RETRY)
    wait *= random.uniform(0.5, 1.0)  # noqa: S311 - jitter
    asked = error.retry_after if isinstance(error, Busy) else None
    calendar.poll_at = timezone.now() + max(wait, timedelta(seconds=asked or 0))
    calendar.failures += 1
    calendar.failing_since = calendar.failing_since or timezone.now()
    calendar.failure_text = error.user_message[:300]


def _need_attention(calendar: Calendar, error: CalendarError) -> None:
    cause = error.cause if error.cause in CalendarCause.values else CalendarCause.OTHER
    calendar.state, calendar.cause = CalendarState.NEEDS_ATTENTION, cause
    calendar.cause_text, calendar.cause_since = error.server_text, timezone.now()
    notices.tell_calendar_lost(calendar, error.user_message)


def note_read(calendar_id: int, holder: str) -> None:
    """The calendar was read to its end: whatever the trouble was, it is over. The next look is some minutes ahead."""
    wait = settings.CALENDAR_POLL * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
    Calendar.objects.filter(pk=calendar_id, lease_holder=holder).update(
        read_at=timezone.now(),
        poll_at=timezone.now() + timedelta(seconds=wait),
        failures=0,
        failing_since=None,
        failure_text="",
        lease_holder="",
        lease_until=None,
    )


def count_meetings(calendar_id: int, meetings: int) -> None:
    """Note, in the transaction that took them up, how much news there was of meetings."""
    Calendar.objects.filter(pk=calendar_id).update(meetings_read=F("meetings_read") + meetings)


def try_again(calendar: Calendar) -> None:
    """A person says that the cause is mended, or does not want to wait."""
    Calendar.objects.live().filter(pk=calendar.pk).update(
        state=CalendarState.CONNECTED, cause="", cause_text="", cause_since=None, poll_at=timezone.now()
    )


# --- End --------------------------------------------------------------------------------------------------


@transaction.atomic
def disconnect(calendar: Calendar, by: User | None) -> None:
    """Forget the password and what was read how far. What was captured stays."""
    Calendar.objects.live().filter(pk=calendar.pk).update(
        state=CalendarState.DISCONNECTED,
        disconnected_at=timezone.now(),
        password_sealed="",
        cause="",
        cause_text="",
        cause_since=None,
        lease_holder="",
        lease_until=None,
    )
    calendar.collections.all().delete()
    record(Action.CALENDAR_DISCONNECTED, workspace=calendar.workspace, actor=by, target=calendar.url)
