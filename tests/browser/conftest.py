"""A browser and a running Touchline."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connections
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.people import log_in
from tests.processes import Installation, own_database
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import User

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
# Without these Chromium calls its maker's hosts at every start.
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *QUIET])
        yield browser
        browser.close()
        # Under Playwright's event loop Django opens a connection of its own, out of reach once the loop has ended.
        connections.close_all()


@pytest.fixture
def environment() -> dict[str, str]:
    """Settings of the installation that a module wants to be different."""
    return {}


@pytest.fixture
def installation(tmp_path: Path, stand_in: TestedStandIn, environment: dict[str, str]) -> Iterator[Installation]:
    """A new Touchline: migrated database, web server and worker; nobody has signed up."""
    with own_database(f"browser_{os.getpid()}") as database_url:
        touchline = Installation(tmp_path, database_url, stand_in, **environment)
        touchline.manage("migrate", "--verbosity", "0")
        try:
            touchline.start_web()
            touchline.start_worker()
            yield touchline
        finally:
            touchline.stop()


@pytest.fixture
def new_person(chromium: Browser, installation: Installation) -> Iterator[Callable[..., Page]]:
    """Opens a browser of its own for a person; fails the test on any error in the console (CSP included)."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def complain(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(f"{message.location.get('url')}: {message.text}")

    def open_browser(**options) -> Page:
        context = chromium.new_context(base_url=installation.base_url, **options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", complain)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_browser
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def open_page(chromium: Browser, live_server, settings) -> Iterator[Callable[..., Page]]:
    """Opens pages of a server in this process; the test fails on any complaint in the console (CSP included)."""
    complaints: list[str] = []
    contexts = []

    def open_browser(user: User | None = None, **options) -> Page:
        context = chromium.new_context(base_url=live_server.url, reduced_motion="reduce", **options)
        contexts.append(context)
        if user:
            cookie = log_in(user).cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_browser
    for context in contexts:
        context.close()
    assert [text for text in complaints if "404 (Not Found)" not in text] == []
