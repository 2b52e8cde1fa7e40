"""The switches of an org: its state, its users' rights, locks and sight.

Every method can be called from a test (on the Org) and through the control address (by name, see control.py).
Users are named by e-mail. Each takes the org's lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from .customising import ValidationRule
from .duplicates import DuplicateRule

if TYPE_CHECKING:
    from .access import Profile
    from .org import Org

APP_POLICIES = ("open", "not_approved", "blocked", "not_installed")


class Switches:
    """The part of Org that says how the org stands and what its users may do."""

    def set_switches(self: Org) -> None:
        """Put every switch into its ordinary position."""
        self.is_active = True
        self.app_policy = "open"
        self.blocked_ip = False
        self.api_enabled = True
        self.multiday_events = False
        self.session_seconds: float = 7200
        self.idle_seconds: float | None = None
        self.grants_per_user = 5
        self.page_size = 2000
        self.unknown_field_refuses_call = False
        self.attributes_come_first = True
        self.locked_rows: set[str] = set()
        self.approval_locks: set[str] = set()
        self.blind_objects: set[str] = set()
        self.hidden_rows: set[str] = set()
        self.validation_rules: list[ValidationRule] = []
        self.duplicate_rules: list[DuplicateRule] = []
        self.lead_owner: str | None = None
        self.closed_statuses: set[str] = set()
        self.high_priorities: set[str] = set()
        self.cursors: dict[str, tuple] = {}

    # -- the org as a whole

    def deactivate_org(self: Org, active: bool = False) -> None:
        """Lock the org, or open it again."""
        self.is_active = active

    def set_app_policy(self: Org, policy: str) -> None:
        """Say how the app stands in this org: open, not_approved, blocked or not_installed."""
        if policy not in APP_POLICIES:
            raise ValueError(f"policy is one of {', '.join(APP_POLICIES)}")
        self.app_policy = policy

    def block_ip(self: Org, blocked: bool = True) -> None:
        """Refuse log-ins and refreshes from our address."""
        self.blocked_ip = blocked

    def enable_api(self: Org, enabled: bool = True) -> None:
        """Switch the API on or off for the whole org (an edition without API)."""
        self.api_enabled = enabled

    def set_api_limit(self: Org, maximum: int, used: int | None = None) -> None:
        """Set the allowance of API calls in 24 hours, and how many of them are used."""
        with self.lock:
            self.usage.maximum = maximum
            if used is not None:
                self.usage.by_hour.clear()
                self.usage.use(used)

    def set_session_seconds(self: Org, seconds: float) -> None:
        """Set the life time of access tokens issued from now on."""
        self.session_seconds = seconds

    def set_clock_offset(self: Org, seconds: float) -> None:
        """Let the server's clock go wrong."""
        self.clock_offset = timedelta(seconds=seconds)

    # -- users

    def deactivate_user(self: Org, email: str, active: bool = False) -> None:
        """Deactivate a Salesforce user, or bring it back."""
        with self.lock:
            self._rewrite(self.user(email), {"IsActive": active}, self.system_user)

    def expire_password(self: Org, email: str, expired: bool = True) -> None:
        """Let a user's password run out."""
        self._profile(email).password_expired = expired

    def permit(self: Org, email: str, permission: str, allowed: bool = True) -> None:
        """Give a user a permission (e.g. ApiEnabled, EditTask) or take it away."""
        with self.lock:
            held = self._profile(email).permissions
            (held.add if allowed else held.discard)(permission)
            self.forget_views()

    def deny(self: Org, email: str, object_name: str, letters: str) -> None:
        """Take rights on an object from a user: letters of "crud"; "" gives all back."""
        with self.lock:
            self._profile(email).denied[object_name] = letters
            self.forget_views()

    def hide_field(self: Org, object_name: str, field_name: str, email: str | None = None) -> None:
        """Hide a field from one user, or from everybody."""
        with self.lock:
            profiles = self.profiles.values() if email is None else [self._profile(email)]
            for profile in profiles:
                profile.hidden.add((object_name, field_name))
            self.forget_views()

    def show_field(self: Org, object_name: str, field_name: str) -> None:
        """Show a field to everybody, for reading and writing."""
        with self.lock:
            for profile in self.profiles.values():
                profile.hidden.discard((object_name, field_name))
                profile.read_only.discard((object_name, field_name))
            self.forget_views()

    def make_read_only(self: Org, object_name: str, field_name: str, email: str) -> None:
        """Let a user read a field but not write it."""
        with self.lock:
            self._profile(email).read_only.add((object_name, field_name))
            self.forget_views()

    def hide_from(self: Org, email: str, record_ids: Iterable[str], hidden: bool = True) -> None:
        """Let sharing hide records from a user."""
        with self.lock:
            unseen = self._profile(email).unseen
            (unseen.update if hidden else unseen.difference_update)(record_ids)

    def _profile(self: Org, email: str) -> Profile:
        return self.profiles[self.user(email)["Id"]]

    def forget_views(self: Org) -> None:
        """Make views and defaults anew: something about access or fields changed."""
        self.schema_changed = self.now().replace(microsecond=0)
        self.views.clear()
        self.defaults.clear()
        self.changes += 1

    # -- locks and sight

    def lock_row(self: Org, record_id: str, locked: bool = True) -> None:
        """Let another transaction hold a record: writing it, or an activity on it, is refused."""
        (self.locked_rows.add if locked else self.locked_rows.discard)(record_id)

    def lock_for_approval(self: Org, record_id: str, locked: bool = True) -> None:
        """Put a record into an approval process: it cannot be edited."""
        (self.approval_locks.add if locked else self.approval_locks.discard)(record_id)

    def blind_queries(self: Org, object_name: str, blind: bool = True) -> None:
        """Let queries of an object find nothing, although the records are there."""
        (self.blind_objects.add if blind else self.blind_objects.discard)(object_name)

    def hide_row(self: Org, record_id: str, hidden: bool = True) -> None:
        """Let queries miss one record."""
        (self.hidden_rows.add if hidden else self.hidden_rows.discard)(record_id)
