"""Sign-up, verification, log-in and password reset, through the real pages."""

import re
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.usersessions.models import UserSession
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.people import log_in, make_person
from workspaces import invitations
from workspaces.models import User

PASSWORD = "correct-horse-battery"


@pytest.fixture(autouse=True)
def _fresh_limits(db):
    cache.clear()


def link_in_last_mail():
    """The path of the one link to our pages in the newest letter."""
    (link,) = re.findall(r"http://testserver(/\S+)", mail.outbox[-1].body)
    return link


def sign_up(browser, email="dan@acme.example", **query):
    """Fill in the sign-up page."""
    fields = {"name": "Dan", "email": email, "password1": PASSWORD} | query
    return browser.post("/account/signup/", fields)


def log_in_by_page(browser, email, password=PASSWORD):
    """Fill in the log-in page; where it leads, None when it does not."""
    answer = browser.post("/account/login/", {"login": email, "password": password})
    return answer.get("Location")


def test_sign_up_verify_and_come_in():
    browser = Client()
    assert sign_up(browser)["Location"] == "/account/confirm-email/"
    dan = User.objects.get()
    assert (dan.email, dan.name) == ("dan@acme.example", "Dan")
    assert browser.get("/")["Location"] == "/account/login/?next=/"
    assert log_in_by_page(Client(), "dan@acme.example") == "/account/confirm-email/"

    link = link_in_last_mail()
    assert browser.get(link).status_code == 200
    assert not EmailAddress.objects.get().verified
    assert browser.post(link)["Location"] == "/"
    assert EmailAddress.objects.get().verified
    assert browser.get("/")["Location"] == "/workspaces/new/"
    assert log_in_by_page(Client(), "DAN@acme.example") == "/"


def test_who_signs_up_by_an_invitation_comes_back_to_it(acme, ada):
    _, token = invitations.invite(acme, "dan@acme.example", acme.roles.get(), False, by=ada)
    path = f"/invitations/{token}/"
    browser = Client()
    sign_up(browser, next=path)
    answer = browser.post(link_in_last_mail())
    assert answer["Location"] == path
    assert "Join Acme</button>" in browser.get(path).content.decode()


def test_an_unverified_address_gets_nothing(acme, ada):
    invitations.invite(acme, "dan@acme.example", acme.roles.get(), False, by=ada)
    browser = Client()
    sign_up(browser)
    for path in ("/", "/workspaces/new/", "/account/email/", "/w/acme/settings/profile/"):
        assert browser.get(path)["Location"].startswith("/account/login/?next=")


def test_a_taken_address_is_not_given_away():
    make_person("Ada")
    browser, other = Client(), Client()
    assert sign_up(browser, "ada@acme.example")["Location"] == sign_up(other, "new@acme.example")["Location"]
    assert [letter.to for letter in mail.outbox] == [["ada@acme.example"], ["new@acme.example"]]
    assert User.objects.get(email="ada@acme.example").name == "Ada"
    assert log_in_by_page(Client(), "ada@acme.example") is None
    assert log_in_by_page(Client(), "ada@acme.example", "a-long-password") == "/"


class CountingHasher(MD5PasswordHasher):
    """Counts what takes time with a real one."""

    algorithm = "counting"
    made: ClassVar[list[str]] = []

    def encode(self, password, salt):
        self.made.append(salt)
        return super().encode(password, salt)


def hashes_made(act) -> int:
    """How many passwords are hashed meanwhile."""
    CountingHasher.made.clear()
    act()
    return len(CountingHasher.made)


def test_known_and_unknown_addresses_take_as_long(settings):
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    make_person("Ada")
    new, taken = (
        hashes_made(lambda each=each: sign_up(Client(), each)) for each in ("n@acme.example", "ada@acme.example")
    )
    known, unknown = (
        hashes_made(lambda each=each: log_in_by_page(Client(), each, "wrong-password"))
        for each in ("ada@acme.example", "nobody@acme.example")
    )
    assert (new, known) == (taken, unknown)
    assert min(new, known) > 0


def test_who_signed_up_with_somebody_elses_address_loses_it_to_the_owner():
    sign_up(Client())  # a stranger, who cannot read the mail
    owner = Client()
    owner.post("/account/password/reset/", {"email": "dan@acme.example"})
    path = owner.get(link_in_last_mail())["Location"]
    owner.post(path, {"password1": "the-owners-password", "password2": "the-owners-password"})
    assert log_in_by_page(Client(), "dan@acme.example") is None
    assert User.objects.count() == 1


