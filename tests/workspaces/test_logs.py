"""The keys in our links reach no log line, whoever writes it."""

import logging

import pytest
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.test import Client

from config import logs
from tests.people import log_in, make_person
from tests.workspaces.test_accounts import link_in_last_mail, sign_up
from workspaces import invitations
from workspaces.models import User


@pytest.fixture
def lines():
    """Every line that the process would write, as production formats it."""
    written: list[str] = []
    settings = logs.configure("DEBUG", readable=False)
    formatter = settings["formatters"]["lines"]

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(self.format(record))

    handler = Keep()
    handler.setFormatter(
        formatter["()"](foreign_pre_chain=formatter["foreign_pre_chain"], processors=formatter["processors"])
    )
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel("DEBUG")
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


def test_keys_of_links_are_masked(acme, ada, cleo, lines):
    cache.clear()
    _, token = invitations.invite(acme, "dan@acme.example", acme.roles.get(), False, by=ada)
    path = f"/invitations/{token}/"
    for browser in (Client(), log_in(cleo)):
        browser.get(path)
        browser.get(path[:-1])
    browser = Client()
    sign_up(browser, "eve@acme.example")
    confirm = link_in_last_mail()
    browser.get(confirm)
    make_person("Fay")
    browser.post("/account/password/reset/", {"email": "fay@acme.example"})
    reset = link_in_last_mail()
    browser.get(reset)
    tracked = [f"/t/c/{'x' * 40}", f"/t/d/{'y' * 40}", f"/t/o/{'z' * 40}.gif"]
    for address in tracked:
        browser.get(address)

    text = "\n".join(lines)
    assert text.count("/invitations/[secret]") >= 4
    assert "/confirm-email/[secret]" in text
    assert "/reset/key/[secret]" in text
    assert [f"/t/{purpose}/[secret]" in text for purpose in "cdo"] == [True] * 3
    keys = [token, confirm.split("/")[-2], reset.split("/")[-2], *(character * 40 for character in "xyz")]
    assert [key for key in keys if key in text] == []
    assert "@acme.example" not in text


def test_what_postgresql_repeats_of_a_row_is_masked(ada, lines):
    try:
        with transaction.atomic():
            User.objects.create(email=ada.email)
    except IntegrityError:
        logging.getLogger("activity").exception("a row could not be written")

    text = "\n".join(lines)
    assert "duplicate key value violates unique constraint" in text
    assert "DETAIL:  [secret]" in text
    assert ada.email not in text
