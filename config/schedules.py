"""What the queue runs by the clock. `migrate` alone puts it into the database (see activity/apps.py)."""

from typing import NamedTuple


class Scheduled(NamedTuple):
    """A task by its dotted name, without arguments, and how often it runs."""

    name: str
    function: str
    minutes: int


SCHEDULES = (
    Scheduled("Send what is due", "activity.tasks.sweep", 1),
    Scheduled("Settle opens and clicks", "activity.tasks.settle_hits", 1),
    Scheduled("Match late", "activity.tasks.match_late", 30),
    Scheduled("Log meetings that come near", "activity.tasks.log_next_instances", 60),
    Scheduled("Look for doubles", "activity.tasks.find_doubles", 60),
    Scheduled("Forget what is old", "activity.tasks.forget", 60),
    Scheduled("Settle sign-ins and ended connections", "integrations.tasks.settle_sign_ins_and_ends", 1),
    Scheduled("Check permissions", "integrations.tasks.check_permissions", 10),
    Scheduled("Read changes in Salesforce", "integrations.tasks.read_changes", 30),
    Scheduled("Keep connections alive", "integrations.tasks.keep_alive", 60),
    Scheduled("Forget old sign-ins", "integrations.tasks.forget_old", 24 * 60),
)


def set_schedules(**kwargs: object) -> None:
    """Make the database hold exactly SCHEDULES; when each runs next is kept. Receives post_migrate."""
    from django_q.models import Schedule  # only once the apps are loaded

    ours = Schedule.objects.filter(func__startswith="activity.") | Schedule.objects.filter(
        func__startswith="integrations."
    )
    ours.exclude(name__in=[each.name for each in SCHEDULES]).delete()
    for each in SCHEDULES:
        Schedule.objects.update_or_create(
            name=each.name,
            defaults={
                "func": each.function,
                "schedule_type": Schedule.MINUTES,
                "minutes": each.minutes,
                "repeats": -1,
            },
        )