def test_password_reset_ends_other_sessions():
    ada = make_person("Ada")
    elsewhere = log_in(ada)
    assert elsewhere.get("/workspaces/new/").status_code == 200
    browser = Client()
    browser.post("/account/password/reset/", {"email": "ADA@acme.example"})
    path = browser.get(link_in_last_mail())["Location"]
    answer = browser.post(path, {"password1": PASSWORD, "password2": PASSWORD})
    assert answer.status_code == 302
    assert elsewhere.get("/workspaces/new/").status_code == 302
    assert log_in_by_page(Client(), "ada@acme.example") == "/"
    assert log_in_by_page(Client(), "ada@acme.example", "a-long-password") is None


def test_password_reset_of_an_unknown_address_looks_the_same():
    make_person("Ada")
    answers = [
        Client().post("/account/password/reset/", {"email": email})
        for email in ("ada@acme.example", "nobody@acme.example")
    ]
    assert answers[0]["Location"] == answers[1]["Location"] == "/account/password/reset/done/"


def test_a_person_made_without_a_password_sets_one_by_mail():
    user = make_person("Ada")
    user.set_unusable_password()
    user.save()
    browser = Client()
    browser.post("/account/password/reset/", {"email": "ada@acme.example"})
    path = browser.get(link_in_last_mail())["Location"]
    browser.post(path, {"password1": PASSWORD, "password2": PASSWORD})
    assert log_in_by_page(Client(), "ada@acme.example") == "/"


def test_five_wrong_passwords_close_the_door_for_a_while():
    make_person("Ada")
    for _ in range(5):
        assert log_in_by_page(Client(), "ada@acme.example", "wrong-password") is None
    assert log_in_by_page(Client(), "ada@acme.example", "a-long-password") is None
    answer = Client().post("/account/login/", {"login": "ada@acme.example", "password": "a-long-password"})
    assert "Too many log-ins failed" in answer.content.decode()


def test_a_forged_address_does_not_get_around_the_limit():
    """Without a proxy in the settings nobody's word for the network address is taken."""
    make_person("Ada")
    for number in range(10):
        forged = Client(headers={"x-forwarded-for": f"198.51.100.{number}", "x-real-ip": f"198.51.100.{number}"})
        assert log_in_by_page(forged, f"p{number}@acme.example", "wrong-password") is None
    forged = Client(headers={"x-forwarded-for": "198.51.100.99", "forwarded": "for=198.51.100.99"})
    assert log_in_by_page(forged, "ada@acme.example", "a-long-password") is None


def test_strangers_cannot_push_out_what_was_counted():
    make_person("Ada")
    for _ in range(5):
        log_in_by_page(Client(), "ada@acme.example", "wrong-password")
    for number in range(1_000):
        cache.set(f"stranger-{number}", [1.0], 300)
    assert log_in_by_page(Client(), "ada@acme.example", "a-long-password") is None


def test_the_session_key_changes_at_log_in():
    make_person("Ada")
    browser = Client()
    session = browser.session
    session["x"] = 1
    session.save()
    browser.cookies["sessionid"] = before = session.session_key
    log_in_by_page(browser, "ada@acme.example", "a-long-password")
    assert browser.cookies["sessionid"].value != before
    stale = Client()
    stale.cookies["sessionid"] = before
    assert stale.get("/")["Location"] == "/account/login/?next=/"


def code_of(secret):
    """The six digits that the person's telephone shows now."""
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


def test_a_second_factor_is_asked_for_once_it_is_set_up(time_machine):
    time_machine.move_to(datetime.now(UTC), tick=False)  # so that no code runs out between its making and its use
    ada = make_person("Ada")
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    TOTP.activate(ada, secret)
    browser = Client()
    assert log_in_by_page(browser, "ada@acme.example", "a-long-password") == "/account/2fa/authenticate/"
    assert browser.get("/")["Location"] == "/account/login/?next=/"
    browser.post("/account/2fa/authenticate/", {"code": "000000"})
    assert browser.get("/")["Location"] == "/account/login/?next=/"
    browser.post("/account/2fa/authenticate/", {"code": code_of(secret)})
    assert browser.get("/")["Location"] == "/workspaces/new/"
    assert Authenticator.objects.get().last_used_at is not None


def test_who_is_deactivated_is_out_at_the_next_request():
    ada = make_person("Ada")
    browser = log_in(ada)
    assert browser.get("/workspaces/new/").status_code == 200
    User.objects.update(is_active=False)
    assert browser.get("/workspaces/new/")["Location"] == "/account/login/?next=/workspaces/new/"
    assert log_in_by_page(Client(), "ada@acme.example", "a-long-password") == "/account/inactive/"


def test_another_device_can_be_logged_out():
    ada = make_person("Ada")
    here, there = Client(), Client()
    log_in_by_page(here, "ada@acme.example", "a-long-password")
    log_in_by_page(there, "ada@acme.example", "a-long-password")
    assert UserSession.objects.filter(user=ada).count() == 2
    assert here.post("/account/sessions/").status_code == 302
    assert there.get("/workspaces/new/").status_code == 302
    assert here.get("/workspaces/new/").status_code == 200


