"""Who gets what: every route of the product, asked by everybody, read and written.

A new page needs one line in ROUTES: its route as `urls.py` writes it, who may come in, by which methods, and what
its uuid stands for. A route without a line, or a line without a route, fails.

People: anonymous; Ben, a member of Acme; Ada, its admin; Cleo, admin of another workspace; Sam of the support staff,
who is a member nowhere.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product

import pytest
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import NoReverseMatch, get_resolver, reverse
from django.urls.resolvers import URLResolver

from tests import permission_world as things
from tests.people import log_in, make_person
from tests.permission_world import ABSENT, Maker, Side, World, make_world
from workspaces import members
from workspaces.models import User

OK, LOGIN, REFUSED, ABSENT_PAGE, WRONG_METHOD, NO_KEY = "ok", "log in", "403", "404", "405", "401"

# Who may come in, and what everybody else gets instead.
ANYONE = {"anonymous": OK, "sam": OK, "cleo": OK, "ben": OK, "ada": OK}
PERSON = ANYONE | {"anonymous": LOGIN}
MEMBER = PERSON | {"sam": ABSENT_PAGE, "cleo": ABSENT_PAGE}
ADMIN = MEMBER | {"ben": REFUSED}
OWNER = MEMBER | {"ada": ABSENT_PAGE}  # Ben's own things, which even an admin does not see
ADDRESSEE = dict.fromkeys(PERSON, ABSENT_PAGE) | {"anonymous": LOGIN}  # somebody else, none of the five
NOBODY = dict.fromkeys(PERSON, ABSENT_PAGE)  # pages for developers
INVITED = dict.fromkeys(PERSON, REFUSED) | {"anonymous": OK}  # a link that is for somebody else

READ, WRITE = ("GET",), ("POST",)
BOTH = READ + WRITE


@dataclass(frozen=True)
class Route:
    """One line of the table. `uuid`, `entry`, `number`: make what these names of the route stand for, on a side."""

    route: str
    who: dict[str, str]
    methods: tuple[str, ...]
    uuid: Maker | None = None
    entry: Maker | None = None
    number: Maker | None = None

    def things_of(self, side: Side) -> dict[str, object]:
        """What the route's names stand for on this side."""
        makers = {"uuid": self.uuid, "entry": self.entry, "number": self.number}
        made = {name: maker(side) for name, maker in makers.items() if maker}
        fixed = {"uuid": ABSENT, "token": side.invitation_token, "issuer": "production", "provider": "google"}
        return fixed | made

    def path(self, slug: str, values: dict[str, object]) -> str:
        """The route with its names filled in."""
        values = values | {"slug": slug}
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(values[match[1]]), self.route)


W = "w/<slug:slug>/"
CONNECT = f"{W}settings/integrations/salesforce/"
ROLE = f"{W}admin/roles/<uuid:uuid>/"
CRM = f"{W}settings/crm-and-live-feed/"
ROW = f"{W}activity-log/<uuid:uuid>/"
SYNC_USER = f"{W}admin/integrations/sync-user/"

