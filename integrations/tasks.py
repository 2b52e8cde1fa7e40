"""What the queue runs; queued by dotted name, with integers only."""

from integrations import changes, mailbox_grants, mailbox_sign_in, revocations, unkept, upkeep
from integrations.models import Connection


def keep_alive() -> int:
    """Hourly: refresh what was not refreshed for a week."""
    return upkeep.keep_alive()


def settle_sign_ins_and_ends() -> int:
    """Each minute: abandoned refreshes, trips whose time is over, grants that must end at their provider."""
    salesforce = upkeep.finish_abandoned_refreshes() + unkept.expire() + revocations.run_due()
    return salesforce + mailbox_sign_in.expire() + mailbox_grants.revoke_due()


def check_permissions() -> int:
    """Every ten minutes: pre-flights that are a day old, 50 at a time."""
    return upkeep.check_permissions()


def read_changes() -> int:
    """Each half hour: contacts and leads that changed in Salesforce."""
    return changes.read_all_changes()


def run_preflight(connection_id: int) -> bool:
    """On demand: the pre-flight of one connection; one that has ended meanwhile is skipped."""
    connection = (
        Connection.objects.live()
        .select_related("workspace", "org", "salesforce_user", "membership__user")
        .filter(pk=connection_id)
        .first()
    )
    return connection is not None and upkeep.check_one(connection)


def forget_old() -> int:
    """Daily: traces older than 90 days."""
    return upkeep.forget_old()
