"""Why a trip to Salesforce did not end in a connection, in words for the person."""

from dataclasses import dataclass

from integrations.models import PendingGrant
from integrations.salesforce.errors import SalesforceError


@dataclass(frozen=True, slots=True)
class Problem:
    """What the page says. `who` can put it right, `where` (a Setup path or a page); both may be empty."""

    code: str
    title: str
    sentence: str
    who: str = ""
    where: str = ""


class ConnectError(Exception):
    """The grant is not kept. `pending` is the trip's row where one is known; then the card shows the problem."""

    def __init__(self, problem: Problem, pending: PendingGrant | None = None) -> None:
        super().__init__(problem.code)
        self.problem = problem
        self.pending = pending


class UsedBefore(ConnectError):
    """The same callback came again (a reload, the back button): nothing happens, the person is led to the card."""


def from_salesforce(error: SalesforceError) -> ConnectError:
    """The same in Salesforce's name."""
    return ConnectError(
        Problem(
            code=error.code[:60],
            title="Salesforce did not connect you",
            sentence=error.user_message,
            who=error.remedy.who,
            where=error.remedy.where,
        )
    )


# --- The state of the trip ----------------------------------------------------------------------------------

_AGAIN = "Start again from Settings › Integrations."

STATE_UNKNOWN = Problem(
    "state_unknown",
    "This sign-in cannot be used",
    f"It was not started here, or it belongs to another browser or person. Nothing was connected. {_AGAIN}",
)
STATE_EXPIRED = Problem(
    "state_expired",
    "The sign-in took too long",
    f"It is good for 10 minutes. Nothing was connected. {_AGAIN}",
)
USED_BEFORE = Problem("used_before", "This sign-in was already used", _AGAIN)
CODE_MISSING = Problem("code_missing", "Salesforce sent an incomplete answer", f"Nothing was connected. {_AGAIN}")
ENDED = Problem("ended", "This sign-in is over", f"Nothing was connected by it. {_AGAIN}")

# --- What the workspace allows --------------------------------------------------------------------------------

NOT_CONFIGURED = Problem(
    "not_configured",
    "Salesforce is not set up on this server",
    "The consumer key and secret of the External Client App are missing.",
    "your Touchline admin",
    "SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET",
)
NO_PLAN = Problem(
    "no_plan",
    "Your plan does not include Salesforce",
    "Salesforce is available on the Growth + CRM plan and above.",
    "your workspace admin",
)
NO_SYNC_USER = Problem(
    "no_sync_user", "There is no Sync User yet", "Your workspace admin connects a Sync User first."
)
NOT_ALLOWED = Problem(
    "not_allowed", "You may not do this", "Only workspace admins connect the Sync User.", "your workspace admin"
)

# --- What was granted -----------------------------------------------------------------------------------------

NO_REFRESH_TOKEN = Problem(
    "no_refresh_token",
    "Salesforce gave no lasting access",
    "The External Client App lacks the scope refresh_token.",
    "your Touchline admin",
    "docs/salesforce-setup.md: scopes",
)
NO_API_SCOPE = Problem(
    "no_api_scope",
    "Salesforce gave no access to its API",
    "The External Client App lacks the scope api.",
    "your Touchline admin",
    "docs/salesforce-setup.md: scopes",
)


def my_domain_wrong(sentence: str) -> Problem:
    """The My Domain box holds something that is no Salesforce address."""
    return Problem("my_domain", "This is not a My Domain of Salesforce", sentence)


def other_org(name: str, expected: str) -> Problem:
    """A member signed in to another org than the Sync User's."""
    return Problem(
        "other_org",
        "That is another Salesforce organisation",
        f"You signed in to {name}. This workspace logs to {expected}, so nothing was connected. Log out of "
        f"{name} in this browser, then connect with your user of {expected}.",
    )


def other_environment(is_sandbox: bool) -> Problem:
    """Production was asked for and a sandbox came, or the other way round."""
    came, asked = ("a sandbox", "production") if is_sandbox else ("a production organisation", "a sandbox")
    return Problem(
        "other_environment",
        f"You signed in to {came}",
        f"You asked for {asked}. The two are never mixed, so nothing was connected.",
    )


def already_connected(holder: str | None) -> Problem:
    """The Salesforce user belongs to somebody; who, is said only inside the same workspace."""
    by = f"by {holder}; ask them to disconnect" if holder else "by somebody else; they have to disconnect it first"
    return Problem(
        "already_connected",
        "This Salesforce user is taken",
        f"It is already connected {by}, or ask your admin. Each person needs a Salesforce user of their own.",
        "your workspace admin",
    )


def other_salesforce_user(connected_as: str) -> Problem:
    """The member has a connection on another Salesforce user."""
    return Problem(
        "other_salesforce_user",
        "You are connected as somebody else in Salesforce",
        f"Your connection is on {connected_as}. Sign in as that user, or disconnect it first.",
        "you",
        "Settings › Integrations › Disconnect Salesforce",
    )


def api_version_missing(version: str) -> Problem:
    """The org does not speak the version that we pin."""
    return Problem(
        "api_version",
        "The organisation's API is too old",
        f"Touchline needs version {version} of Salesforce's API.",
        "the makers of Touchline",
    )