ROUTES = [
    Route("healthz", ANYONE, BOTH),
    Route("outbox/", NOBODY, BOTH),
    Route("styleguide/", NOBODY, BOTH),
    # workspaces
    Route("", PERSON, READ),
    Route("workspaces/new/", PERSON, BOTH),
    Route("invitations/<str:token>/", INVITED, BOTH),
    Route("invitations/<uuid:uuid>/accept/", ADDRESSEE, WRITE, things.make_invitation),
    Route("settings/profile/", PERSON, READ),
    Route("settings/integrations/", PERSON, READ),
    Route("settings/crm-and-live-feed/", PERSON, READ),
    Route("activity-log/", PERSON, READ),
    Route("activity-log/<uuid:uuid>/", PERSON, READ),
    Route("live-feed/", PERSON, READ),
    Route("unresolved/", PERSON, READ),
    Route(f"{W}switch/", MEMBER, WRITE),
    Route(f"{W}settings/profile/", MEMBER, BOTH),
    Route(f"{W}settings/profile/leave/", MEMBER, WRITE),
    Route(f"{W}admin/general/", ADMIN, BOTH),
    Route(f"{W}admin/members/", ADMIN, BOTH),
    Route(f"{W}admin/members/<uuid:uuid>/role/", ADMIN, WRITE, things.make_member),
    Route(f"{W}admin/members/<uuid:uuid>/admin/", ADMIN, WRITE, things.make_member),
    Route(f"{W}admin/members/<uuid:uuid>/remove/", ADMIN, WRITE, things.make_member),
    Route(f"{W}admin/invitations/<uuid:uuid>/resend/", ADMIN, WRITE, things.make_invitation),
    Route(f"{W}admin/invitations/<uuid:uuid>/withdraw/", ADMIN, WRITE, things.make_invitation),
    Route(f"{W}admin/roles/", ADMIN, BOTH),
    Route(f"{ROLE}rename/", ADMIN, WRITE, things.make_role),
    Route(f"{ROLE}default/", ADMIN, WRITE, things.make_role),
    Route(f"{ROLE}delete/", ADMIN, WRITE, things.make_role),
    Route(f"{W}admin/audit-log/", ADMIN, READ),
    # integrations
    Route("integrations/salesforce/callback/<issuer:issuer>/", PERSON, READ),
    Route(f"{W}settings/integrations/", MEMBER, READ),
    Route(f"{CONNECT}begin/", MEMBER, WRITE),
    Route(f"{CONNECT}ask/", MEMBER, WRITE),
    Route(f"{CONNECT}check/", MEMBER, WRITE),
    Route(f"{CONNECT}disconnect/", MEMBER, WRITE),
    Route(f"{CONNECT}revocations/", MEMBER, READ),
    Route(f"{CONNECT}permission-set/", MEMBER, READ),
    Route(f"{CONNECT}<uuid:uuid>/waiting/", OWNER, READ, things.make_trip),
    Route(f"{CONNECT}<uuid:uuid>/confirm/", OWNER, BOTH, things.make_trip),
    Route(f"{CONNECT}<uuid:uuid>/cancel/", OWNER, WRITE, things.make_trip),
    Route(f"{W}settings/integrations/mailbox/", MEMBER, BOTH),
    Route("integrations/mailbox/callback/<mail_provider:provider>/", PERSON, READ),
    Route(f"{W}settings/integrations/mailbox/sign-in/", MEMBER, WRITE),
    Route(f"{W}settings/integrations/mailbox/sign-in/<uuid:uuid>/", OWNER, READ, things.make_mailbox_trip),
    Route(f"{W}settings/integrations/mailbox/folders/", MEMBER, BOTH),
    Route(f"{W}settings/integrations/mailbox/older-mail/", MEMBER, BOTH),
    Route(f"{W}settings/integrations/mailbox/older-mail/live/", MEMBER, READ),
    Route(f"{W}settings/integrations/mailbox/try-again/", MEMBER, WRITE),
    Route(f"{W}settings/integrations/mailbox/disconnect/", MEMBER, WRITE),
    Route(f"{W}settings/integrations/calendar/", MEMBER, BOTH),
    Route(f"{W}settings/integrations/calendar/choose/", MEMBER, BOTH),
    Route(f"{W}settings/integrations/calendar/try-again/", MEMBER, WRITE),
    Route(f"{W}settings/integrations/calendar/disconnect/", MEMBER, WRITE),
    Route(f"{W}admin/integrations/", ADMIN, READ),
    Route(f"{SYNC_USER}begin/", ADMIN, WRITE),
    Route(f"{SYNC_USER}assign/", ADMIN, WRITE),
    Route(f"{SYNC_USER}stand-by/", ADMIN, WRITE),
    Route(f"{SYNC_USER}promote/", ADMIN, WRITE),
    Route(f"{SYNC_USER}check/", ADMIN, WRITE),
    Route(f"{SYNC_USER}disconnect/", ADMIN, WRITE),
    Route(f"{W}admin/integrations/api-share/", ADMIN, WRITE),
    Route(f"{W}admin/api-keys/", ADMIN, BOTH),
    Route(f"{W}admin/api-keys/<uuid:uuid>/revoke/", ADMIN, WRITE, things.make_api_key),
    # activity
    Route(f"{W}activity-log/", MEMBER, READ),
    Route(f"{W}activity-log/live/", MEMBER, READ),
    Route(f"{W}activity-log/export/", MEMBER, READ),
    Route(ROW, MEMBER, READ, things.make_job),
    Route(f"{ROW}live/", MEMBER, READ, things.make_job),
    Route(f"{ROW}payload/", MEMBER, WRITE, things.make_job),
    Route(f"{W}activity-log/retry-cause/", MEMBER, WRITE),
    Route(f"{ROW}retry/", MEMBER, WRITE, things.make_job),
    Route(f"{ROW}relink/", MEMBER, WRITE, things.make_job),
    Route(f"{ROW}withdraw/", MEMBER, WRITE, things.make_job),
    Route(f"{ROW}delete/", MEMBER, WRITE, things.make_job),
    Route(f"{W}live-feed/", MEMBER, READ),
    Route(f"{W}live-feed/live/", MEMBER, READ),
    Route(f"{W}live-feed/searches/", MEMBER, WRITE),
    Route(f"{W}live-feed/searches/<uuid:uuid>/", OWNER, WRITE, things.make_saved_search),
    Route(f"{W}live-feed/searches/<uuid:uuid>/delete/", OWNER, WRITE, things.make_saved_search),
    Route(f"{W}unresolved/", MEMBER, READ),
    Route(f"{W}unresolved/create/", MEMBER, BOTH),
    Route(f"{W}unresolved/ignore/", MEMBER, WRITE),
    Route(f"{W}unresolved/link/", MEMBER, WRITE),
    Route(f"{W}unresolved/retry/", MEMBER, WRITE),
    Route(f"{W}admin/sync-health/", ADMIN, READ),
    Route(f"{W}admin/sync-health/test/", ADMIN, WRITE),
    Route(f"{W}admin/sync-health/replay/", ADMIN, WRITE),
    Route(f"{W}admin/roles/confirm/", ADMIN, BOTH),
    Route(ROLE, ADMIN, BOTH, things.make_role),
    Route(f"{ROLE}preview/", ADMIN, WRITE, things.make_role),
    Route(f"{ROLE}exclusions/", ADMIN, WRITE, things.make_role),
    Route(f"{ROLE}overrides/", ADMIN, WRITE, things.make_role),
    Route(f"{ROLE}exclusions/<uuid:entry>/remove/", ADMIN, WRITE, things.make_role, things.make_role_exclusion),
    Route(
        f"{ROLE}versions/<int:number>/restore/", ADMIN, WRITE, things.make_role, number=things.make_settings_version
    ),
    Route(CRM, MEMBER, READ),
    Route(f"{CRM}sync-all/", MEMBER, WRITE),
    Route(f"{CRM}sharing/", MEMBER, WRITE),
    Route(f"{CRM}activities/", MEMBER, WRITE),
    Route(f"{CRM}never-log/", MEMBER, WRITE),
    Route(f"{CRM}never-log/<uuid:uuid>/remove/", OWNER, WRITE, things.make_never_log),
]
BY_ROUTE = {line.route: line for line in ROUTES}

