"""Who and what a record is related to. Pure: candidates and settings in, a Match out, with the rule that decided.

The rules, in order, are `PERSON_RULES` and `RELATED_RULES`. Each takes what is left and gives fewer, or all of it
when it says nothing; the name of the rule that left exactly one is kept with the row.

What cannot be told apart stays open: several Contacts with one address are *ambiguous* unless one of them is linked
to an open opportunity and the others are not, or one alone is the member's own. The newest is never taken by age,
for a wrong record is worse than a question.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from activity.models.settings import PersonPreference, RelatedChoice


@dataclass(frozen=True, slots=True)
class Opportunity:
    """An opportunity of a candidate. Dates as ISO text; `through_role`: the person has a contact role in it."""

    id: str
    name: str
    is_closed: bool
    close_date: str
    owner_id: str
    last_modified: str
    is_primary: bool = False
    through_role: bool = True

    def to_json(self) -> dict[str, Any]:
        """As it is kept with its candidate."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A Contact or Lead with the address that is looked for."""

    kind: str
    id: str
    name: str
    owner_id: str
    account_id: str = ""
    account_name: str = ""
    # A lead that was converted into this contact, where the address led to the lead.
    from_lead: str = ""
    opportunities: tuple[Opportunity, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As it is kept in KnownPerson."""
        fields = {name: getattr(self, name) for name in self.__slots__}  # `asdict` takes six times as long
        return fields | {"opportunities": [each.to_json() for each in self.opportunities]}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Candidate":
        """The inverse of to_json."""
        opportunities = tuple(Opportunity(**each) for each in value["opportunities"])
        return cls(**(value | {"opportunities": opportunities}))


@dataclass(frozen=True, slots=True)
class MatchRules:
    """What a role's settings say about matching, and who the member is in Salesforce."""

    related: RelatedChoice = RelatedChoice.OPPORTUNITY
    only_my_opportunities: bool = False
    only_with_contact_role: bool = True
    closed_opportunities: bool = False
    person_preference: PersonPreference = PersonPreference.CONTACT
    member_id: str = ""
    today: date = date.min


@dataclass(frozen=True, slots=True)
class Match:
    """Whom and what a record is related to. `related_type` is Opportunity, Account or empty."""

    person_type: str
    person_id: str
    person_name: str
    account_id: str = ""
    related_type: str = ""
    related_id: str = ""
    related_name: str = ""
    rule: str = ""
    related_rule: str = ""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several people, and no rule that tells them apart."""

    names: tuple[str, ...] = field(default=())


PersonRule = Callable[[Sequence[Candidate], MatchRules], Sequence[Candidate]]
RelatedRule = Callable[[Sequence[Opportunity], MatchRules], Sequence[Opportunity]]


def preferred_kind(candidates: Sequence[Candidate], rules: MatchRules) -> Sequence[Candidate]:
    """The role says whether the Contact or the Lead is meant when an address belongs to both."""
    wanted = "Lead" if rules.person_preference == PersonPreference.LEAD else "Contact"
    return [each for each in candidates if each.kind == wanted]


def with_opportunity(candidates: Sequence[Candidate], rules: MatchRules) -> Sequence[Candidate]:
    """The one whom something is open with."""
    return [each for each in candidates if _eligible(each, rules)]


def of_member(candidates: Sequence[Candidate], rules: MatchRules) -> Sequence[Candidate]:
    """The one whom the member owns."""
    return [each for each in candidates if rules.member_id and each.owner_id == rules.member_id]


PERSON_RULES: tuple[tuple[str, PersonRule], ...] = (
    ("preferred_kind", preferred_kind),
    ("with_opportunity", with_opportunity),
    ("of_member", of_member),
)


def primary_contact(opportunities: Sequence[Opportunity], rules: MatchRules) -> Sequence[Opportunity]:
    """Those in which the person is the primary contact, or into which their lead was converted."""
    return [each for each in opportunities if each.is_primary]


def owned_by_member(opportunities: Sequence[Opportunity], rules: MatchRules) -> Sequence[Opportunity]:
    """The member's own before the colleagues'."""
    return [each for each in opportunities if rules.member_id and each.owner_id == rules.member_id]


def still_open(opportunities: Sequence[Opportunity], rules: MatchRules) -> Sequence[Opportunity]:
    """Open before closed, where closed ones count at all."""
    return [each for each in opportunities if not each.is_closed]


def closest_close_date(opportunities: Sequence[Opportunity], rules: MatchRules) -> Sequence[Opportunity]:
    """The one to be closed next; past ones (overdue) come after those to come."""
    today = rules.today.isoformat()
    dates = [each.close_date for each in opportunities]
    coming = [day for day in dates if day >= today]
    wanted = min(coming) if coming else max(dates)
    return [each for each in opportunities if each.close_date == wanted]


def last_modified(opportunities: Sequence[Opportunity], rules: MatchRules) -> Sequence[Opportunity]:
    """The one that somebody worked on last; the id decides between equals, so that the answer never wavers."""
    return [max(opportunities, key=lambda each: (each.last_modified, each.id))]


RELATED_RULES: tuple[tuple[str, RelatedRule], ...] = (
    ("still_open", still_open),
    ("primary_contact", primary_contact),
    ("owned_by_member", owned_by_member),
    ("closest_close_date", closest_close_date),
    ("last_modified", last_modified),
)


def choose(candidates: Sequence[Candidate], rules: MatchRules, chosen_id: str = "") -> Match | Ambiguous | None:
    """The match for an address: None when nobody has it, Ambiguous when several have and no rule decides.

    `chosen_id`: the person that somebody picked for this address; it overrules the rules.
    """
    if not candidates:
        return None
    picked = [each for each in candidates if each.id == chosen_id]
    if chosen_id and picked:
        return _related(picked[0], rules, "chosen_by_person")
    left, rule = _narrow(candidates, rules, PERSON_RULES)
    if len(left) > 1:
        return Ambiguous(tuple(_shown(each) for each in left))
    return _related(left[0], rules, rule)


def _narrow(items: Sequence[Any], rules: MatchRules, steps: Sequence[tuple[str, Any]]) -> tuple[Sequence[Any], str]:
    """Apply one rule after another until one item is left; a rule that leaves nothing is passed over."""
    if len(items) == 1:
        return items, "only_one"
    for name, rule in steps:
        left = rule(items, rules)
        if len(left) == 1:
            return left, name
        items = left or items
    return items, ""


def _shown(candidate: Candidate) -> str:
    return f"{candidate.name} ({candidate.kind}{', ' + candidate.account_name if candidate.account_name else ''})"


def _eligible(candidate: Candidate, rules: MatchRules) -> list[Opportunity]:
    """The candidate's opportunities that the role lets be related."""
    return [
        each
        for each in candidate.opportunities
        if (rules.closed_opportunities or not each.is_closed)
        and (each.through_role or not rules.only_with_contact_role)
        and (not rules.only_my_opportunities or each.owner_id == rules.member_id)
    ]


def _related(person: Candidate, rules: MatchRules, rule: str) -> Match:
    base = {
        "person_type": person.kind,
        "person_id": person.id,
        "person_name": person.name,
        "account_id": person.account_id,
        "rule": "converted_lead" if person.from_lead and rule == "only_one" else rule,
    }
    if person.kind == "Lead" or rules.related == RelatedChoice.NONE:
        return Match(**base)
    eligible = _eligible(person, rules) if rules.related == RelatedChoice.OPPORTUNITY else []
    if eligible:
        left, related_rule = _narrow(eligible, rules, RELATED_RULES)
        best = left[0]
        return Match(
            **base,
            related_type="Opportunity",
            related_id=best.id,
            related_name=best.name,
            related_rule=related_rule,
        )
    if person.account_id:
        return Match(
            **base,
            related_type="Account",
            related_id=person.account_id,
            related_name=person.account_name,
            related_rule="account",
        )
    return Match(**base)
