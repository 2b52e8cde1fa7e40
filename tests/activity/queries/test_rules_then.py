"""By which rules a row was decided when it was recorded: derived, in whatever order lists were changed since."""

from datetime import timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from activity.exclusions import add_for_role, add_override, add_personal, remove_from_role, remove_personal
from activity.models import Exclusion, ExclusionKind
from activity.pipeline.exclude import ExclusionRules, Rule
from activity.queries.rules_then import Change, RulesThen, former_role, names_of, read_rules_then, undo
from activity.settings import save_settings
from tests.activity.rows import NOON, make_job
from workspaces import members, roles
from workspaces.audit import Action, record

DOMAIN, ADDRESS, SUBJECT = ExclusionKind
ENTRIES = [
    (DOMAIN.value, "a.example", False),
    (ADDRESS.value, "b@b.example", False),
    (ADDRESS.value, "noreply", True),
]


def at(minutes: int):
    return time_machine.travel(NOON + timedelta(minutes=minutes), tick=False)


@pytest.fixture
def job(ben_member, ada, ada_member):
    """Ben's row of noon; before it his role excluded rival.example and he himself doctor.example."""
    with at(-10):
        add_for_role(ben_member.role, DOMAIN, "rival.example", ada)
        add_override(ben_member.role, "noreply@shop.example", ada)
        add_personal(ben_member, DOMAIN, "doctor.example")
    return make_job(ben_member)


def then_of(job, **changes) -> RulesThen:
    known = {
        "role": job.owner.role.name,
        "version": 1,
        "own_domains": len(job.workspace.own_domains),
        "rules": ExclusionRules(
            (Rule(DOMAIN, "rival.example"),), (Rule(DOMAIN, "doctor.example"),), frozenset({"noreply@shop.example"})
        ),
        "reads_personal": True,
    }
    return RulesThen(**known | changes)


def test_what_stood_and_still_stands(job, ben_member):
    assert read_rules_then(job, ben_member) == then_of(job)


def test_what_was_added_and_removed_since_changes_nothing(job, ben_member, ada):
    role = ben_member.role
    with at(1):
        add_for_role(role, SUBJECT, "salary", ada)
        add_personal(ben_member, ADDRESS, "mum@family.example")
        remove_from_role(Exclusion.objects.get(value="rival.example"), ada)
    with at(2):
        remove_from_role(Exclusion.objects.get(value="salary"), ada)
        remove_from_role(Exclusion.objects.get(value="noreply@shop.example"), ada)
        add_for_role(role, DOMAIN, "rival.example", ada)

    assert read_rules_then(job, ben_member) == then_of(job)


def test_a_renamed_role_is_followed_and_another_role_of_the_old_name_is_not(job, ben_member, ada, acme):
    role = ben_member.role
    former = role.name
    with at(1):
        remove_from_role(Exclusion.objects.get(value="rival.example"), ada)
        roles.rename_role(role, "Hunters", ada)
        remove_from_role(Exclusion.objects.get(value="noreply@shop.example"), ada)
        other = roles.create_role(acme, "Farmers", ada)
        remove_from_role(add_for_role(other, DOMAIN, "farm.example", ada), ada)
    job.owner.role.refresh_from_db()

    assert former != "Hunters"
    assert read_rules_then(job, ben_member) == then_of(job, role="Hunters")


def test_an_entry_taken_off_the_personal_list_leaves_no_trace(job, ben_member):
    remove_personal(Exclusion.objects.get(value="doctor.example"))

    assert read_rules_then(job, ben_member).rules.personal == ()


def test_an_admin_reads_nothing_of_the_personal_list(job, ada_member):
    rules = ExclusionRules((Rule(DOMAIN, "rival.example"),), (), frozenset({"noreply@shop.example"}))

    assert read_rules_then(job, ada_member) == then_of(job, rules=rules, reads_personal=False)


def test_lists_of_others_do_not_count(job, ben_member, ada_member, cleo_member, ada):
    with at(-5):
        add_personal(ada_member, DOMAIN, "ada-doctor.example")
        add_personal(cleo_member, DOMAIN, "cleo-doctor.example")
        add_for_role(cleo_member.role, DOMAIN, "cleo-rival.example", None)

    assert read_rules_then(job, ben_member) == then_of(job)


def test_the_version_is_the_newest_before_the_row(job, ben_member, ada):
    with at(-2):
        save_settings(ben_member.role, {"log_opened": True}, ada)
    with at(2):
        save_settings(ben_member.role, {"log_opened": False}, ada)

    assert read_rules_then(job, ben_member) == then_of(job, version=2)


def test_own_domains_are_those_of_then(job, ben_member, acme, ada):
    for minutes, before, after in (
        (-1, [], ["x.example"]),
        (1, ["a.example", "b.example"], []),
        (2, [], ["c.example"]),
    ):
        with at(minutes):
            details = {"own_domains": [before, after]}
            record(Action.WORKSPACE_CHANGED, workspace=acme, actor=ada, target="Acme", details=details)

    assert read_rules_then(job, ben_member) == then_of(job, own_domains=2)


def test_the_rules_of_a_former_role_are_not_made_up(job, ben_member, acme, ada):
    before = ben_member.role.name
    with at(1):
        moved = members.change_role(ben_member, roles.create_role(acme, "Support", ada), ada)
    job.owner = moved

    rules = ExclusionRules((), (Rule(DOMAIN, "doctor.example"),), frozenset())
    assert read_rules_then(job, moved) == then_of(job, role=before, version=None, rules=rules)


def test_it_takes_three_queries(job, ben_member, django_assert_num_queries):
    with django_assert_num_queries(3):
        read_rules_then(job, ben_member)


@pytest.mark.parametrize(
    ("moves", "former"),
    [([], None), ([("A", "B")], "A"), ([("A", "B"), ("B", "C")], "A"), ([("A", "B"), ("B", "A")], None)],
)
def test_a_member_who_came_back_was_in_todays_role(moves, former):
    changes = [Change(Action.MEMBER_ROLE_CHANGED, "ben@acme.example", {"role": list(move)}) for move in moves]
    others = [Change(Action.MEMBER_ROLE_CHANGED, "ada@acme.example", {"role": ["X", "Y"]})]

    assert former_role([*others, *changes], "ben@acme.example") == former


def test_the_names_of_a_role_are_followed_back():
    changes = [
        Change(Action.ROLE_RENAMED, "B", {"name": ["A", "B"]}),
        Change(Action.ROLE_RENAMED, "Z", {"name": ["Y", "Z"]}),
        Change(Action.ROLE_RENAMED, "C", {"name": ["B", "C"]}),
    ]

    assert names_of("C", changes) == {"A", "B", "C"}


@given(st.data())
def test_undoing_any_changes_gives_the_list_of_before(data):
    stood = data.draw(st.sets(st.sampled_from(ENTRIES)))
    now, changes, fresh = set(stood), [], set()
    for entry in data.draw(st.lists(st.sampled_from(ENTRIES), max_size=8)):
        kind, value, override = entry
        is_removal = entry in now
        now ^= {entry}
        fresh = fresh - {entry} if is_removal else fresh | {entry}
        details = {"kind": kind, "value": value, "override": override, "removed" if is_removal else "added": True}
        changes.append(Change(Action.EXCLUSION_CHANGED, "Sales", details))
    # Those of another role are in between, and do not count.
    changes += [Change(Action.EXCLUSION_CHANGED, "Support", {**each.details, "removed": True}) for each in changes]

    found = undo(sorted(now - fresh), changes, frozenset({"Sales"}))

    assert sorted(found) == sorted(stood)
