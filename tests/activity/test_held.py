"""The Salesforce card says how many activities are held and safe."""

from integrations import held
from integrations.connections import connection_of, mark_lost
from integrations.models import Connection
from integrations.salesforce.errors import Revoked
from tests.activity.stories import report, sent
from tests.people import log_in
from workspaces.models import Membership


def page(member: Membership) -> str:
    return log_in(member.user).get(f"/w/{member.workspace.slug}/settings/integrations/").content.decode()


def test_the_card_counts_what_is_held(bens_connection: Connection, ben_member: Membership) -> None:
    mark_lost(bens_connection, Revoked("revoked"))
    assert "No activity waits for it. New ones are held and safe." in page(ben_member)

    report(ben_member.workspace, sent(1))
    assert "1 activity is held and safe." in page(ben_member)
    report(ben_member.workspace, sent(2), sent(3))

    assert held.count(connection_of(ben_member)) == 3
    assert "3 activities are held and safe." in page(ben_member)
