"""The pages of a log-in: who are you, do you allow it, and what went wrong."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .errors import OAuthError
from .layout import lay_out

if TYPE_CHECKING:
    from .org import Org


def log_in_page(target: str, offered: list[tuple[Org, list[dict]]]) -> str:
    """A button for each Salesforce user."""
    groups = "".join(
        f"<h2>{escape(org.name)}{' <small>sandbox</small>' if org.is_sandbox else ''}</h2>"
        + "".join(user_button(row) for row in users)
        for org, users in offered
    )
    body = f"""
<section class="card">
<h1>Log in to Salesforce</h1>
<p>This is the stand-in for Salesforce. Pick the Salesforce user who logs in; there is no password.</p>
<form method="post" action="{escape(target)}">
{groups}
<label class="check"><input type="checkbox" name="remember" value="yes"> Remember me in this browser</label>
</form>
</section>"""
    return lay_out("Log in", body, narrow=True)


def user_button(row: dict) -> str:
    """One user to log in as."""
    note = "" if row["IsActive"] else " <small>deactivated</small>"
    return (
        f'<button class="person" name="user" value="{row["Id"]}"><strong>{escape(row["Name"])}</strong>{note}'
        f"<span>{escape(row['Email'])}</span></button>"
    )


def allow_page(target: str, org: Org, user_id: str) -> str:
    """Allow or Deny."""
    row = org.row(user_id)
    body = f"""
<section class="card">
<h1>Allow access?</h1>
<p><strong>Touchline</strong> is asking to:</p>
<ul>
<li>Manage user data via APIs</li>
<li>Perform requests at any time</li>
<li>Access unique user identifiers</li>
</ul>
<p>Do you want to allow access for <strong>{escape(row["Username"])}</strong> of {escape(org.name)}?</p>
<form method="post" action="{escape(target)}" class="row">
<input type="hidden" name="user" value="{row["Id"]}">
<button class="main" name="decision" value="allow">Allow</button>
<button name="decision" value="deny">Deny</button>
</form>
</section>"""
    return lay_out("Allow access?", body, narrow=True)


def error_page(error: OAuthError) -> str:
    """What Salesforce shows itself, without telling the app."""
    body = f"""
<section class="card">
<h1>We can't log you in</h1>
<p>{escape(error.error)}{": " if error.description else ""}{escape(error.description)}</p>
<p>Salesforce shows this page itself: the app that sent you here is not told.</p>
</section>"""
    return lay_out("We can't log you in", body, narrow=True)


def logged_out_page() -> str:
    """After a log-out."""
    body = '<section class="card"><h1>You are logged out</h1><p>The stand-in has forgotten you.</p></section>'
    return lay_out("Logged out", body, narrow=True)
