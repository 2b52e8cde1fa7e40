"""The demo's people and their connections to the Salesforce stand-in, made by the product's own functions."""

import os
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import requests
from django.conf import settings

from activity.settings import confirm
from integrations import api_keys, grants, sign_in
from integrations.connections import connection_of, live_org
from integrations.models import Intent, Issuer
from workspaces.members import add, create_workspace, find_member
from workspaces.models import Membership, Workspace
from workspaces.people import find_or_create_verified

SLUG = "acme-sales"
ADA, BEN, SYNC_USER = "ada@touchline.example", "ben@touchline.example", "sync@touchline.example"
SUPPORT = "support@touchline.example"
PASSWORDS = {ADA: "ada-demo-2026", BEN: "ben-demo-2026", SUPPORT: "support-demo-2026"}
# Why one of the demo's mails ends as an error: the org's own rule, which the mail to a Lead breaks.
RULE = "Every logged activity must be related to an account or an opportunity."


def key_file() -> Path:
    """Where the demo's API key is kept, readable by its owner alone."""
    return settings.BASE_DIR / ".data" / "demo-api-key"


def make_team() -> Workspace:
    """Make the demo's workspace with its people, connections and API key; what exists is left as it is.

    Raises requests.RequestException when the stand-in does not answer.
    """
    workspace = Workspace.objects.filter(slug=SLUG).first()
    if workspace is None:
        ada = find_or_create_verified(ADA, PASSWORDS[ADA], "Ada Lovelace")
        workspace = create_workspace("Acme Sales", ada).workspace
        add(workspace, find_or_create_verified(BEN, PASSWORDS[BEN], "Ben Franklin"))
        _make_support()
    _connect(workspace)
    if not key_file().exists():
        _make_key(workspace)
    return workspace


def _make_support() -> None:
    support = find_or_create_verified(SUPPORT, PASSWORDS[SUPPORT], "Support")
    support.is_staff = support.is_superuser = True
    support.save(update_fields=["is_staff", "is_superuser"])


def _make_key(workspace: Workspace) -> None:
    _, key = api_keys.create(workspace, "Demo mail client", workspace.memberships.get(user__email=ADA).user)
    with open(os.open(key_file(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(key)


def _connect(workspace: Workspace) -> None:
    """The Sync User by Ada, with the role's switches confirmed, and Ben's own; Ada can try hers in the browser."""
    ada, ben = find_member(workspace, ADA), find_member(workspace, BEN)
    if ada and live_org(workspace) is None:
        _go_to_salesforce(ada, SYNC_USER, Intent.SYNC_USER)
        confirm(ada.role, {}, ada.user)
        _ask_stand_in("add_validation_rule", object_name="Task", message=RULE, blank_field="WhatId")
    if ben and connection_of(ben) is None and not ben.connections.exists():
        _go_to_salesforce(ben, BEN, Intent.MEMBER)


def _go_to_salesforce(member: Membership, as_user: str, intent: Intent) -> None:
    """The whole way that a person goes with a browser: leave, log in, allow, come back, confirm."""
    session_key = f"demo-of-{member.uuid}"
    _, url = sign_in.begin(member.user, member.workspace, session_key, intent, Issuer.PRODUCTION)
    answer = dict(parse_qsl(urlsplit(_allow(url, as_user)).query))
    grants.confirm(sign_in.complete(Issuer.PRODUCTION, answer, member.user, session_key), member.user)


def _allow(authorize_url: str, as_user: str) -> str:
    """Log in at the stand-in and press Allow; returns the callback that the browser is sent to."""
    page = requests.get(authorize_url, timeout=10).text
    buttons = re.findall(r'name="user" value="(\w+)">(.*?)</button>', page, re.DOTALL)
    person = next(user for user, label in buttons if as_user in label)
    form = {"user": person, "decision": "allow"}
    return requests.post(authorize_url, form, allow_redirects=False, timeout=10).headers["Location"]


def _ask_stand_in(scenario: str, **arguments: str) -> None:
    address = f"{settings.SALESFORCE_LOGIN_URL}/stand-in/scenario"
    requests.post(address, json={"name": scenario, "args": arguments}, timeout=10).raise_for_status()