# Groups with rules of their own, tested below or (API, tracking) in tests/activity.
ACCOUNT, STAFF, API, TRACKING = "account/", "admin/", "api/", "t/"


def all_routes(resolver: URLResolver | None = None, before: str = "") -> Iterator[str]:
    """Every route that the product answers to, groups included."""
    for entry in (resolver or get_resolver()).url_patterns:
        route = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from all_routes(entry, route)
        else:
            yield route


def what_came(answer: HttpResponse) -> str:
    """The answer in one word; a fault of ours is its status."""
    if answer.status_code in (301, 302) and answer["Location"].startswith("/account/login/"):
        return LOGIN
    known = {401: NO_KEY, 403: REFUSED, 404: ABSENT_PAGE, 405: WRONG_METHOD}
    return known.get(answer.status_code, OK if answer.status_code < 500 else str(answer.status_code))


def ask(browser: Client, method: str, path: str) -> HttpResponse:
    """Ask, and undo what it did, so that the next one finds the same world."""
    with transaction.atomic():
        answer = browser.get(path) if method == "GET" else browser.post(path)
        transaction.set_rollback(True)
    return answer


def without_noise(answer: HttpResponse) -> tuple[int, bytes]:
    """Status and body, but for the CSRF token, which differs at every answer."""
    return answer.status_code, re.sub(rb"[A-Za-z0-9]{64}", b"token", answer.content)


