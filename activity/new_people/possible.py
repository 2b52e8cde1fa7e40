"""What a member may create in Salesforce: with the own connection, and as far as the org's describe lets them."""

from dataclasses import dataclass

from activity.models import AfterUnknown, LoggingSettings, Reason
from activity.pipeline.standing import standings_of
from activity.queries.job import Candidate
from integrations import describes
from integrations.budget import Purpose, may_call
from integrations.connections import client_for
from integrations.models import Connection
from integrations.salesforce.client import Describe, Person, SalesforceClient
from integrations.salesforce.errors import RecordGone, SalesforceError
from integrations.salesforce.people import EMAIL_LENGTH
from workspaces.models import Membership

KINDS = ("Lead", "Contact")
NEEDED = {"Lead": ("LastName", "Company", "Email"), "Contact": ("LastName", "Email")}
OPTIONAL = ("FirstName",)


class CreationError(Exception):
    """It cannot be done; `user_message` says why and what to do. `connect`: by connecting to Salesforce."""

    def __init__(self, user_message: str, *, connect: bool = False) -> None:
        super().__init__("creation refused")
        self.user_message = user_message
        self.connect = connect


@dataclass(frozen=True, slots=True)
class Way:
    """The member's own way to Salesforce. Nobody else's is ever used."""

    connection: Connection
    client: SalesforceClient


def find_way(member: Membership, address: str) -> Way:
    """Raises CreationError where the member has none, or where Salesforce could not hold the address."""
    if len(address) > EMAIL_LENGTH:
        raise CreationError(f"Salesforce holds addresses of up to {EMAIL_LENGTH} characters; this one is longer.")
    standing = standings_of(member.workspace, [member])[member.pk]
    if standing.reason in (Reason.NOT_CONNECTED, Reason.CONNECTION_LOST):
        message = "Records are created with your own Salesforce user. Connect to Salesforce first, then come back."
        raise CreationError(message, connect=True)
    if standing.reason is not None or standing.connection is None or standing.org is None:
        label = Reason(standing.reason or Reason.NOT_CONNECTED).label.lower()
        raise CreationError(f"Nothing can be created in Salesforce yet: {label}.")
    verdict = may_call(standing.org, Purpose.CLICK)
    if not verdict.allowed:
        raise CreationError(verdict.reason)
    try:
        return Way(standing.connection, client_for(standing.connection))
    except SalesforceError as error:
        raise CreationError(error.user_message, connect=True) from error


def read_describe(way: Way, kind: str) -> Describe:
    """How the member sees the object; raises CreationError where they may not create one, or not with our form.

    Nobody is refused for what we remember: an admin may have changed it today.
    """
    try:
        return _read_describe(way, kind)
    except CreationError:
        return _read_describe(way, kind, anew=True)


def _read_describe(way: Way, kind: str, *, anew: bool = False) -> Describe:
    try:
        found = describes.describe(way.connection, kind, way.client, anew=anew)
    except RecordGone:
        found = None
    except SalesforceError as error:
        raise CreationError(error.user_message) from error
    if found is None or not found.createable:
        raise CreationError(
            f"Your Salesforce user may not create {kind}s. Ask your Salesforce admin for it: "
            f"Setup › Permission Sets › Object Settings › {kind}s › Create."
        )
    _check_fields(found, kind)
    return found


def _check_fields(found: Describe, kind: str) -> None:
    locked = [name for name in NEEDED[kind] if name not in found.fields or not found.fields[name].createable]
    if locked:
        raise CreationError(
            f"Your Salesforce user may not fill in {_listed(locked)} of a {kind}. Ask your Salesforce admin: "
            f"Setup › Object Manager › {kind} › Fields & Relationships › the field › Set Field-Level Security."
        )
    missing = [name for name in found.required if name not in (*NEEDED[kind], *OPTIONAL)]
    if missing:
        raise CreationError(
            f"Your Salesforce org requires {_listed(missing)} of every {kind}, which this form does not have. Create "
            f"the {kind} in Salesforce, then press “Look again” here; or have your Salesforce admin make it optional "
            f"under Setup › Object Manager › {kind} › Fields & Relationships."
        )


def find_existing(client: SalesforceClient, address: str) -> tuple[Candidate, ...]:
    """The Contacts and open Leads that have the address already, as this client's user sees them. One call.

    Raises CreationError when Salesforce cannot say.
    """
    try:
        return tuple(each for person in client.find_people([address]) if (each := shown(person)))
    except SalesforceError as error:
        raise CreationError(
            f"Touchline could not look whether somebody has this address. {error.user_message}"
        ) from error


def shown(person: Person) -> Candidate | None:
    """A person as pages offer them; a converted Lead is the Contact that it became, if anything."""
    if person.is_converted:
        found = person.converted_contact_id
        return Candidate(found, "Contact", person.name, person.account_name) if found else None
    return Candidate(person.id, person.kind, person.name or person.id, person.account_name)


def preferred_kind(member: Membership) -> str:
    """What the member's role offers to create; a Lead where it offers nothing."""
    wanted = LoggingSettings.objects.filter(role=member.role_id).values_list("after_unknown", flat=True).first()
    return "Contact" if wanted == AfterUnknown.CONTACT else "Lead"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