def say_it_again(browser, password="a-long-password"):
    """Type the password once more, as pages that change the login ask for it."""
    browser.post("/account/reauthenticate/", {"password": password})


def test_a_new_address_counts_only_once_it_is_verified():
    ada = make_person("Ada")
    browser = Client()
    log_in_by_page(browser, "ada@acme.example", "a-long-password")
    fields = {"action_add": "", "email": "ada@private.example"}
    assert browser.post("/account/email/", fields)["Location"].startswith("/account/reauthenticate/")
    say_it_again(browser, "wrong")
    assert browser.post("/account/email/", fields)["Location"].startswith("/account/reauthenticate/")
    say_it_again(browser)
    assert browser.post("/account/email/", fields)["Location"] == "/account/email/"
    assert not EmailAddress.objects.get(email="ada@private.example").verified
    browser.post(link_in_last_mail())
    assert EmailAddress.objects.get(email="ada@private.example").verified
    ada.refresh_from_db()
    assert ada.email == "ada@acme.example"


def test_links_in_mails_are_built_from_our_own_address(settings):
    settings.ALLOWED_HOSTS = ["*"]
    Client(headers={"host": "evil.example"}).post(
        "/account/signup/", {"name": "Dan", "email": "dan@acme.example", "password1": PASSWORD}
    )
    assert link_in_last_mail().startswith("/account/confirm-email/")
    Client(headers={"host": "evil.example"}).post("/account/password/reset/", {"email": "dan@acme.example"})
    assert link_in_last_mail().startswith("/account/password/reset/key/")
    assert "evil.example" not in "".join(letter.body for letter in mail.outbox)


def test_a_mail_server_that_is_away_breaks_no_page(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 1, 2
    browser = Client()
    answer = sign_up(browser)
    assert answer.status_code == 302
    page = browser.get(answer["Location"]).content.decode()
    assert "We could not send you an e-mail. Please try again in a few minutes." in page


ELSEWHERE = [
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "https://evil.example",
    "http://testserver@evil.example",
    "http://testserver.evil.example",
    "//testserver@evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "\t//evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\x00//evil.example",
    " //evil.example",
    "/%09/evil.example",
    "http:\\\\evil.example",
    "//evil.example\\@testserver",
    "ftp://testserver/",
]


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(target=st.sampled_from(ELSEWHERE) | st.text(alphabet="/\\:@.%\t\n ehtpsvil", max_size=24))
def test_next_never_leads_elsewhere(db, target):
    if not User.objects.exists():
        make_person("Ada")
    cache.clear()
    browser = Client()
    fields = {"login": "ada@acme.example", "password": "a-long-password", "next": target}
    location = browser.post("/account/login/", fields)["Location"]
    stays_here = urlsplit(location).netloc in ("", "testserver") and urlsplit(location).scheme in (
        "",
        "http",
        "https",
    )
    assert (stays_here, location.replace("\\", "/").startswith("//")) == (True, False)


def test_every_page_of_login_and_security_opens(acme, ada):
    browser = Client()
    log_in_by_page(browser, "ada@acme.example", "a-long-password")
    say_it_again(browser)
    for name in ("account_email", "account_change_password", "mfa_index", "mfa_activate_totp", "usersessions_list"):
        answer = browser.get(reverse(name))
        assert (name, answer.status_code) == (name, 200)


def test_closed_sign_up_takes_in_who_was_invited(settings, acme, ada):
    settings.SIGN_UP_OPEN = False
    role = acme.roles.get()
    _, token = invitations.invite(acme, "dan@acme.example", role, is_admin=False, by=ada)
    withdrawn, old = invitations.invite(acme, "eve@acme.example", role, is_admin=False, by=ada)
    invitations.withdraw(withdrawn, by=ada)

    for way in ({}, {"next": "/"}, {"next": "/invitations/none/"}, {"next": f"/invitations/{old}/"}):
        assert "Sign-up is closed" in Client().get("/account/signup/", way).content.decode()
        assert "Sign-up is closed" in sign_up(Client(), **way).content.decode()
    assert not User.objects.filter(email="dan@acme.example").exists()
    assert "Sign up" not in Client().get("/account/login/").content.decode()

    browser = Client()
    invited = browser.get(f"/invitations/{token}/").content.decode()
    (way_in,) = re.findall(r'href="(/account/signup/[^"]+)"', invited)
    assert "Create your account" in browser.get(way_in.replace("&amp;", "&")).content.decode()
    assert sign_up(browser, next=f"/invitations/{token}/")["Location"] == "/account/confirm-email/"
    assert User.objects.get(email="dan@acme.example").name == "Dan"