@pytest.fixture
def world(db: None) -> World:
    """A fresh world."""
    return make_world()


@contextmanager
def one(line: Route, world: World, subtests: pytest.Subtests) -> Iterator[dict[str, object]]:
    """A test of one line, with what its names stand for in Acme; undone when it ends."""
    with subtests.test(route=line.route or "/"), transaction.atomic():
        yield line.things_of(world.here)
        transaction.set_rollback(True)


def test_every_route_has_its_line_and_every_line_its_route() -> None:
    routes = {route for route in all_routes() if not route.startswith((ACCOUNT, STAFF, API, TRACKING))}
    lines = [line.route for line in ROUTES]

    assert sorted(routes - set(lines)) == [], "routes without a line in ROUTES"
    assert sorted(set(lines) - routes) == [], "lines of ROUTES without a route"
    assert len(lines) == len(set(lines))


def test_everybody_gets_what_the_table_says(world: World, subtests: pytest.Subtests) -> None:
    for line in ROUTES:
        with one(line, world, subtests) as things_here:
            path = line.path("acme", things_here)
            expected = {
                (name, method): what if method in line.methods else WRONG_METHOD
                for name, what in line.who.items()
                for method in BOTH
            }
            got = {
                (name, method): what_came(ask(world.browsers[name], method, path))
                for name in line.who
                for method in BOTH
            }

            assert got == expected


def test_a_foreign_workspace_looks_like_an_absent_one(world: World, subtests: pytest.Subtests) -> None:
    lines = [line for line in ROUTES if "<slug" in line.route]
    for line in lines:
        with one(line, world, subtests) as things_here:
            for browser, method in product((world.browsers["cleo"], world.browsers["sam"]), line.methods):
                foreign, absent = (ask(browser, method, line.path(slug, things_here)) for slug in ("acme", "absent"))

                assert foreign.status_code == 404
                assert without_noise(foreign) == without_noise(absent)


@pytest.mark.parametrize("name", ["uuid", "entry"])
def test_a_foreign_thing_looks_like_an_absent_one(name: str, world: World, subtests: pytest.Subtests) -> None:
    """A real thing of Globex, asked for in Acme by who may come in there, and by Cleo who owns it."""
    lines = [line for line in ROUTES if getattr(line, name)]
    for line in lines:
        with one(line, world, subtests) as things_here:
            foreign = line.things_of(world.elsewhere)[name]
            for who, method in product(("ada", "ben", "cleo"), line.methods):
                answers = [
                    ask(world.browsers[who], method, line.path("acme", things_here | {name: thing}))
                    for thing in (foreign, ABSENT)
                ]
                status = 403 if line.who[who] == REFUSED else 404

                assert [answer.status_code for answer in answers] == [status, status]
                assert without_noise(answers[0]) == without_noise(answers[1])


def test_nothing_is_written_without_the_csrf_token(world: World, subtests: pytest.Subtests) -> None:
    ben = Client(enforce_csrf_checks=True)
    ben.cookies = world.browsers["ben"].cookies
    for line in ROUTES:
        with one(line, world, subtests) as things_here:
            assert ask(ben, "POST", line.path("acme", things_here)).status_code == 403


