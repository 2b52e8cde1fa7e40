"""The design system: what is vendored, what templates must not hold, and what the components give."""

import gzip
import hashlib
import html
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django import forms
from django.core.cache import cache
from django.template import Context, Template
from django.template.loader import get_template, render_to_string
from django.test import Client, RequestFactory
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from config import vendor_static
from config.design_tags import browser_name, highlight_json, initials, pretty_json
from tests.people import log_in

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "templates"
PAGES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))
COMPONENTS = sorted(path.stem for path in (TEMPLATES / "components").glob("*.html"))
# Blocked by our Content-Security-Policy, or eval in disguise.
FORBIDDEN = re.compile(r"""<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|\shx-on|["']js:|hx-trigger="[^"]*\[""")


def render(source: str, **context: object) -> str:
    """What a line of template becomes, without space between tags."""
    text = Template(source).render(Context(context))
    return re.sub(r">\s+<", "><", text).strip()


def test_vendored_files_are_what_the_list_says():
    listed = dict(
        re.findall(r"\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|", (vendor_static.VENDOR / "README.md").read_text())
    )
    files = [path for path in vendor_static.VENDOR.iterdir() if path.name != "README.md"]
    assert {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files} == listed


def test_palette_keeps_the_steps_and_both_themes(tmp_path):
    for name, value in (("iris", "#fdfdff"), ("iris-dark", "#13131e")):
        (tmp_path / f"{name}.css").write_text(
            f":root {{\n  --iris-1: {value};\n}}\n@supports (x) {{ --iris-1: #0; }}"
        )
    assert vendor_static.read_scale(tmp_path, "iris-dark") == {"iris-1": "#13131e"}
    for scale in vendor_static.SCALES:
        for name in (scale, f"{scale}-dark"):
            (tmp_path / f"{name}.css").write_text(f"  --{scale}-1: #{'0' if 'dark' in name else 'f'}00000;")
    palette = vendor_static.make_palette(tmp_path)
    assert palette.count("light-dark(#f00000, #000000)") == len(vendor_static.SCALES)


def test_a_page_loads_less_than_25_kilobytes_of_css():
    frame = (TEMPLATES / "frame.html").read_text()
    sheets = re.findall(r'stylesheet" href="{% static "([^"]+)"', frame)
    assert len(sheets) == 7
    assert sum(len(gzip.compress((ROOT / "static" / sheet).read_bytes())) for sheet in sheets) < 25_000


@pytest.mark.parametrize("name", PAGES)
def test_templates_compile_and_hold_nothing_that_the_browser_refuses(name):
    get_template(name)
    assert FORBIDDEN.findall((TEMPLATES / name).read_text()) == []


@pytest.mark.parametrize(
    "text",
    [
        '<p style="x">',
        '<a onclick="x()">',
        "<script>x()</script>",
        "<style>",
        '<b hx-on:click="x">',
        '<b hx-vals="js:x">',
        '<b hx-trigger="click[x]">',
    ],
)
def test_the_search_for_refused_things_finds_each(text):
    assert FORBIDDEN.search(text)


@pytest.mark.parametrize("name", COMPONENTS)
def test_components_say_what_they_take_and_are_used(name):
    text = (TEMPLATES / "components" / f"{name}.html").read_text()
    assert text.startswith("{% comment %}\n")
    assert any(f'"components/{name}.html"' in (TEMPLATES / page).read_text() for page in PAGES)


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("Ada Lovelace", "AL"),
        ("Ada", "A"),
        ("ben.ito@acme.example", "BI"),
        ("Ana María de la Cruz", "AC"),
        ("", ""),
        ("李 小龍", "李小"),
    ],
)
def test_initials(who, expected):
    assert initials(who) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('{"a":[1,null]}', '{\n  "a": [\n    1,\n    null\n  ]\n}'),
        ({"é": "<b>"}, '{\n  "é": "<b>"\n}'),
        ("no JSON at all", "no JSON at all"),
        ("", ""),
    ],
)
def test_pretty_json(value, expected):
    assert pretty_json(value) == expected


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_coloured_json_is_the_same_text_and_nothing_but_spans(value):
    coloured = highlight_json(pretty_json(json.dumps(value)))
    assert set(re.findall(r"</?(\w+)", coloured)) <= {"span"}
    assert json.loads(html.unescape(re.sub(r"</?span[^>]*>", "", coloured))) == value


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:131.0) Gecko/20100101 Firefox/131.0", "Firefox on Windows"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/130.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5.0", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_browser_name(user_agent, expected):
    assert browser_name(user_agent) == expected


class ExampleForm(forms.Form):
    name = forms.CharField(label="Name", help_text="As on the door.")
    note = forms.CharField(label="Note", required=False)
    agree = forms.BooleanField(label="Agree", required=False)


