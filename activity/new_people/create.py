"""Creates a Contact or Lead once: the intent is committed before the call, and what became of it is never guessed.

1. The form's own id and "one open creation for an address" are unique in the database: a second press, a second tab
   and a browser that sends again find the first one.
2. Only then everybody who has the address is looked for, so nothing can come between.
3. The call. A refusal takes the intent back; a lost answer leaves it open, and look_up.py finds out.
"""

import uuid
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from activity.models import CreationState, LoggingSettings, PersonCreation
from activity.new_people.look_up import FIRST_LOOK, finish, look_up
from activity.new_people.possible import CreationError, Way, find_existing, find_way, read_describe, shown
from activity.queries.job import Candidate
from integrations.connections import sync_client
from integrations.salesforce.errors import Duplicates, OutcomeUnknown, SalesforceError, UnexpectedAnswer
from workspaces.models import Membership

BEING_CREATED = "Somebody is being created for this address right now. Look again in a minute."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the person filled in; `company` is a Lead's. `anyway`: they have seen whom a duplicate rule found."""

    kind: str
    last_name: str
    first_name: str = ""
    company: str = ""
    anyway: bool = False

    @property
    def name(self) -> str:
        """As Salesforce puts it together."""
        return f"{self.first_name} {self.last_name}".strip()


class AlreadyThereError(CreationError):
    """Somebody has the address: to be linked instead."""

    def __init__(self, candidates: tuple[Candidate, ...]) -> None:
        super().__init__("Somebody in Salesforce has this address already. Link to them instead.")
        self.candidates = candidates


class DuplicatesFoundError(CreationError):
    """A duplicate rule of the org took the person for somebody who is there.

    `candidates`: those whom the member may see; `unseen`: how many more. `may_save`: the org lets the member go on.
    """

    def __init__(self, text: str, candidates: tuple[Candidate, ...], unseen: int, may_save: bool) -> None:
        said = f"A duplicate rule of your Salesforce org takes this for somebody who is there already: “{text}”"
        super().__init__(said if may_save else f"{said} It does not let anybody create another one.")
        self.candidates = candidates
        self.unseen = unseen
        self.may_save = may_save


def create_person(member: Membership, address: str, wanted: Wanted, token: uuid.UUID) -> PersonCreation:
    """Create a Contact or Lead with the address as the member; what waits for it is logged to them.

    `token`: the form's own, so that the same form creates once. The creation that is returned is open when Salesforce
    did not answer. Raises CreationError when nothing was created.
    """
    known = PersonCreation.objects.filter(uuid=token).first()
    if known is not None:
        return _only_own(known, member, address)
    way = find_way(member, address)
    fields = _build_fields(way, address, wanted)
    creation = _begin(member, address, wanted.kind, token, way)
    try:
        _require_nobody(member, address, way)
    except CreationError:
        creation.delete()
        raise
    return _send(creation, wanted, fields, way)


def _only_own(known: PersonCreation, member: Membership, address: str) -> PersonCreation:
    if known.member_id != member.pk or known.address != address:
        raise CreationError("This form belongs to another address. Open it again.")
    return known


def _build_fields(way: Way, address: str, wanted: Wanted) -> dict[str, str]:
    """What is sent, cut to what the org's describe allows."""
    describe = read_describe(way, wanted.kind)
    values = {"LastName": wanted.last_name, "Email": address}
    if wanted.first_name and "FirstName" in describe.fields and describe.fields["FirstName"].createable:
        values["FirstName"] = wanted.first_name
    if wanted.kind == "Lead":
        values["Company"] = wanted.company
    return values


def _begin(member: Membership, address: str, kind: str, token: uuid.UUID, way: Way) -> PersonCreation:
    """Commit the intent; raises CreationError where another one is open."""
    try:
        with transaction.atomic():
            return PersonCreation.objects.create(
                uuid=token,
                workspace=member.workspace,
                member=member,
                address=address,
                kind=kind,
                connection_id=way.connection.pk,
                salesforce_user_id=way.connection.salesforce_user.user_id,
            )
    except IntegrityError:
        raise CreationError(BEING_CREATED) from None


def _require_nobody(member: Membership, address: str, way: Way) -> None:
    """Look with the member's eyes, then with the Sync User's, which may see more."""
    found = find_existing(way.client, address)
    if not found and (sync := sync_client(member.workspace)):
        found = find_existing(sync, address)
    found = found or _created_before(member, address, way)
    if found:
        raise AlreadyThereError(found)


def _created_before(member: Membership, address: str, way: Way) -> tuple[Candidate, ...]:
    """Whom we created for the address today, where neither may see them any more but nobody deleted them."""
    before = PersonCreation.objects.filter(
        workspace=member.workspace, address=address, state=CreationState.CREATED
    ).first()
    if before is None:
        return ()
    try:
        state = way.client.record_states(before.kind, [before.salesforce_id]).get(before.salesforce_id)
    except SalesforceError as error:
        raise CreationError(error.user_message) from error
    return () if state and state.is_deleted else (Candidate(before.salesforce_id, before.kind, address, ""),)


def _send(creation: PersonCreation, wanted: Wanted, fields: dict[str, str], way: Way) -> PersonCreation:
    now = timezone.now()
    begun = {"sent_at": now, "next_look_at": now + FIRST_LOOK}
    if not PersonCreation.objects.filter(pk=creation.pk, sent_at=None).update(**begun):
        raise CreationError("That took too long, so nothing was created. Please try again.")
    rules = LoggingSettings.objects.filter(role=creation.member.role_id).values_list("assignment_rules", flat=True)
    try:
        found = way.client.create_person(
            wanted.kind, fields, allow_duplicates=wanted.anyway, assignment_rules=bool(rules.first())
        )
    except SalesforceError as error:
        if _may_exist(error):
            return look_up(creation.pk)
        creation.delete()
        raise _refusal(error, wanted.kind, way) from error
    return finish(creation, found, wanted.name, wanted.company)


def _may_exist(error: SalesforceError) -> bool:
    """Whether the record may have been saved; an error of Salesforce's own (4xx) says that it was not."""
    if isinstance(error, UnexpectedAnswer):
        return error.http_status is None or error.http_status >= 500
    return isinstance(error, OutcomeUnknown)


def _refusal(error: SalesforceError, kind: str, way: Way) -> CreationError:
    if error.duplicates is not None:
        return _duplicates(error.duplicates, error.salesforce_text, way)
    text = f"Salesforce says: {error.salesforce_text[:500]}" if error.salesforce_text else ""
    return CreationError(f"The {kind} was not created. {error.user_message} {text}".strip())


def _duplicates(found: Duplicates, text: str, way: Way) -> CreationError:
    try:
        people = way.client.read_people(found.ids[:200])
    except SalesforceError:
        people = []
    candidates = tuple(each for person in people if (each := shown(person)))
    return DuplicatesFoundError(text[:500], candidates, len(found.ids) - len(candidates), found.may_save)
