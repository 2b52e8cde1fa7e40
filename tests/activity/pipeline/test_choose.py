"""Who and what a record is related to."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activity.models import PersonPreference, RelatedChoice
from activity.pipeline.choose import Ambiguous, Candidate, Match, MatchRules, Opportunity, choose

TODAY = date(2026, 11, 23)
BEN = "005000000000001AAA"
RULES = MatchRules(member_id=BEN, today=TODAY)
NORA = Candidate("Contact", "003000000000001AAA", "Nora West", "005x", "001000000000001AAA", "Northwind")
OTHER = replace(NORA, id="003000000000002AAA", name="Nora East")
LEAD = Candidate("Lead", "00Q000000000001AAA", "Nora West", "005x", account_name="Northwind")


def deal(number: int = 1, **changes: object) -> Opportunity:
    values = {
        "id": f"00600000000000{number}AAA",
        "name": f"Deal {number}",
        "is_closed": False,
        "close_date": "2026-12-01",
        "owner_id": "005x",
        "last_modified": "2026-11-01T00:00:00+00:00",
    }
    return Opportunity(**(values | changes))


def with_deals(*deals: Opportunity) -> Candidate:
    return replace(NORA, opportunities=deals)


def test_nobody() -> None:
    assert choose([], RULES) is None


def test_a_contact_alone_is_related_to_the_account() -> None:
    assert choose([NORA], RULES) == Match(
        person_type="Contact",
        person_id=NORA.id,
        person_name="Nora West",
        account_id=NORA.account_id,
        related_type="Account",
        related_id=NORA.account_id,
        related_name="Northwind",
        rule="only_one",
        related_rule="account",
    )


def test_a_lead_is_related_to_nothing() -> None:
    assert choose([LEAD], RULES) == Match("Lead", LEAD.id, "Nora West", rule="only_one")


@pytest.mark.parametrize(
    ("preference", "expected"),
    [(PersonPreference.CONTACT, NORA.id), (PersonPreference.LEAD, LEAD.id)],
)
def test_contact_and_lead(preference: PersonPreference, expected: str) -> None:
    match = choose([NORA, LEAD], replace(RULES, person_preference=preference))

    assert (match.person_id, match.rule) == (expected, "preferred_kind")


def test_two_contacts_are_a_question() -> None:
    assert choose([NORA, OTHER, LEAD], RULES) == Ambiguous(
        ("Nora West (Contact, Northwind)", "Nora East (Contact, Northwind)")
    )


def test_the_one_with_an_opportunity() -> None:
    match = choose([OTHER, with_deals(deal())], RULES)

    assert (match.person_id, match.rule, match.related_rule) == (NORA.id, "with_opportunity", "only_one")


def test_the_one_whom_the_member_owns() -> None:
    match = choose([OTHER, replace(NORA, owner_id=BEN)], RULES)

    assert (match.person_id, match.rule) == (NORA.id, "of_member")


def test_a_person_has_chosen() -> None:
    match = choose([NORA, OTHER], RULES, chosen_id=OTHER.id)

    assert (match.person_id, match.rule) == (OTHER.id, "chosen_by_person")


def test_a_choice_that_is_gone_decides_nothing() -> None:
    assert isinstance(choose([NORA, OTHER], RULES, chosen_id="003000000000009AAA"), Ambiguous)


def test_a_converted_lead_leads_to_its_contact() -> None:
    assert choose([replace(NORA, from_lead=LEAD.id)], RULES).rule == "converted_lead"


@pytest.mark.parametrize(
    ("deals", "expected", "rule"),
    [
        ([deal(1)], 1, "only_one"),
        ([deal(1, is_primary=True), deal(2)], 1, "primary_contact"),
        ([deal(1), deal(2, owner_id=BEN)], 2, "owned_by_member"),
        ([deal(1), deal(2, close_date="2026-11-30")], 2, "closest_close_date"),
        ([deal(1, close_date="2026-11-01"), deal(2, close_date="2027-01-01")], 2, "closest_close_date"),
        ([deal(1, close_date="2026-11-01"), deal(2, close_date="2026-10-01")], 1, "closest_close_date"),
        ([deal(1), deal(2, last_modified="2026-11-02T00:00:00+00:00")], 2, "last_modified"),
        ([deal(1), deal(2)], 2, "last_modified"),
    ],
)
def test_several_opportunities(deals: list[Opportunity], expected: int, rule: str) -> None:
    match = choose([with_deals(*deals)], RULES)

    assert (match.related_type, match.related_name, match.related_rule) == ("Opportunity", f"Deal {expected}", rule)


@pytest.mark.parametrize(
    ("changes", "deals", "expected"),
    [
        ({}, [deal(1, is_closed=True)], "Account"),
        ({"closed_opportunities": True}, [deal(1, is_closed=True)], "Opportunity"),
        ({}, [deal(1, through_role=False)], "Account"),
        ({"only_with_contact_role": False}, [deal(1, through_role=False)], "Opportunity"),
        ({"only_my_opportunities": True}, [deal(1)], "Account"),
        ({"only_my_opportunities": True}, [deal(1, owner_id=BEN)], "Opportunity"),
        ({"related": RelatedChoice.ACCOUNT}, [deal(1)], "Account"),
        ({"related": RelatedChoice.NONE}, [deal(1)], ""),
    ],
)
def test_the_role_says_what_may_be_related(changes: dict, deals: list[Opportunity], expected: str) -> None:
    assert choose([with_deals(*deals)], replace(RULES, **changes)).related_type == expected


def test_an_open_one_before_a_closed_one() -> None:
    match = choose([with_deals(deal(1, is_closed=True), deal(2))], replace(RULES, closed_opportunities=True))

    assert (match.related_name, match.related_rule) == ("Deal 2", "still_open")


CANDIDATES = st.lists(
    st.builds(
        Candidate,
        kind=st.sampled_from(["Contact", "Lead"]),
        id=st.sampled_from([f"003{n:012}AAA" for n in range(4)]),
        name=st.just("N"),
        owner_id=st.sampled_from([BEN, "005x"]),
        account_id=st.sampled_from(["", "001"]),
        opportunities=st.lists(
            st.builds(
                deal,
                st.integers(1, 5),
                is_closed=st.booleans(),
                owner_id=st.sampled_from([BEN, "005x"]),
                through_role=st.booleans(),
                is_primary=st.booleans(),
                close_date=st.dates(date(2026, 1, 1), date(2027, 1, 1)).map(date.isoformat),
            ),
            max_size=4,
        ).map(tuple),
    ),
    max_size=4,
    unique_by=lambda each: each.id,
)
ALL_RULES = st.builds(
    MatchRules,
    related=st.sampled_from(RelatedChoice),
    only_my_opportunities=st.booleans(),
    only_with_contact_role=st.booleans(),
    closed_opportunities=st.booleans(),
    person_preference=st.sampled_from(PersonPreference),
    member_id=st.sampled_from(["", BEN]),
    today=st.just(TODAY),
)


@given(candidates=CANDIDATES, rules=ALL_RULES)
def test_the_answer_never_depends_on_the_order(candidates: list[Candidate], rules: MatchRules) -> None:
    first, second = choose(candidates, rules), choose(candidates[::-1], rules)

    if isinstance(first, Ambiguous):
        assert isinstance(second, Ambiguous)
        assert sorted(first.names) == sorted(second.names)
    else:
        assert first == second


@given(candidates=CANDIDATES, rules=ALL_RULES)
def test_a_match_is_one_of_the_candidates_and_says_its_rule(candidates: list[Candidate], rules: MatchRules) -> None:
    match = choose(candidates, rules)

    if isinstance(match, Match):
        person = next(each for each in candidates if each.id == match.person_id)
        assert match.rule
        assert not (person.kind == "Lead" and match.related_id)
        if match.related_type == "Opportunity":
            assert match.related_id in {each.id for each in person.opportunities}
            assert match.related_rule


def test_candidates_survive_being_kept() -> None:
    person = replace(with_deals(deal(1), deal(2, is_primary=True)), from_lead="00Q")

    assert Candidate.from_json(person.to_json()) == person
