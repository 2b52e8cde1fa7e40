"""What the queue runs by the clock."""

import pytest
from django.core.management import call_command
from django.utils.module_loading import import_string
from django_q.models import Schedule

from config.schedules import SCHEDULES


def stored() -> list[tuple[str, str, str, int, int]]:
    rows = Schedule.objects.order_by("name")
    return list(rows.values_list("name", "func", "schedule_type", "minutes", "repeats"))


EXPECTED = sorted((each.name, each.function, Schedule.MINUTES, each.minutes, -1) for each in SCHEDULES)


def test_migrate_sets_them(db: None) -> None:
    Schedule.objects.all().delete()
    Schedule.objects.create(name="Gone", func="activity.tasks.gone", schedule_type=Schedule.DAILY)
    Schedule.objects.create(name="Match late", func="activity.tasks.match_late", minutes=1)
    Schedule.objects.create(name="Theirs", func="other.task")
    call_command("migrate", verbosity=0)

    assert [row for row in stored() if row[0] != "Theirs"] == EXPECTED
    assert Schedule.objects.filter(name="Theirs").exists()


def test_when_each_runs_next_is_kept(db: None) -> None:
    call_command("migrate", verbosity=0)
    Schedule.objects.update(next_run="2030-01-01T00:00:00Z")
    call_command("migrate", verbosity=0)

    assert {row.next_run.year for row in Schedule.objects.all()} == {2030}


@pytest.mark.parametrize("name", [each.function for each in SCHEDULES])
def test_every_name_leads_to_a_function_without_arguments(name: str) -> None:
    function = import_string(name)

    assert function.__code__.co_argcount == 0
    assert function.__doc__


def test_names_are_unique() -> None:
    assert len({each.name for each in SCHEDULES}) == len(SCHEDULES)
