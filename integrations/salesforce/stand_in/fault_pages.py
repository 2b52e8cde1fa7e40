"""Buttons that make things go wrong, so that a newcomer sees how Touchline answers."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .layout import button, lay_out, org_links, table
from .ready_faults import READY

if TYPE_CHECKING:
    from .org import Org
    from .server import StandIn


def faults_page(stand_in: StandIn, org: Org) -> str:
    """The faults that can be ordered, those that wait, and the switches of the org."""
    waiting = [waiting_row(values) for values in stand_in.faults.list()]
    body = f"""<h1>Faults</h1>
<p class="soft">Order one, do something in Touchline, and look at its activity log.</p>
<h2>Waiting</h2>
{table(["Fault", "For", "Times", ""], waiting, "None: everything goes well.")}
<h2>Order a fault</h2>
<div class="tiles">{"".join(fault_tile(name) for name in READY)}</div>
<h2>Switches of {escape(org.name)}</h2>
<div class="tiles">{"".join(switch_tile(*each) for each in list_switches(stand_in, org))}</div>"""
    return lay_out("Faults", body, current="/faults", orgs=org_links(stand_in, org, "/faults"))


def waiting_row(values: dict[str, object]) -> str:
    """One fault that waits for its call."""
    for_what = " ".join(str(values[name]) for name in ("method", "path", "object", "user") if name in values)
    cancel = button("Cancel", "/faults", cancel=values["number"])
    kind = str(values["title"] or f"{values['kind']} {values.get('code', '')}")
    return (
        f"<tr><td>{escape(kind)}</td><td><code>{escape(for_what)}</code></td>"
        f"<td>{values.get('times', 'always')}</td><td>{cancel}</td></tr>"
    )


def fault_tile(name: str) -> str:
    """A fault that can be ordered."""
    fault = READY[name]
    text = f"<h3>{escape(fault.title)}</h3><p>{escape(fault.explanation)}</p>"
    return f'<section class="card">{text}{button("Order", "/faults", ready=name)}</section>'


def list_switches(stand_in: StandIn, org: Org) -> list[tuple[str, str, str]]:
    """The switches: title, state in words, button."""
    number = stand_in.orgs.index(org)
    back = f"/faults?org={number}"

    def turn(text: str, scenario: str, **values: object) -> str:
        return button(text, back, scenario=scenario, org=number, **values)

    shared = "TaskWhoIds" in org.objects["Task"].fields
    has_key = "CallObject" in org.objects["Task"].fields and not any(
        ("Task", "CallObject") in profile.hidden for profile in org.profiles.values()
    )
    full = org.usage.is_exhausted
    blind = "Task" in org.blind_objects
    return [
        (
            "The org",
            "open" if org.is_active else "locked",
            turn("Lock it" if org.is_active else "Open it", "deactivate_org", active=not org.is_active),
        ),
        (
            "The app in this org",
            org.app_policy.replace("_", " "),
            "".join(
                turn(policy.replace("_", " ").capitalize(), "set_app_policy", policy=policy)
                for policy in ("open", "not_approved", "blocked", "not_installed")
                if policy != org.app_policy
            ),
        ),
        (
            "Our address",
            "blocked" if org.blocked_ip else "welcome",
            turn("Welcome it" if org.blocked_ip else "Block it", "block_ip", blocked=not org.blocked_ip),
        ),
        (
            "API",
            "on" if org.api_enabled else "off",
            turn("Switch off" if org.api_enabled else "Switch on", "enable_api", enabled=not org.api_enabled),
        ),
        (
            "API calls",
            f"{org.usage.used:,} of {org.usage.maximum:,} used",
            turn("Use them up", "set_api_limit", maximum=org.usage.maximum, used=org.usage.maximum)
            if not full
            else turn("Start the day anew", "set_api_limit", maximum=org.usage.maximum, used=0),
        ),
        (
            "Shared Activities",
            "on" if shared else "off",
            turn("Switch off" if shared else "Switch on", "share_activities", shared=not shared),
        ),
        (
            "Task.CallObject (our key)",
            "visible" if has_key else "hidden",
            turn("Hide it", "hide_field", object_name="Task", field_name="CallObject")
            if has_key
            else turn("Show it", "show_field", object_name="Task", field_name="CallObject"),
        ),
        (
            "Searches for Tasks",
            "find nothing" if blind else "work",
            turn(
                "Let them work" if blind else "Make them blind", "blind_queries", object_name="Task", blind=not blind
            ),
        ),
        (
            "A validation rule on Tasks",
            "on" if org.validation_rules else "off",
            turn("Switch off", "remove_validation_rules")
            if org.validation_rules
            else turn("Switch on", "add_validation_rule", object_name="Task", message="Please fill in the region."),
        ),
    ]


def switch_tile(title: str, state: str, buttons: str) -> str:
    """One switch."""
    text = f"<h3>{escape(title)}</h3><p>{escape(state)}</p>"
    return f'<section class="card">{text}<div class="buttons">{buttons}</div></section>'