def test_a_field_ties_label_help_and_error_together():
    form = ExampleForm({"name": ""})
    assert render("{{ form.name.as_field_group }}", form=form) == (
        '<div class="field"><label for="id_name">Name</label>'
        '<input type="text" name="name" required aria-invalid="true"'
        ' aria-describedby="id_name_helptext id_name_error" id="id_name">'
        '<div class="help" id="id_name_helptext">As on the door.</div>'
        '<ul class="errorlist" id="id_name_error"><li>This field is required.</li></ul></div>'
    )
    assert render("{{ form.note.as_field_group }}", form=form) == (
        '<div class="field"><label for="id_note">Note <span class="optional">(optional)</span></label>'
        '<input type="text" name="note" id="id_note"></div>'
    )
    assert render("{{ form.agree.as_field_group }}", form=form) == (
        '<div class="field"><label class="choice" for="id_agree"><input type="checkbox" name="agree" id="id_agree">'
        "<span>Agree</span></label></div>"
    )


def test_a_switch_is_a_checkbox_with_its_own_words():
    by_name = '{% include "components/switch.html" with name="sent" label="Sent" help="All." checked=True only %}'
    assert render(by_name) == (
        '<label class="switch" for="id_sent">'
        '<span class="switch-text">Sent<span class="help" id="id_sent_help">All.</span></span>'
        '<input class="switch-control" type="checkbox" role="switch" name="sent" value="on" id="id_sent"'
        ' checked aria-describedby="id_sent_help"></label>'
    )
    by_field = '{% include "components/switch.html" with field=form.agree only %}'
    assert render(by_field, form=ExampleForm({"agree": "on"})) == (
        '<label class="switch" for="id_agree"><span class="switch-text">Agree</span>'
        '<input class="switch-control" type="checkbox" role="switch" name="agree" id="id_agree" checked></label>'
    )


@pytest.mark.parametrize(
    ("state", "tone", "words"),
    [
        ("synced", "good", "Synced"),
        ("failed", "bad", "Errors"),
        ("held", "wait", "Not Synced"),
        ("unknown", "wait", "Not Synced"),
        ("waiting", "info", "Not Synced"),
        ("skipped", "quiet", "Not Synced"),
    ],
)
def test_status_colours(state, tone, words):
    status = render('{% include "components/status.html" with state=state only %}', state=state)
    assert status == f'<span class="badge tone-{tone}"><span class="dot"></span>{words}</span>'


def test_a_time_says_how_long_ago_and_exactly_when():
    moment = timezone.now() - timedelta(minutes=5, seconds=1)
    shown = render('{% include "components/time.html" with value=value only %}', value=moment)
    assert shown == (
        f'<time class="nowrap" datetime="{moment:%Y-%m-%dT%H:%M:%S.%f}+00:00"'
        f' title="{moment.day} {moment:%b %Y, %H:%M:%S} UTC" data-relative>5\xa0minutes ago</time>'
    )


def test_text_of_others_is_escaped_in_every_component_that_shows_it():
    evil = "<script>alert(1)</script>"
    source = (
        '{% include "components/alert.html" with text=evil title=evil only %}'
        '{% include "components/badge.html" with label=evil title=evil only %}'
        '{% include "components/button.html" with label=evil href=evil only %}'
        '{% include "components/code_block.html" with json=evil id="x" only %}'
        '{% include "components/empty_state.html" with title=evil text=evil only %}'
        '{% include "components/secret.html" with id="y" value=evil label=evil only %}'
        '{% include "components/search.html" with value=evil only %}'
        '{% include "components/stat.html" with value=evil label=evil only %}'
    )
    shown = render(source, evil=evil)
    assert "<script" not in shown
    assert shown.count("alert(1)") >= 12


def settings_links(user) -> list[str]:
    """The words of the settings' navigation, as a browser of that person shows them."""
    page = log_in(user).get("/account/email/").content.decode()
    (navigation,) = re.findall(r'<nav class="side-nav" aria-label="Settings">(.*?)</nav>', page, re.DOTALL)
    return [html.unescape(words) for words in re.findall(r'<a class="nav-link"[^>]*>([^<]+)</a>', navigation)]


PERSONAL = [
    "Profile",
    "Integrations",
    "CRM & Live Feed",
    "E-mail addresses",
    "Password",
    "Two-factor login",
    "Devices",
]
WORKSPACE = ["General", "Members", "Roles", "Integrations", "API keys", "Sync health", "Audit log"]


def test_only_admins_see_the_workspace_in_the_settings(ada, ben):
    assert settings_links(ada) == PERSONAL + WORKSPACE
    assert settings_links(ben) == PERSONAL


