"""What stands still, by cause."""

from datetime import timedelta

import pytest

from activity.models import Reason, SyncState
from activity.queries.health import error_groups, jobs_of_cause
from tests.activity.rows import NOON, make_job

RULE = "FIELD_CUSTOM_VALIDATION_EXCEPTION"


def failed(owner, code=RULE, minutes=0, **fields):
    at = NOON + timedelta(minutes=minutes)
    return make_job(owner, SyncState.FAILED, reason=Reason.REJECTED, error_code=code, created_at=at, **fields)


def test_causes_with_rows_people_and_times(acme, ada_member, ben_member, cleo_member):
    failed(ada_member)
    newest = failed(ben_member, minutes=5)
    failed(ben_member, "REQUIRED_FIELD_MISSING")
    make_job(ben_member, SyncState.HELD, reason=Reason.PLAN)
    make_job(ben_member)
    make_job(ben_member, SyncState.SKIPPED, reason=Reason.NO_MATCH)
    failed(cleo_member)

    causes = error_groups(acme)

    assert [(cause.reason, cause.error_code, cause.rows, cause.people, cause.is_error) for cause in causes] == [
        (Reason.REJECTED, RULE, 2, 2, True),
        (Reason.REJECTED, "REQUIRED_FIELD_MISSING", 1, 1, True),
        (Reason.PLAN, "", 1, 1, False),
    ]
    assert (causes[0].since, causes[0].last_at) == (NOON, NOON + timedelta(minutes=5))
    assert causes[0].sample == newest.uuid
    assert "validation rule" in causes[0].explanation.sentence


def test_what_a_private_row_says_stays_with_it(acme, ben_member):
    job = failed(ben_member, "UNHEARD_OF", private=True, reason_detail="Grace is secret")

    (cause,) = error_groups(acme)
    assert cause.explanation.sentence == "Salesforce did not accept it."
    job.activity.is_private = False
    job.activity.save()
    assert error_groups(acme)[0].explanation.sentence == "Salesforce did not accept it: Grace is secret"


def test_the_rows_of_a_cause(acme, ada_member, ben_member, cleo_member):
    wanted = {failed(ada_member).pk, failed(ben_member).pk}
    failed(ben_member, "OTHER")
    failed(cleo_member)
    make_job(ben_member, SyncState.SKIPPED, reason=Reason.NO_MATCH)

    assert set(jobs_of_cause(acme, Reason.REJECTED, RULE).values_list("pk", flat=True)) == wanted


@pytest.mark.parametrize("rows", [1, 3])
def test_queries_do_not_grow_with_causes(acme, ben_member, django_assert_num_queries, rows):
    for number in range(rows):
        failed(ben_member, f"CODE_{number}")

    with django_assert_num_queries(2):
        assert len(error_groups(acme)) == rows
