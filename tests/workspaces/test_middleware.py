"""workspaces/middleware.py, context.py: what belongs to the person who asks."""

from datetime import UTC, datetime, timedelta

import time_machine
from allauth.usersessions.models import UserSession
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory

from tests.people import log_in, make_person


def test_last_seen_is_kept_every_five_minutes(db):
    start = datetime(2026, 11, 23, 9, tzinfo=UTC)
    with time_machine.travel(start, tick=False) as clock:
        browser = log_in(make_person("Ada"))
        seen = []
        for minutes in (0, 1, 4, 5, 6, 30):
            clock.move_to(start + timedelta(minutes=minutes))
            browser.get("/workspaces/new/", headers={"user-agent": "Browser"})
            seen.append((UserSession.objects.get().last_seen_at - start) / timedelta(minutes=1))
    assert seen == [0, 0, 0, 5, 5, 30]
    assert UserSession.objects.get().user_agent == "Browser"


def test_a_page_that_only_looks_writes_nothing(db, django_assert_num_queries):
    browser = log_in(make_person("Ada"))
    browser.get("/workspaces/new/")
    with django_assert_num_queries(3):  # session, person, last membership
        browser.get("/")


def test_files_are_passed_over():
    fields = {"login": "ada@acme.example", "file": SimpleUploadedFile("bomb", b"x" * 3_000_000)}
    request = RequestFactory().post("/account/login/", fields)

    assert (request.POST.dict(), request.FILES.dict()) == ({"login": "ada@acme.example"}, {})


def test_anonymous_people_have_no_session_row(db):
    Client().get("/account/login/")
    assert UserSession.objects.count() == 0