def test_the_current_page_is_marked_once_in_each_navigation(ada):
    page = log_in(ada).get("/account/email/").content.decode()
    current = re.findall(r'<a class="nav-link" href="([^"]+)" aria-current="page"', page)
    assert current == ["/account/email/", "/account/email/"]  # at the side, and in the phone's menu


def test_the_theme_of_the_cookie_comes_with_the_page():
    browser = Client()
    assert '<html lang="en">' in browser.get("/account/login/").content.decode()
    for theme, shown in (("dark", ' data-theme="dark"'), ("light", ' data-theme="light"'), ('"><b>', "")):
        browser.cookies["theme"] = theme
        assert f'<html lang="en"{shown}>' in browser.get("/account/login/").content.decode()


def heading(page: str) -> str:
    return re.sub(r"\s+", " ", re.search(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)[1]).strip()


@pytest.mark.django_db
def test_error_pages_say_what_happened(client, settings):
    answer = client.get("/nowhere/")
    assert (answer.status_code, heading(answer.content.decode())) == (404, "There is no page here")
    strict = Client(enforce_csrf_checks=True).post("/account/login/", {"login": "a@acme.example"})
    assert (strict.status_code, heading(strict.content.decode())) == (403, "This form was open for too long")
    settings.ALLOWED_HOSTS = ["elsewhere.example"]
    wrong_host = client.get("/account/login/")
    assert (wrong_host.status_code, heading(wrong_host.content.decode())) == (
        400,
        "Your browser sent something we cannot read",
    )


@pytest.mark.parametrize("name", ["400", "403", "404", "429", "500"])
def test_error_pages_need_nothing(name):
    page = render_to_string(f"{name}.html")
    assert f'<p class="error-code">{name}</p>' in page
    assert '<a class="button" href="/">Go to the start page</a>' in page


@pytest.mark.django_db
def test_too_many_tries_end_on_a_page_of_ours(client):
    cache.clear()
    for _ in range(40):
        answer = client.post("/account/password/reset/", {"email": "ada@acme.example"})
        if answer.status_code == 429:
            break
    assert (answer.status_code, heading(answer.content.decode())) == (429, "Too many tries")
    cache.clear()


def test_members_are_told_when_a_page_is_for_admins(acme, ben):
    answer = log_in(ben).get(f"/w/{acme.slug}/admin/members/")
    assert (answer.status_code, heading(answer.content.decode())) == (403, "This page is for workspace admins")


@pytest.mark.django_db
def test_the_style_guide_is_for_developers_only(client, settings):
    assert client.get("/styleguide/").status_code == 404
    settings.DEBUG = True
    answer = client.get("/styleguide/")
    assert (answer.status_code, heading(answer.content.decode())) == (200, "Style guide")


ENTRANCES = {
    "/account/login/": "Log in",
    "/account/signup/": "Create your account",
    "/account/password/reset/": "Reset your password",
    "/account/password/reset/done/": "Check your e-mail",
    "/account/confirm-email/": "Check your e-mail",
    "/account/confirm-email/not-a-key/": "This link no longer works",
    "/account/password/reset/key/1-set-password/": "This link no longer works",
    "/account/inactive/": "This account is switched off",
}


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "title"), ENTRANCES.items())
def test_pages_before_login(client, path, title):
    answer = client.get(path)
    assert (answer.status_code, heading(answer.content.decode())) == (200, title)
    assert "allauth" not in answer.content.decode()


INSIDE = {
    "/account/email/": "E-mail addresses",
    "/account/password/change/": "Password",
    "/account/2fa/": "Two-factor login",
    "/account/sessions/": "Devices",
    "/account/logout/": "Log out of Touchline?",
    "/account/reauthenticate/": "Is it you?",
}


@pytest.mark.parametrize(("path", "title"), INSIDE.items())
def test_pages_of_the_account(ada, path, title):
    answer = log_in(ada).get(path)
    assert (answer.status_code, heading(answer.content.decode())) == (200, title)


@pytest.mark.django_db
def test_fields_have_our_labels_and_no_placeholder(client):
    page = client.get("/account/signup/").content.decode()
    labels = re.findall(r'<label for="([^"]+)">([^<]+)</label>', page)
    assert labels == [("id_name", "Your name"), ("id_email", "E-mail address"), ("id_password1", "Password")]
    assert "placeholder" not in page
    assert "At least 10 characters, and not one that everybody uses." in page


def test_the_frame_works_without_a_person():
    request = RequestFactory().get("/")
    page = render_to_string("404.html", {"request": request})
    assert "Skip to the content" in page
    assert 'class="top-bar"' not in page
