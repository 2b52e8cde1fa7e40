"""What the Salesforce card of a member shows: its state, and everything its one sentence and one button need."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from django.db.models import Q
from django.utils import timezone

from integrations import budget, held, losses, preflight
from integrations.connections import connection_of, live_org
from integrations.gates import may_connect_now, was_asked
from integrations.models import (
    Connection,
    Intent,
    NoticeSent,
    PendingGrant,
    PendingRevocation,
    SalesforceOrg,
)
from integrations.notices import admins_of
from integrations.preflight import Row
from integrations.salesforce.errors import ConnectionLost, SalesforceError, error_from
from integrations.trips import LIFETIME
from workspaces.models import Membership, User

NEWS_FOR = timedelta(hours=24)
"""How long the card tells how the last trip or the last disconnect ended."""

# What Salesforce shows on pages of its own instead of sending the person back.
SALESFORCE_PAGES = (
    "OAUTH_APPROVAL_ERROR_GENERIC",
    "OAUTH_APP_ACCESS_DENIED",
    "OAUTH_APP_BLOCKED",
    "redirect_uri_mismatch",
    "invalid_client_id",
)


class CardState(StrEnum):
    """The states of PRODUCT: each has one sentence and one button."""

    NO_PLAN = "no_plan"
    NO_SYNC_USER = "no_sync_user"
    READY = "ready"
    WAITING = "waiting"
    CONFIRM = "confirm"
    CONNECTED = "connected"
    NEEDS_ATTENTION = "needs_attention"


@dataclass(frozen=True, slots=True)
class Card:
    """See the module. Fields that do not belong to the state are empty."""

    state: CardState
    org: SalesforceOrg | None = None
    connection: Connection | None = None
    pending: PendingGrant | None = None
    problem: dict[str, str] = field(default_factory=dict)
    silence: bool = False
    rows: list[Row] = field(default_factory=list)
    lost: ConnectionLost | None = None
    held: int = 0
    calls_today: int = 0
    admins: list[User] = field(default_factory=list)
    asked_today: bool = False
    was_asked: bool = False
    revocations: list[PendingRevocation] = field(default_factory=list)

    @property
    def failed_rows(self) -> list[Row]:
        """The permissions that are missing and matter."""
        return [row for row in self.rows if row.fails and row.level == "needed"]


def card_of(membership: Membership) -> Card:
    """The member's card. A connection of their own comes before everything else but a trip that is under way."""
    workspace = membership.workspace
    org, connection = live_org(workspace), connection_of(membership)
    trip = last_trip(membership, [Intent.MEMBER])
    common = {"org": org, "connection": connection, "revocations": revocations_of(membership), **_news(trip)}
    if trip and trip.is_open and workspace.includes_salesforce:
        return Card(CardState.CONFIRM if trip.used_at else CardState.WAITING, pending=trip, **common)
    if connection:
        return _of_connection(connection, common)
    if not workspace.includes_salesforce:
        return _ask(CardState.NO_PLAN, membership, "plan", common)
    if not may_connect_now(membership, org):
        return _ask(CardState.NO_SYNC_USER, membership, "sync_user", common)
    return Card(CardState.READY, was_asked=was_asked(membership), **common)


def _ask(state: CardState, membership: Membership, what: str, common: dict) -> Card:
    asked = NoticeSent.objects.filter(
        workspace=membership.workspace, key=f"ask:{what}:{membership.pk}", day=timezone.now().date()
    )
    return Card(state, admins=admins_of(membership.workspace), asked_today=asked.exists(), **common)


def _of_connection(connection: Connection, common: dict) -> Card:
    rows = preflight.rows_of(connection.preflight)
    calls = budget.calls_today_of(connection)
    if connection.is_usable:
        return Card(CardState.CONNECTED, rows=rows, calls_today=calls, **common)
    return Card(
        CardState.NEEDS_ATTENTION,
        rows=rows,
        calls_today=calls,
        lost=losses.error_of(connection),
        held=held.count(connection),
        **common,
    )


def last_trip(membership: Membership, intents: list[Intent]) -> PendingGrant | None:
    """The newest trip of the member that is still open or ended within a day."""
    return (
        PendingGrant.objects.filter(
            Q(ended_at=None) | Q(ended_at__gt=timezone.now() - NEWS_FOR),
            created_at__gt=timezone.now() - NEWS_FOR - LIFETIME,
            workspace=membership.workspace,
            user=membership.user,
            intent__in=intents,
        )
        .defer("verifier_sealed", "access_token_sealed", "refresh_token_sealed")
        .order_by("-created_at")
        .first()
    )


def _news(trip: PendingGrant | None) -> dict:
    """How the last trip ended, where it did not end well; silence when Salesforce never sent the person back."""
    if trip is None or trip.is_open:
        return {}
    if trip.used_at is None and trip.error in ("", "expired"):
        return {"silence": True}
    return {"problem": trip.grant.get("problem", {})}


def problem_of(trip: PendingGrant | None) -> dict:
    """The same for other pages: `problem` and `silence` as in Card."""
    return {"problem": {}, "silence": False} | _news(trip)


def revocations_of(membership: Membership) -> list[PendingRevocation]:
    """Disconnects whose end at Salesforce is still open, was given up, or was confirmed within a day."""
    recent = timezone.now() - NEWS_FOR
    return list(
        PendingRevocation.objects.filter(membership=membership, why="disconnected")
        .filter(
            Q(revoked_at=None, given_up_at=None)
            | Q(revoked_at__gt=recent)
            | Q(given_up_at__gt=recent - timedelta(days=6))
        )
        .defer("token_sealed")
        .order_by("-created_at")[:3]
    )


def salesforce_pages() -> list[SalesforceError]:
    """What Salesforce may show on its own page, what it means and who can mend it: from the one error table."""
    return [error_from(code, source="oauth") for code in SALESFORCE_PAGES]
