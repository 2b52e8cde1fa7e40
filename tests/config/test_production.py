"""What a browser gets from a production installation: its settings, in a process of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "SECRET_KEY": "a-key-for-tests-only-0123456789abcdefghijklmnopqrstuvwxyz",
    "FIELD_ENCRYPTION_KEYS": "t1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "BASE_URL": "https://touchline.example",
    "SALESFORCE_CLIENT_ID": "client",
    "SALESFORCE_CLIENT_SECRET": "secret",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
    "LOG_LEVEL": "CRITICAL",
}
ASK = """
import json, django
django.setup()
from django.conf import settings
from django.test import Client
settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
browser = Client(headers={"host": "touchline.example"})
def answer(path, method="get", **options):
    said = getattr(browser, method)(path, **options)
    cookies = {name: {key: each[key] for key in ("secure", "httponly", "samesite", "path", "domain")}
               for name, each in said.cookies.items()}
    return {"status": said.status_code, "headers": dict(said.items()), "cookies": cookies}
print(json.dumps({
    "pages": {path: answer(path, secure=True) for path in (
        "/account/login/", "/account/signup/", "/account/password/reset/", "/nothing/", "/t/c/x", "/t/o/x.gif")},
    "plain": answer("/account/login/"),
    "plain_api": answer("/api/v1/activities", "post", content_type="application/json"),
    "other_host": answer("/account/login/", secure=True, headers={"host": "evil.example"}),
    "developers": [answer(path, secure=True)["status"] for path in ("/outbox/", "/styleguide/")],
    "session": [settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_SECURE, settings.SESSION_COOKIE_HTTPONLY,
                settings.SESSION_COOKIE_SAMESITE, settings.SESSION_COOKIE_DOMAIN, settings.SESSION_COOKIE_PATH],
    "staff": settings.REQUIRE_STAFF_MFA,
}))
"""
PAGES = ("/account/login/", "/account/signup/", "/account/password/reset/", "/nothing/")
CSP = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
}


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    """What each question of ASK was answered."""
    done = run("-c", ASK)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_djangos_own_checks_have_nothing_to_say() -> None:
    done = run("manage.py", "check", "--deploy", "--fail-level", "WARNING")

    assert (done.returncode, done.stdout) == (0, "System check identified no issues (0 silenced).\n")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_the_headers(answers: dict[str, Any], path: str) -> None:
    headers = answers["pages"][path]["headers"]

    assert set(headers["Content-Security-Policy"].split("; ")) == CSP
    names = (
        "Strict-Transport-Security", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy",
        "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy",
    )  # fmt: skip
    assert [headers[name] for name in names] == [
        "max-age=63072000; includeSubDomains; preload",
        "nosniff",
        "DENY",
        *["same-origin"] * 3,
    ]
    assert "no-store" in headers["Cache-Control"]


def test_cookies_are_bound_to_this_host_and_out_of_reach(answers: dict[str, Any]) -> None:
    bound = {"secure": True, "httponly": True, "samesite": "Lax", "path": "/", "domain": ""}

    assert answers["pages"]["/account/login/"]["cookies"] == {"__Host-csrftoken": bound}
    assert answers["session"] == ["__Host-sessionid", True, True, "Lax", None, "/"]


def test_tracking_sets_no_cookie_and_tells_nobody(answers: dict[str, Any]) -> None:
    for path, policy in (("/t/c/x", "same-origin"), ("/t/o/x.gif", "cross-origin")):
        answer = answers["pages"][path]
        assert answer["cookies"] == {}
        names = ("Referrer-Policy", "Cache-Control", "Cross-Origin-Resource-Policy", "X-Robots-Tag")
        assert [answer["headers"][name] for name in names] == [
            "no-referrer", "no-store, private", policy, "noindex, nofollow",
        ]  # fmt: skip


def test_plain_http_is_led_to_https_but_for_the_api(answers: dict[str, Any]) -> None:
    plain, api = answers["plain"], answers["plain_api"]

    assert (plain["status"], plain["headers"]["Location"]) == (301, "https://touchline.example/account/login/")
    assert (api["status"], "Location" in api["headers"]) == (403, False)


def test_another_host_is_not_answered_and_developers_pages_are_not_there(answers: dict[str, Any]) -> None:
    assert answers["other_host"]["status"] == 400
    assert answers["developers"] == [404, 404]
    assert answers["staff"] is True
