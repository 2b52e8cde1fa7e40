"""“Check again”, the same on the personal and on the workspace's page."""

from django.contrib import messages
from django.http import HttpRequest

from integrations import preflight, trials
from integrations.models import Connection
from integrations.salesforce.errors import SalesforceError


def check_again(request: HttpRequest, connection: Connection) -> None:
    """Run the pre-flight and say how it went."""
    try:
        trials.take(request.user)
        rows = preflight.run(connection)
    except (SalesforceError, trials.TooMany) as error:
        messages.error(request, error.user_message)
        return
    failed = [row for row in rows if row.fails and row.level == "needed"]
    if failed:
        count = len(failed)
        messages.warning(request, f"{count} needed permission{'s are' if count > 1 else ' is'} missing.")
    else:
        messages.success(request, "Salesforce gives everything that is needed.")
