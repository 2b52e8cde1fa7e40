"""Runs the machine: a sample in the suite; `make faults` sets MACHINE_EXAMPLES and MACHINE_STEPS for all of it."""

import os
import sys

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import run_state_machine_as_test
from pytest_django.fixtures import Settings

from activity.pipeline.captured import Person
from integrations.models import Connection
from tests.activity.pipeline.machine import JobMachine
from tests.activity.pipeline.machine_checks import Checks
from tests.activity.pipeline.machine_world import SPIN_LIMIT
from tests.activity.stories import NORA, PETER, log, meeting, report, sent
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Workspace

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "12"))
STEPS = int(os.environ.get("MACHINE_STEPS", "25"))
IS_LONG = "MACHINE_EXAMPLES" in os.environ


def test_whatever_happens_each_activity_is_logged_once_or_explained(
    salesforce: TestedStandIn,
    bens_connection: Connection,
    acme: Workspace,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings.SYNC_DRAIN_LIMIT = SPIN_LIMIT
    report(acme, sent(1000), sent(1001, to=(Person(PETER),)), meeting(uid="uid-1000", source_id="1000"))
    log(bens_connection)  # describes and people are known from here on
    machine = type("BensMachine", (JobMachine,), {"connection_id": bens_connection.pk})
    JobMachine.examples = Checks.steps = 0
    broken = 1
    try:
        run_state_machine_as_test(
            machine,
            settings=hypothesis_settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                derandomize=not IS_LONG,
                phases=[Phase.generate]
                if IS_LONG
                else list(Phase),  # making an example smaller takes longer than all
                suppress_health_check=list(HealthCheck),
            ),
        )
        broken = 0
    finally:
        with capsys.disabled():
            sys.stdout.write(f"\nexamples={JobMachine.examples} steps={Checks.steps} broken={broken}\n")


def test_the_machine_sees_a_record_that_is_sent_again_too_early(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, settings: Settings
) -> None:
    """The negative control: look-ups that end before Salesforce has ended."""
    report(acme, sent(1000))
    log(bens_connection)
    settings.SYNC_LOOKUP_DELAYS = [0.0, 60.0]
    machine = type("BensMachine", (JobMachine,), {"connection_id": bens_connection.pk})()
    machine.somebody_sends(1, NORA)
    machine.a_worker_sends("late", 600)
    machine.time_passes(60)
    machine.a_wake_up_comes_twice()
    machine.time_passes(601)

    with pytest.raises(AssertionError):
        machine.no_key_twice()
    with pytest.raises(AssertionError):
        machine.teardown()
