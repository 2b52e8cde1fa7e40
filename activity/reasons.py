"""Plain words for where a row of the Activity Log stands: one sentence, what to do, and the button that does it.

Words only: no query and no request, so that the log, the drill-down, Sync health and the export say the same.
What a Salesforce error code means is not repeated here; it comes from the protocol's error table.
"""

from dataclasses import dataclass
from typing import Protocol

from django.db.models import TextChoices

from activity.models import Kind, Reason, SyncState
from integrations.salesforce.error_classes import NOBODY as SALESFORCES_NOBODY
from integrations.salesforce.error_classes import YOU
from integrations.salesforce.errors import find_row

OWNER = "the member"
ADMIN = "a workspace admin"
NOBODY = "nobody: it goes on by itself"


class Button(TextChoices):
    """What can be done about a row. The first four act on the row itself, the others lead to a page."""

    RETRY = "retry", "Retry"
    RELINK = "relink", "Log to another record"
    WITHDRAW = "withdraw", "Don’t log this"
    DELETE = "delete", "Delete in Salesforce"
    CONNECT = "connect", "Open Integrations"
    MY_SETTINGS = "my_settings", "Open CRM & Live Feed"
    ROLE_SETTINGS = "role_settings", "Open role settings"
    CONFIRM_ROLES = "confirm_roles", "Confirm what is logged"
    WORKSPACE_INTEGRATIONS = "workspace_integrations", "Open workspace integrations"

    @property
    def is_for_admins(self) -> bool:
        """Whether it leads to a page that only workspace admins can open."""
        return self in (Button.ROLE_SETTINGS, Button.CONFIRM_ROLES, Button.WORKSPACE_INTEGRATIONS)


class Explicable(Protocol):
    """The columns of a SyncJob that the words depend on; the log's plain rows have them too."""

    state: str
    kind: str
    object_type: str
    recipient: str
    error_code: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """`sentence`: what is the case; `fix`: what to do now (may be empty); `who` can do it, `where` it is done."""

    sentence: str
    fix: str
    button: Button | None
    who: str = OWNER
    where: str = ""

    @property
    def is_for_owner(self) -> bool:
        """Whether the row's owner can put it right."""
        return self.who in (OWNER, YOU)

    @property
    def remedy(self) -> str:
        """Who can put it right and where, as a sentence; empty when it goes on by itself."""
        if self.who in (NOBODY, SALESFORCES_NOBODY):
            return ""
        return f"Who can fix it: {self.who}{f', in {self.where}' if self.where else ''}."


@dataclass(frozen=True, slots=True)
class Words:
    """Templates over detail, recipient, kind and object. `known` is the sentence for a row that has a detail."""

    sentence: str
    fix: str
    button: Button | None = None
    who: str = OWNER
    where: str = ""
    known: str = ""


STATE_WORDS: dict[SyncState, Words] = {
    SyncState.WAITING: Words(
        "Waiting to be sent to Salesforce.", "Nothing to do: it is usually sent within seconds.", who=NOBODY
    ),
    SyncState.UNKNOWN: Words(
        "Salesforce did not answer. Touchline looks whether it arrived before sending it again.",
        "Nothing to do: this takes up to 15 minutes, and nothing is written twice.",
        who=NOBODY,
    ),
    SyncState.SYNCED: Words("Logged in Salesforce.", "Nothing to do.", who=NOBODY),
}

