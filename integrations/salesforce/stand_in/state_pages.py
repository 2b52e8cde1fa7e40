"""The grants of the app, and the API calls of an org."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

from .layout import button, lay_out, link_to, org_links, table

if TYPE_CHECKING:
    from .oauth import Grant
    from .org import Org
    from .server import StandIn


def grants_page(stand_in: StandIn, org: Org) -> str:
    """Who allowed the app in, and how its tokens fare. No token is shown."""
    lines = [grant_row(grant) for grant in reversed(stand_in.oauth.grants) if grant.org is org]
    counts = stand_in.oauth.counts
    heads = ["User", "State", "Since", "Scopes", "Refreshes", "Old tokens shown again", ""]
    body = f"""<h1>Grants <small>in {escape(org.name)}</small></h1>
<p class="soft">Token requests in all orgs: {counts["token"]}, of these refreshes: {counts["refresh"]},
with an old token: {counts["reuse"]}. Revocations: {counts["revoke"]}.</p>
<div class="buttons">{button("Let all sessions expire", "/grants", scenario="expire_access_tokens")}</div>
{table(heads, lines, "Nobody has connected Touchline yet.")}"""
    return lay_out("Grants", body, current="/grants", orgs=org_links(stand_in, org, "/grants"))


def grant_row(grant: Grant) -> str:
    """One grant."""
    state = (
        '<span class="good">live</span>' if grant.is_live else f'<span class="bad">{escape(grant.ended_by)}</span>'
    )
    since = datetime.fromtimestamp(grant.created, UTC).strftime("%Y-%m-%d %H:%M UTC")
    email = grant.org.row(grant.user_id)["Email"]
    revoke = button("Revoke", "/grants", scenario="revoke_user", email=email) if grant.is_live else ""
    cells = [link_to(grant.org, grant.user_id), state, since, escape(" ".join(grant.scopes))]
    cells += [str(grant.refreshes), str(grant.reuses), revoke]
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def usage_page(stand_in: StandIn, org: Org) -> str:
    """How many API calls the org has seen."""
    usage = org.usage
    kinds = [f"<tr><td>{escape(kind)}</td><td>{number:,}</td></tr>" for kind, number in usage.calls.most_common()]
    people = [
        f"<tr><td>{link_to(org, user_id)}</td><td>{number:,}</td></tr>"
        for user_id, number in usage.calls_by_user.most_common()
    ]
    body = f"""<h1>API usage <small>in {escape(org.name)}</small></h1>
<p>{usage.used:,} of {usage.maximum:,} calls in 24 hours.</p>
<h2>By kind, since the start</h2>
{table(["Call", "Number"], kinds, "No calls yet.")}
<h2>By user, since the start</h2>
{table(["User", "Number"], people, "No calls yet.")}"""
    return lay_out("API usage", body, current="/usage", orgs=org_links(stand_in, org, "/usage"))