def test_no_cache_keeps_a_page(world: World, subtests: pytest.Subtests) -> None:
    lines = [line for line in ROUTES if "GET" in line.methods]
    for line in lines:
        with one(line, world, subtests) as things_here:
            answer = ask(world.browsers["ada"], "GET", line.path("acme", things_here))

            assert "no-store" in answer["Cache-Control"]


def test_a_removed_member_gets_404_everywhere_at_the_next_request(world: World, subtests: pytest.Subtests) -> None:
    lines = [line for line in ROUTES if "<slug" in line.route]
    for line in lines:
        with one(line, world, subtests) as things_here:
            members.remove(world.here.owner, by=None)
            answers = [ask(world.browsers["ben"], method, line.path("acme", things_here)) for method in line.methods]

            assert {answer.status_code for answer in answers} == {404}


# --- allauth's pages, as a group -----------------------------------------------------------------------------

# What somebody who is not logged in may open; every other page of allauth's leads to the log-in page.
ANONYMOUS_ACCOUNT = {
    "account_login",
    "account_signup",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key_done",
    "account_email_verification_sent",
    "account_inactive",
    "account_logout",
}


def account_pages() -> dict[str, str]:
    """Name and path of every page of allauth's that needs no key in its path."""
    found = {}
    for name in get_resolver().reverse_dict:
        if isinstance(name, str):
            try:
                path = reverse(name)
            except NoReverseMatch:
                continue
            if path.startswith(f"/{ACCOUNT}"):
                found[name] = path
    return found


def test_account_pages_are_for_who_is_logged_in_but_for_the_ways_in(world: World) -> None:
    pages = account_pages()
    assert len(pages) > 15
    expected = {name: OK if name in ANONYMOUS_ACCOUNT else LOGIN for name in pages}

    got = {name: what_came(Client().get(path)) for name, path in pages.items()}

    assert got == expected


def test_account_pages_write_nothing_without_the_csrf_token(world: World) -> None:
    ben = Client(enforce_csrf_checks=True)
    ben.cookies = world.browsers["ben"].cookies
    got = {name: ben.post(path).status_code for name, path in account_pages().items()}

    assert set(got.values()) == {403}, got


# --- The Django admin, as a group ----------------------------------------------------------------------------


def admin_pages() -> Iterator[str]:
    """Every page of every registered model, and the frame's own."""
    yield from (reverse(f"admin:{name}") for name in ("index", "jsi18n", "password_change_done"))
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        yield reverse(f"{name}_add")
        yield from (reverse(f"{name}_{page}", args=[1]) for page in ("change", "history", "delete"))


def test_the_django_admin_is_for_staff(world: World) -> None:
    pages = list(admin_pages())
    assert len(pages) > 30
    for name in ("anonymous", "cleo", "ben", "ada"):
        for path in pages:
            for method in BOTH:
                answer = ask(world.browsers[name], method, path)
                assert (path, answer["Location"]) == (path, f"/admin/login/?next={path}")
    assert [what_came(world.browsers[name].get("/admin/login/")) for name in ("anonymous", "ben", "sam")] == [
        LOGIN,
        REFUSED,
        OK,
    ]
    assert {what_came(ask(world.browsers["sam"], "GET", path)) for path in pages} <= {OK, REFUSED}


def test_staff_without_a_second_factor_see_no_page_of_the_admin(world: World, settings) -> None:
    settings.REQUIRE_STAFF_MFA = True
    eve = make_person("Eve", "support.example")
    User.objects.filter(pk=eve.pk).update(is_staff=True)
    browser = log_in(eve)
    got = {ask(browser, method, path).get("Location") for path in admin_pages() for method in BOTH}

    assert got == {"/account/2fa/totp/activate/"}


def test_the_people_of_this_table_are_verified(world: World) -> None:
    """A negative about Cleo proves something only if Cleo can do everything at home."""
    assert EmailAddress.objects.filter(verified=True).count() == 4
    assert what_came(world.browsers["cleo"].get("/w/globex/admin/members/")) == OK