REASON_WORDS: dict[Reason, Words] = {
    Reason.SWITCHED_OFF: Words(
        "“{kind}” activities are switched off by the role.",
        "An admin can switch them on in the role’s settings. Then retry.",
        Button.ROLE_SETTINGS,
        ADMIN,
        "Settings › Roles",
        known="Not logged: “{detail}” is switched off by the role.",
    ),
    Reason.NOT_VIA_TOUCHLINE: Words(
        "Not sent with Touchline, and “Sync all messages” was off.",
        "Switch on “Sync all messages to Salesforce” in CRM & Live Feed, then retry.",
        Button.MY_SETTINGS,
        where="Settings › CRM & Live Feed",
    ),
    Reason.EXCLUDED: Words(
        "A rule says that this is never logged.",
        "If it should be logged, remove the rule and retry.",
        Button.RETRY,
        "the member or a workspace admin",
        "Settings › CRM & Live Feed, or Settings › Roles",
        known="Never logged, by this rule: {detail}.",
    ),
    Reason.KEPT_PRIVATE: Words(
        "Your personal “Never log” list keeps this private.",
        "If it should be logged, take the entry off your list and retry.",
        Button.MY_SETTINGS,
        where="Settings › CRM & Live Feed",
    ),
    Reason.INTERNAL: Words(
        "Only colleagues took part, and mail among colleagues is not logged.",
        "If this domain is not yours, an admin can remove it in the workspace’s settings.",
        None,
        ADMIN,
        "Settings › General",
    ),
    Reason.NO_MATCH: Words(
        "Nobody in Salesforce has this address.",
        "Add the person in Salesforce and this is logged by itself, or choose a record now.",
        Button.RELINK,
    ),
    Reason.AMBIGUOUS: Words(
        "Several people in Salesforce have this address.",
        "Choose the right one.",
        Button.RELINK,
        known="Several people in Salesforce have this address: {detail}.",
    ),
    Reason.RECIPIENT_UNKNOWN: Words(
        "One of several recipients did this, and nothing says which one.",
        "Nothing to do: a guess could land on the wrong person.",
        None,
        NOBODY,
    ),
    Reason.MACHINE: Words(
        "A machine opened this, not a person: for example a virus scanner.",
        "An admin can have such opens logged too, in the role’s settings.",
        Button.ROLE_SETTINGS,
        ADMIN,
        "Settings › Roles",
    ),
    Reason.NOT_LOGGED_BY_PERSON: Words(
        "Somebody chose “Don’t log this”.",
        "To log it after all, retry.",
        Button.RETRY,
        known="{detail} chose “Don’t log this”.",
    ),
    Reason.REMOVED: Words(
        "The {object} was deleted in Salesforce.",
        "Touchline does not create it again. Restore it from Salesforce’s recycle bin if you need it.",
        None,
        where="Salesforce › Recycle Bin",
    ),
    Reason.SUPERSEDED: Words("There is nothing to change in Salesforce for this.", "Nothing to do.", None, NOBODY),
    Reason.ERASED: Words(
        "The person asked to be erased, so nothing of them is kept or logged.", "Nothing to do.", None, NOBODY
    ),
    Reason.MEMBER_LEFT: Words(
        "The member left the workspace before this was logged.",
        "Nothing to do. It is logged if the member comes back and it is retried.",
        None,
        ADMIN,
        "Settings › Members",
    ),
    Reason.NOT_CONNECTED: Words(
        "Kept until Salesforce is connected.",
        "Connect to Salesforce. This is then logged by itself.",
        Button.CONNECT,
        where="Settings › Integrations",
    ),
    Reason.CONNECTION_LOST: Words(
        "Kept safe: the connection to Salesforce needs attention.",
        "Reconnect to Salesforce. This is then logged by itself.",
        Button.CONNECT,
        where="Settings › Integrations",
        known="Kept safe: the connection to Salesforce needs attention ({detail}).",
    ),
    Reason.NO_SYNC_USER: Words(
        "Kept until an admin connects the workspace’s Sync User.",
        "An admin connects the Sync User. This is then logged by itself.",
        Button.WORKSPACE_INTEGRATIONS,
        ADMIN,
        "Settings › Workspace › Integrations",
    ),
    Reason.NOT_CONFIRMED: Words(
        "Kept until an admin confirms what the role logs.",
        "An admin confirms the switches of each role. This is then logged by itself.",
        Button.CONFIRM_ROLES,
        ADMIN,
        "Settings › Roles",
    ),
    Reason.PLAN: Words(
        "Kept: the workspace’s plan does not include Salesforce.",
        "An admin can move to the Growth + CRM plan or above. This is then logged by itself.",
        None,
        ADMIN,
    ),
    Reason.API_LIMIT: Words(
        "Kept until Salesforce takes requests again: your org has used up its daily limit.",
        "Nothing to do: it goes on by itself. A Salesforce admin can raise the limit.",
        None,
        "your Salesforce admin",
        "Setup › Company Information › API Requests, Last 24 Hours",
    ),
    Reason.OVER_BUDGET: Words(
        "Kept for later: today’s share of Salesforce requests is used up.",
        "It goes on by itself. An admin can raise the share.",
        Button.WORKSPACE_INTEGRATIONS,
        ADMIN,
        "Settings › Workspace › Integrations",
    ),
    Reason.SALESFORCE_DOWN: Words(
        "Kept until Salesforce answers again.", "Nothing to do: it goes on by itself.", Button.RETRY, NOBODY
    ),
    Reason.SAME_ERROR: Words(
        "Waits while another activity with the same error is tried.",
        "When that one succeeds, this one follows by itself.",
        Button.RETRY,
        where="the same page",
        known="Waits while another activity with the same error is tried: {detail}",
    ),
    Reason.REJECTED: Words(
        "Salesforce did not accept it.",
        "Read Salesforce’s message, correct it there, then retry.",
        Button.RETRY,
        known="Salesforce did not accept it: {detail}",
    ),
    Reason.NEEDS_A_LOOK: Words(
        "Touchline cannot tell whether this reached Salesforce.",
        "Look in Salesforce. If it is not there, retry; if it is, choose “Don’t log this”.",
        Button.RETRY,
    ),
    Reason.QUARANTINED: Words(
        "Set aside: it stopped the program several times.",
        "Retry once. If it stops again, tell whoever runs Touchline.",
        Button.RETRY,
        "whoever runs Touchline",
    ),
    Reason.INTERNAL_ERROR: Words(
        "Touchline made a mistake here. Nothing is lost.",
        "Retry. If it fails again, tell whoever runs Touchline.",
        Button.RETRY,
        "whoever runs Touchline",
    ),
}


def explain(reason: str, detail: str, job: Explicable) -> Explanation:
    """The words for a row in `job.state` with `reason` (a Reason or empty) and what completes its sentence.

    A failed row whose code stands in the error table takes sentence, who and where from there.
    """
    if reason in (Reason.REJECTED, Reason.SAME_ERROR) and job.error_code:
        return _explain_code(Reason(reason), detail, job)
    words = REASON_WORDS[Reason(reason)] if reason else STATE_WORDS[SyncState(job.state)]
    return _fill(words, detail, job)


def _fill(words: Words, detail: str, job: Explicable) -> Explanation:
    template = words.known if detail and words.known else words.sentence
    values = {
        "detail": detail.strip().rstrip("."),
        "recipient": job.recipient,
        "kind": Kind(job.kind).label,
        "object": job.object_type,
    }
    return Explanation(template.format(**values), words.fix, words.button, words.who, words.where)


def _explain_code(reason: Reason, detail: str, job: Explicable) -> Explanation:
    words = REASON_WORDS[reason]
    row = find_row("api", job.error_code, detail)
    if row is None:
        return _fill(words, detail, job)
    sentence = row.user_message or row.error.user_message
    remedy = row.error.remedy
    if reason == Reason.SAME_ERROR:
        sentence = f"{_fill(words, '', job).sentence} {sentence}"
    return Explanation(
        sentence, "When that is done, retry.", words.button, row.who or remedy.who, row.where or remedy.where
    )
