"""The pages of the calendar: the steps to connect one, its card, its end. The calendar server is a real one."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations import calendar_leases, calendars
from integrations.calendar.errors import Busy, CalendarError, LoginRefused
from integrations.models import Calendar, CalendarResource, NoticeSent
from tests.calendar_fixtures import CALENDAR_PASSWORD, Radicale
from tests.integrations.mailbox.test_hosts import PRIVATE
from tests.integrations.test_rotation import NEW_KEY
from tests.people import log_in
from workspaces import members
from workspaces.models import AuditEntry, Membership, User

PAGE = "/w/acme/settings/integrations/"
CONNECT = f"{PAGE}calendar/"
CHOOSE = f"{CONNECT}choose/"


@pytest.fixture
def browser(ben: User):
    return log_in(ben)


@pytest.fixture
def user(radicale: Radicale) -> str:
    name = radicale.new_user()
    radicale.make_calendar(name, "office", "Work")
    return name


def form(radicale: Radicale, user: str, **changes: str) -> dict[str, str]:
    return {"url": radicale.extra_host, "user_name": user, "password": CALENDAR_PASSWORD} | changes


def test_the_provider_is_guessed_from_the_address(browser, ben_member: Membership) -> None:
    assert b'value="ben@acme.example"' in browser.get(CONNECT).content

    icloud = browser.get(CONNECT, {"address": "ben@icloud.com"}).content
    other = browser.get(CONNECT, {"address": "ben@acme.example"}).content

    assert b'value="https://caldav.icloud.com/"' in icloud
    assert b"Apple wants an app-specific password" in icloud
    assert b'value="https://acme.example/"' in other
    assert b"Nextcloud" in other


@pytest.mark.parametrize(
    ("address", "name"), [("ben@gmail.com", "Google Calendar"), ("b@outlook.com", "Microsoft 365")]
)
def test_google_and_microsoft_are_told_to_use_the_mailbox(browser, ben_member, address: str, name: str) -> None:
    page = browser.get(CONNECT, {"address": address}).content.decode()
    elsewhere = browser.get(CONNECT, {"address": address, "elsewhere": "1"}).content.decode()

    assert f"<h1>{name}</h1>" in page
    assert "Your meetings come from the invitations and answers in your mailbox instead" in page
    assert 'name="password"' not in page
    assert 'name="password"' in elsewhere


def test_a_calendar_is_connected_shown_and_disconnected(browser, ben_member: Membership, radicale, user) -> None:
    answer = browser.post(CONNECT, form(radicale, user), follow=True)

    calendar = Calendar.objects.with_secrets().get()
    assert answer.redirect_chain == [(PAGE, 302)]
    assert (calendar.membership, calendar.provider, calendar.url, calendar.user_name, calendar.state) == (
        ben_member,
        "other",
        radicale.url,
        user,
        "connected",
    )
    assert CALENDAR_PASSWORD not in calendar.password_sealed
    assert list(calendar.collections.values_list("url", "name")) == [(f"{radicale.url}{user}/office/", "Work")]
    assert b"Touchline is reading what is to come" in answer.content

    answer = browser.post(f"{CONNECT}disconnect/", follow=True)

    calendar = Calendar.objects.with_secrets().get()
    assert (calendar.state, calendar.password_sealed, calendar.collections.count()) == ("disconnected", "", 0)
    assert b"its password is forgotten" in answer.content
    assert list(AuditEntry.objects.filter(action__startswith="calendar.").values_list("action", "target")) == [
        ("calendar.connected", radicale.url),
        ("calendar.disconnected", radicale.url),
    ]


def test_several_calendars_are_chosen_from(browser, ben_member: Membership, radicale, user) -> None:
    family = radicale.make_calendar(user, "family", "Family")
    work = f"{radicale.url}{user}/office/"

    answer = browser.post(CONNECT, form(radicale, user), follow=True)

    assert answer.redirect_chain == [(CHOOSE, 302)]
    assert sorted(answer.context["form"].fields["chosen"].choices) == [(family, "Family"), (work, "Work")]
    assert b"Nothing is read yet" in browser.get(PAGE).content
    assert b"Choose at least one calendar" in browser.post(CHOOSE, {}).content
    assert b"Select a valid choice" in browser.post(CHOOSE, {"chosen": "https://evil.example/"}).content

    browser.post(CHOOSE, {"chosen": [work]})
    assert list(Calendar.objects.get().collections.values_list("url", flat=True)) == [work]
    browser.post(CHOOSE, {"chosen": [family]})
    assert list(Calendar.objects.get().collections.values_list("url", flat=True)) == [family]
    assert AuditEntry.objects.filter(action="calendar.changed").count() == 2


def test_a_wrong_password_is_told_in_plain_words_and_stores_nothing(browser, ben_member, radicale, user) -> None:
    answer = browser.post(CONNECT, form(radicale, user, password="wrong"))

    assert b"The calendar server does not accept this user name and password." in answer.content
    assert b"wrong" not in answer.content
    assert not Calendar.objects.exists()


def test_an_account_without_calendars_is_told(browser, ben_member, radicale) -> None:
    answer = browser.post(CONNECT, form(radicale, radicale.new_user()))

    assert b"there is no calendar for appointments in this account" in answer.content
    assert not Calendar.objects.exists()


HOSTS = [f"[{address}]" if ":" in address else address for address in PRIVATE if "%" not in address]


@pytest.mark.parametrize("host", ["localhost", "0", *HOSTS])
def test_private_hosts_are_refused(browser, ben_member, host: str) -> None:
    answer = browser.post(CONNECT, {"url": f"https://{host}/", "user_name": "ben", "password": "p"})

    assert "belongs to a private network" in answer.content.decode()
    assert not Calendar.objects.exists()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://cloud.example.com/", "over https only"),
        ("https://142.250.1.108:8443/", "on port 443 (https) only"),
        ("https://ben:secret@cloud.example.com/", "not the address of a server"),
        ("https://no-such-host.invalid/", "Nobody knows a server of this name"),
        ("https://www.google.com/calendar/dav/", "Google Calendar cannot be read with a password"),
        ("outlook.office365.com", "cannot be read this way"),
    ],
)
def test_other_addresses_are_refused(browser, ben_member, url: str, sentence: str) -> None:
    answer = browser.post(CONNECT, {"url": url, "user_name": "ben", "password": "p"})

    assert sentence in answer.content.decode()
    assert not Calendar.objects.exists()


def test_each_state_has_its_sentence_and_its_button(browser, ben_member: Membership, radicale, user) -> None:
    assert b"Connect calendar" in browser.get(PAGE).content
    browser.post(CONNECT, form(radicale, user))
    calendar = Calendar.objects.get()
    Calendar.objects.update(lease_holder="poller")

    calendars.note_trouble(calendar.pk, "another", calendars.OurFault())
    assert b"Not reached" not in browser.get(PAGE).content

    calendars.note_trouble(calendar.pk, "poller", Busy(retry_after=7200.0))
    page = browser.get(PAGE).content
    calendar.refresh_from_db()
    assert b"wants fewer requests at the moment" in page
    assert timedelta(minutes=119) < calendar.poll_at - timezone.now() < timedelta(minutes=121)

    browser.post(f"{CONNECT}try-again/")
    Calendar.objects.update(lease_holder="poller")
    calendars.note_trouble(calendar.pk, "poller", LoginRefused(server_text="<b>no</b>"))
    page = browser.get(PAGE).content
    assert b"The calendar server refuses the password" in page
    assert b"The server said: &lt;b&gt;no&lt;/b&gt;" in page
    assert b"Reconnect" in page
    assert [each.key for each in NoticeSent.objects.all()] == [f"calendar:{calendar.pk}:password"]

    browser.post(CONNECT, form(radicale, user))
    calendar.refresh_from_db()
    assert (calendar.state, calendar.cause, calendar.failures, Calendar.objects.count()) == ("connected", "", 0, 1)

    Calendar.objects.update(read_at=timezone.now())
    CalendarResource.objects.create(collection=calendar.collections.get(), path="/a.ics", reason="too_large")
    page = browser.get(PAGE).content
    assert b"1 entry could not be read" in page
    assert b"The calendar is larger than 1 MB." in page
    assert b"It is still in your calendar. Nothing of it was kept, and it is not logged." in page

    Calendar.objects.update(poll_at=timezone.now() - timedelta(hours=1))
    assert b"Nobody is reading it at the moment" in browser.get(PAGE).content


def test_a_member_who_leaves_leaves_no_password(browser, ben_member: Membership, radicale, user) -> None:
    browser.post(CONNECT, form(radicale, user))
    members.remove(ben_member, by=None)

    calendar = Calendar.objects.with_secrets().get()
    assert (calendar.state, calendar.password_sealed, calendar.collections.count()) == ("disconnected", "", 0)


def test_who_was_removed_while_the_log_in_was_tested_connects_nothing(ben_member: Membership, radicale, user) -> None:
    members.remove(Membership.objects.get(pk=ben_member.pk), by=None)

    with pytest.raises(CalendarError) as error:
        calendars.connect(ben_member, calendars.LogIn(f"https://{radicale.extra_host}/", user, CALENDAR_PASSWORD))

    assert error.value.user_message == "You are no member of this workspace any more. Nothing was connected."
    assert not Calendar.objects.exists()


def test_the_calendar_of_who_was_shut_out_is_not_opened(browser, ben: User, radicale, user) -> None:
    browser.post(CONNECT, form(radicale, user))
    User.objects.filter(pk=ben.pk).update(is_active=False)
    assert calendar_leases.take("holder", 9) == []

    User.objects.filter(pk=ben.pk).update(is_active=True)
    assert calendar_leases.take("holder", 9) == [Calendar.objects.get().pk]
    User.objects.filter(pk=ben.pk).update(is_active=False)
    assert calendar_leases.keep("holder") == set()


def test_another_account_takes_the_place_of_the_first(browser, ben_member: Membership, radicale, user) -> None:
    second = radicale.new_user()
    radicale.make_calendar(second)
    browser.post(CONNECT, form(radicale, user))
    browser.post(CONNECT, form(radicale, second))

    rows = Calendar.objects.with_secrets().order_by("pk")
    assert [(each.user_name, each.state, bool(each.password_sealed)) for each in rows] == [
        (user, "disconnected", False),
        (second, "connected", True),
    ]


def test_without_its_key_a_calendar_needs_attention(
    browser, ben_member: Membership, radicale, user, settings
) -> None:
    browser.post(CONNECT, form(radicale, user))
    settings.FIELD_ENCRYPTION_KEYS = NEW_KEY

    answer = browser.get(CHOOSE, follow=True)

    assert answer.redirect_chain == [(PAGE, 302)]
    assert b"because the key to it is missing" in answer.content
    assert b"Touchline cannot open the stored password" in answer.content
    assert (Calendar.objects.get().state, Calendar.objects.get().cause) == ("needs_attention", "sealed")
    browser.post(CONNECT, form(radicale, user))
    assert (Calendar.objects.get().state, browser.get(CHOOSE).status_code) == ("connected", 200)
