"""Who may still call: the ladder of the org's use, our own share, pauses."""

from datetime import timedelta

import pytest
import time_machine
from django.forms.models import model_to_dict
from django.utils import timezone

from integrations import budget
from integrations.budget import Purpose
from integrations.connections import client_for
from integrations.models import ApiUsage, SalesforceOrg
from integrations.salesforce.errors import LimitReached
from integrations.salesforce.http import Usage
from workspaces.models import Workspace

ORG_ID = "00D000000000001EAA"


@pytest.fixture
def plain_org(acme: Workspace) -> SalesforceOrg:
    return SalesforceOrg.objects.create(
        workspace=acme,
        org_id=ORG_ID,
        name="Acme",
        environment="production",
        web_url="https://acme.my.salesforce.com",
        api_cap_percent=100,
    )


def allowed(org: SalesforceOrg) -> set[Purpose]:
    return {purpose for purpose in Purpose if budget.may_call(org, purpose).allowed}


@pytest.mark.parametrize(
    ("used", "left"),
    [
        (0, set(Purpose)),
        (7999, set(Purpose)),
        (8000, {Purpose.CLICK, Purpose.WRITE}),
        (8999, {Purpose.CLICK, Purpose.WRITE}),
        (9000, {Purpose.CLICK}),
        (9499, {Purpose.CLICK}),
        (9500, set()),
    ],
)
def test_the_ladder(plain_org: SalesforceOrg, used: int, left: set[Purpose]) -> None:
    budget.record_usage(ORG_ID, Usage(used, 10_000))

    assert allowed(plain_org) == left


def test_nothing_known_stops_nobody(plain_org: SalesforceOrg) -> None:
    assert allowed(plain_org) == set(Purpose)


def test_an_old_figure_stops_nobody(plain_org: SalesforceOrg) -> None:
    budget.record_usage(ORG_ID, Usage(10_000, 10_000))
    verdict = budget.may_call(plain_org, Purpose.CLICK)

    assert not verdict.allowed
    with time_machine.travel(verdict.until, tick=False):
        assert allowed(plain_org) == set(Purpose)


def test_a_pause_stops_everybody_until_its_end_and_the_later_end_wins(plain_org: SalesforceOrg) -> None:
    now = timezone.now()
    budget.pause_org(ORG_ID, now + timedelta(minutes=15), "REQUEST_LIMIT_EXCEEDED")
    budget.pause_org(ORG_ID, now + timedelta(minutes=5), "x")

    verdict = budget.may_call(plain_org, Purpose.CLICK)
    assert (verdict.allowed, verdict.until) == (False, now + timedelta(minutes=15))
    assert ApiUsage.objects.get().pause_reason == "REQUEST_LIMIT_EXCEEDED"
    with time_machine.travel(now + timedelta(minutes=15, seconds=1)):
        assert allowed(plain_org) == set(Purpose)


def test_our_own_share_leaves_clicks(org: SalesforceOrg) -> None:
    org.api_cap_percent = 25
    budget.record_usage(org.org_id, Usage(3000, 10_000))
    budget.count_call(org.sync_user, org.org_id, calls=2499 - budget.calls_today(org.org_id))
    assert allowed(org) == set(Purpose)

    budget.count_call(org.sync_user, org.org_id)

    assert allowed(org) == {Purpose.CLICK}
    assert "share of 25 %" in budget.may_call(org, Purpose.WRITE).reason


def test_figures_for_the_pages(plain_org: SalesforceOrg) -> None:
    budget.record_usage(ORG_ID, Usage(1234, 10_000))
    figures = budget.consumption(plain_org)

    assert (figures.used, figures.maximum, figures.percent, figures.ours_today, figures.ours_percent) == (
        1234,
        10_000,
        12,
        0,
        0,
    )


def test_reaching_the_limit_pauses_the_org(bens_connection, bens_browser) -> None:
    bens_browser.stand_in.org.set_api_limit(1000, used=1000)
    with pytest.raises(LimitReached):
        client_for(bens_connection).organization()

    assert not budget.may_call(bens_connection.org, Purpose.CLICK).allowed


def test_each_answer_counts_a_call_and_brings_the_orgs_use(org: SalesforceOrg) -> None:
    other = SalesforceOrg(org_id="00D000000000009EAA")  # of which nothing is on file yet
    assert budget.usage_of(other.org_id) is None
    with time_machine.travel("2026-12-01T10:00Z", tick=False):
        budget.note_call(org.sync_user, other.org_id, Usage(10, 1000))
        budget.note_call(org.sync_user, other.org_id, Usage(12, 1000))
        expected = ApiUsage(org_id=other.org_id, used=12, maximum=1000, seen_at=timezone.now())

        usage = budget.usage_of(other.org_id)
        assert usage is not None
        assert model_to_dict(usage) == model_to_dict(expected)
        assert budget.calls_today_of(org.sync_user) == budget.calls_today(other.org_id) == 2
    with time_machine.travel("2026-12-02T10:00Z", tick=False):
        budget.note_call(org.sync_user, other.org_id, Usage(13, 1000))

        assert budget.calls_today(other.org_id) == 1
