"""Keeping the stand-in's state in a file, so that a demo goes on where it stopped: orgs, users, grants, tokens."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections import Counter
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from .access import Profile
from .customising import ValidationRule
from .duplicates import DuplicateRule
from .oauth import Grant
from .org import Org
from .schema import OBJECTS, Field
from .tables import Table

if TYPE_CHECKING:
    from .server import StandIn

VERSION = 1
SWITCHES = ("is_active", "app_policy", "blocked_ip", "api_enabled", "multiday_events", "session_seconds")
SWITCHES += ("idle_seconds", "grants_per_user", "page_size", "unknown_field_refuses_call", "attributes_come_first")
SETS = ("locked_rows", "approval_locks", "blind_objects", "hidden_rows", "closed_statuses", "high_priorities")
PAUSE_SECONDS = 0.5
SHARE_OF_TIME = 20  # writing takes at most a twentieth of the time


def dump(stand_in: StandIn) -> dict[str, object]:
    """Return everything that a restart needs, as JSON values."""
    with stand_in.lock:
        orgs = [dump_org(org) for org in stand_in.orgs]
        return {
            "version": VERSION,
            "orgs": orgs,
            "grants": [dump_grant(stand_in, grant) for grant in stand_in.oauth.grants],
            "counts": dict(stand_in.oauth.counts),
            "rotates": stand_in.oauth.rotates,
        }


def load(stand_in: StandIn, data: dict) -> None:
    """Put a dumped state into a stand-in; raises KeyError or ValueError for what it does not understand."""
    if data.get("version") != VERSION:
        raise ValueError("the file was written by another version")
    stand_in.reset(*(load_org(each) for each in data["orgs"]))
    oauth = stand_in.oauth
    oauth.rotates, oauth.counts = data["rotates"], Counter(data["counts"])
    for each in data["grants"]:
        grant = load_grant(stand_in, each)
        oauth.grants.append(grant)
        oauth.by_refresh |= dict.fromkeys([*grant.spent, *filter(None, [grant.refresh_token])], grant)
        oauth.by_access |= dict.fromkeys(grant.access_tokens, grant)


def dump_org(org: Org) -> dict[str, object]:
    """One org as JSON values; rules that are Python functions are left out."""
    with org.lock:
        return {
            "name": org.name,
            "instance": org.instance,
            "is_sandbox": org.is_sandbox,
            "clock_offset": org.clock_offset.total_seconds(),
            "numbers": dict(org.numbers),
            "rows": {name: [dict(row) for row in table.rows.values()] for name, table in org.tables.items()},
            "objects": {
                name: [asdict(field) for field in known.fields.values()]
                for name, known in org.objects.items()
                if known is not OBJECTS[name]
            },
            "profiles": {user_id: dump_profile(profile) for user_id, profile in org.profiles.items()},
            "switches": {name: getattr(org, name) for name in SWITCHES},
            "sets": {name: sorted(getattr(org, name)) for name in SETS},
            "rules": [
                [rule.object_name, rule.message, rule.blank_field]
                for rule in org.validation_rules
                if rule.breaks is None
            ],
            "duplicate_rules": [asdict(rule) for rule in org.duplicate_rules],
            "lead_owner": org.lead_owner,
            "usage": {
                "maximum": org.usage.maximum,
                "by_hour": dict(org.usage.by_hour),
                "calls": dict(org.usage.calls),
            },
        }


def load_org(data: dict) -> Org:
    """Make an org of its JSON values."""
    org = Org(data["name"], instance=data["instance"], is_sandbox=data["is_sandbox"])
    org.clock_offset = timedelta(seconds=data["clock_offset"])
    org.numbers = data["numbers"]
    for name, fields in data["objects"].items():
        org.objects[name] = OBJECTS[name].with_fields({each["name"]: load_field(each) for each in fields})
    for name, rows in data["rows"].items():
        table = org.tables[name] = Table(name)
        for row in rows:
            table.add(row)
    org.profiles = {user_id: load_profile(each) for user_id, each in data["profiles"].items()}
    for name, value in data["switches"].items():
        setattr(org, name, value)
    for name, values in data["sets"].items():
        setattr(org, name, set(values))
    org.validation_rules = [ValidationRule(name, text, blank_field=field) for name, text, field in data["rules"]]
    org.duplicate_rules = [
        DuplicateRule(**each | {name: tuple(each[name]) for name in ("fields", "among")})
        for each in data.get("duplicate_rules", ())
    ]
    org.lead_owner = data.get("lead_owner")
    org.usage.maximum = data["usage"]["maximum"]
    org.usage.by_hour = Counter({int(hour): number for hour, number in data["usage"]["by_hour"].items()})
    org.usage.calls = Counter(data["usage"]["calls"])
    org.forget_views()
    return org


def load_field(data: dict) -> Field:
    """Make a field of its JSON values."""
    tuples = {name: tuple(data[name]) for name in ("references", "picklist")}
    return Field(**{**data, **tuples})


def dump_profile(profile: Profile) -> dict[str, object]:
    """A profile as JSON values."""
    lists = {name: sorted(getattr(profile, name)) for name in ("permissions", "hidden", "read_only", "unseen")}
    return {**lists, "denied": dict(profile.denied), "password_expired": profile.password_expired}


def load_profile(data: dict) -> Profile:
    """Make a profile of its JSON values."""
    return Profile(
        permissions=set(data["permissions"]),
        denied=data["denied"],
        hidden={(name, field) for name, field in data["hidden"]},
        read_only={(name, field) for name, field in data["read_only"]},
        unseen=set(data["unseen"]),
        password_expired=data["password_expired"],
    )


GRANT_VALUES = ("number", "user_id", "login", "created", "used", "refresh_token", "is_live", "ended_by", "refreshes")
GRANT_VALUES += ("reuses",)


def dump_grant(stand_in: StandIn, grant: Grant) -> dict[str, object]:
    """A grant as JSON values; its org is a position."""
    plain = {name: getattr(grant, name) for name in GRANT_VALUES}
    return {
        **plain,
        "org": stand_in.orgs.index(grant.org),
        "scopes": list(grant.scopes),
        "spent": sorted(grant.spent),
        "access_tokens": dict(grant.access_tokens),
        "presented": dict(grant.presented),
    }


def load_grant(stand_in: StandIn, data: dict) -> Grant:
    """Make a grant of its JSON values."""
    return Grant(
        **{name: data[name] for name in GRANT_VALUES},
        org=stand_in.orgs[data["org"]],
        scopes=tuple(data["scopes"]),
        spent=set(data["spent"]),
        access_tokens=data["access_tokens"],
        presented=Counter(data["presented"]),
    )


class SnapshotKeeper:
    """Writes the state to a file a moment after it changed, and once more at the end."""

    def __init__(self, stand_in: StandIn, path: Path) -> None:
        self.stand_in, self.path = stand_in, path
        self.written = -1
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._watch, name="snapshot", daemon=True)

    def load(self) -> bool:
        """Read the file into the stand-in; False where there is none, or none that can be used."""
        try:
            load(self.stand_in, json.loads(self.path.read_text()))
        except FileNotFoundError:
            return False
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            os.replace(self.path, self.path.with_suffix(".unreadable"))
            return False
        return True

    def start(self) -> None:
        """Begin to watch."""
        self.thread.start()

    def stop(self) -> None:
        """Write what is new and stop watching."""
        self.stopped.set()
        self.thread.join()
        self.write()

    def write(self) -> None:
        """Write the state if anything happened since the last time; the file is never half written."""
        changes = self._changes()
        if changes == self.written:
            return
        draft = self.path.with_suffix(".new")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(dump(self.stand_in), file)
        os.replace(draft, self.path)
        self.written = changes

    def _changes(self) -> int:
        return self.stand_in.requests + sum(org.changes for org in self.stand_in.orgs)

    def _watch(self) -> None:
        pause = PAUSE_SECONDS
        while not self.stopped.wait(pause):
            started = time.monotonic()
            with contextlib.suppress(OSError):
                self.write()
            pause = max(PAUSE_SECONDS, SHARE_OF_TIME * (time.monotonic() - started))
