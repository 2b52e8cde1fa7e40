"""Buttons that make things go wrong, so that a newcomer sees how Touchline answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

from .layout import button, lay_out, org_links, table
from .org import Org
from .ready_faults import READY
from .switches import APP_POLICIES

if TYPE_CHECKING:
    from .server import StandIn


def faults_page(stand_in: StandIn, org: Org) -> str:
    """The faults that can be ordered, those that wait, and the switches of the org."""
    waiting = [waiting_row(values) for values in stand_in.faults.list()]
    body = f"""<h1>Faults</h1>
<p class="soft">Order one, do something in Touchline, and look at its activity log.</p>
<h2>Waiting</h2>
{table(["Fault", "", "For", "Times"], waiting, "None: everything goes well.")}
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
        f"<tr><td>{escape(kind)}</td><td>{cancel}</td><td><code>{escape(for_what)}</code></td>"
        f"<td>{values.get('times', 'always')}</td></tr>"
    )


def fault_tile(name: str) -> str:
    """A fault that can be ordered."""
    fault = READY[name]
    text = f"<h3>{escape(fault.title)}</h3><p>{escape(fault.explanation)}</p>"
    return f'<section class="card">{text}{button("Order", "/faults", ready=name)}</section>'


@dataclass(frozen=True, slots=True)
class Toggle:
    """A switch of two positions: its words and button texts when on and when off, and the scenario that turns it."""

    title: str
    is_on: Callable[[Org], bool]
    words: tuple[str, str]
    texts: tuple[str, str]
    scenario: str
    argument: str
    more: dict[str, object] = field(default_factory=dict)

    def draw(self, org: Org, turn: Callable[..., str]) -> tuple[str, str, str]:
        """Title, position in words, button."""
        on = self.is_on(org)
        pressed = turn(self.texts[not on], self.scenario, **{self.argument: not on}, **self.more)
        return self.title, self.words[not on], pressed


ON_OFF, SWITCH = ("on", "off"), ("Switch off", "Switch on")
TOGGLES = (
    Toggle(
        "The org", lambda org: org.is_active, ("open", "locked"), ("Lock it", "Open it"), "deactivate_org", "active"
    ),
    Toggle(
        "Our address",
        lambda org: org.blocked_ip,
        ("blocked", "welcome"),
        ("Welcome it", "Block it"),
        "block_ip",
        "blocked",
    ),
    Toggle("API", lambda org: org.api_enabled, ON_OFF, SWITCH, "enable_api", "enabled"),
    Toggle(
        "Shared Activities",
        lambda org: "TaskWhoIds" in org.objects["Task"].fields,
        ON_OFF,
        SWITCH,
        "share_activities",
        "shared",
    ),
    Toggle(
        "Searches for Tasks",
        lambda org: "Task" in org.blind_objects,
        ("find nothing", "work"),
        ("Let them work", "Make them blind"),
        "blind_queries",
        "blind",
        {"object_name": "Task"},
    ),
)


def list_switches(stand_in: StandIn, org: Org) -> list[tuple[str, str, str]]:
    """The switches of an org: title, position in words, buttons."""
    number = stand_in.orgs.index(org)

    def turn(text: str, scenario: str, **values: object) -> str:
        """A button that runs a scenario of this org."""
        return button(text, f"/faults?org={number}", scenario=scenario, org=number, **values)

    own = [draw(org, turn) for draw in (app_switch, usage_switch, key_switch, rule_switch)]
    return [*(toggle.draw(org, turn) for toggle in TOGGLES), *own]


def app_switch(org: Org, turn: Callable[..., str]) -> tuple[str, str, str]:
    """How the app stands in the org."""
    others = [policy for policy in APP_POLICIES if policy != org.app_policy]
    buttons = [turn(policy.replace("_", " ").capitalize(), "set_app_policy", policy=policy) for policy in others]
    return "The app in this org", org.app_policy.replace("_", " "), "".join(buttons)


def usage_switch(org: Org, turn: Callable[..., str]) -> tuple[str, str, str]:
    """The API calls of 24 hours."""
    most = org.usage.maximum
    text, used = ("Start the day anew", 0) if org.usage.is_exhausted else ("Use them up", most)
    shown = f"{org.usage.used:,} of {most:,} used"
    return "API calls", shown, turn(text, "set_api_limit", maximum=most, used=used)


def key_switch(org: Org, turn: Callable[..., str]) -> tuple[str, str, str]:
    """The field that holds our key."""
    key = {"object_name": "Task", "field_name": "CallObject"}
    hidden = any(("Task", "CallObject") in profile.hidden for profile in org.profiles.values())
    pressed = turn("Show it", "show_field", **key) if hidden else turn("Hide it", "hide_field", **key)
    return "Task.CallObject (our key)", "hidden" if hidden else "visible", pressed


def rule_switch(org: Org, turn: Callable[..., str]) -> tuple[str, str, str]:
    """A validation rule that refuses every task."""
    if org.validation_rules:
        return "A validation rule on Tasks", "on", turn("Switch off", "remove_validation_rules")
    values = {"object_name": "Task", "message": "Please fill in the region."}
    return "A validation rule on Tasks", "off", turn("Switch on", "add_validation_rule", **values)


def switch_tile(title: str, state: str, buttons: str) -> str:
    """One switch."""
    text = f"<h3>{escape(title)}</h3><p>{escape(state)}</p>"
    return f'<section class="card">{text}<div class="buttons">{buttons}</div></section>'
