"""The e-mails about connections: one per kind and day, sent after the transaction that caused it."""

import logging
from collections.abc import Iterable

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from integrations.models import Calendar, Connection, Mailbox, NoticeSent, SalesforceOrg
from workspaces.members import live_memberships
from workspaces.models import Membership, User, Workspace

logger = logging.getLogger(__name__)


def send_once_a_day(
    workspace: Workspace, key: str, to: Iterable[User], template: str, context: dict[str, object]
) -> bool:
    """Send `integrations/mail/<template>.txt` (first line: the subject) to each person, unless it went out today.

    key: what counts as the same notice. Returns whether it is sent. Each person gets a letter of their own.
    """
    _, is_first = NoticeSent.objects.get_or_create(workspace=workspace, key=key[:120], day=timezone.now().date())
    if is_first:
        subject, _, body = render_to_string(
            f"integrations/mail/{template}.txt", {"workspace": workspace, "base_url": settings.BASE_URL} | context
        ).partition("\n")
        subject = " ".join(subject.split())
        letters = [EmailMessage(subject, body.strip() + "\n", to=[person.email]) for person in to]
        transaction.on_commit(lambda: _send(letters, template), robust=True)
    return is_first


def _send(letters: Iterable[EmailMessage], template: str) -> None:
    """Send each; one that is not taken keeps no other back. The error itself is not logged: it names the address."""
    for letter in letters:
        try:
            letter.send()
        except OSError as error:  # every fault of smtplib and of the socket underneath is one
            logger.warning("letter %s not sent: %s", template, type(error).__name__)


def admins_of(workspace: Workspace) -> list[User]:
    """The people who can administer the workspace, by name."""
    return [each.user for each in live_memberships(workspace).filter(is_admin=True, user__is_active=True)]


def tell_connection_lost(connection: Connection) -> None:
    """Tell the connection's person; for the Sync User the admins too. One letter per connection, cause and day."""
    is_sync_user = SalesforceOrg.objects.filter(sync_user=connection).exists()
    people = {connection.membership.user} if connection.membership else set()
    if is_sync_user or not people:
        people |= set(admins_of(connection.workspace))
    page = "workspace_integrations" if is_sync_user and not connection.membership else "integrations"
    send_once_a_day(
        connection.workspace,
        f"lost:{connection.pk}:{connection.cause}",
        people,
        "connection_lost",
        {
            "connection": connection,
            "is_sync_user": is_sync_user,
            "link": settings.BASE_URL + reverse(page, args=[connection.workspace.slug]),
        },
    )


def ask_admins(membership: Membership, what: str) -> bool:
    """Ask the workspace's admins for the plan or the Sync User, once a day for each member who asks."""
    workspace = membership.workspace
    return send_once_a_day(
        workspace,
        f"ask:{what}:{membership.pk}",
        admins_of(workspace),
        f"ask_for_{what}",
        {
            "person": membership.user,
            "link": settings.BASE_URL + reverse("workspace_integrations", args=[workspace.slug]),
        },
    )


def ask_to_become_sync_user(membership: Membership, by: User) -> bool:
    """Ask a member who is not connected yet to connect, so that their connection becomes the Sync User."""
    workspace = membership.workspace
    return send_once_a_day(
        workspace,
        f"become_sync_user:{membership.pk}",
        [membership.user],
        "become_sync_user",
        {"by": by, "link": settings.BASE_URL + reverse("integrations", args=[workspace.slug])},
    )


def tell_revocation_given_up(workspace: Workspace, person: User | None, salesforce_user_name: str) -> None:
    """After seven days without success: somebody must remove the grant in Salesforce's Setup."""
    send_once_a_day(
        workspace,
        f"revocation:{salesforce_user_name}",
        [person] if person else admins_of(workspace),
        "revocation_given_up",
        {"salesforce_user_name": salesforce_user_name},
    )


def tell_sync_user_left(connection: Connection) -> None:
    """The Sync User was a member's connection, and the member left: admins must name another."""
    workspace = connection.workspace
    send_once_a_day(
        workspace,
        f"sync_user_left:{connection.pk}",
        admins_of(workspace),
        "sync_user_left",
        {
            "connection": connection,
            "link": settings.BASE_URL + reverse("workspace_integrations", args=[workspace.slug]),
        },
    )


def tell_keys_stay(membership: Membership, names: list[str]) -> None:
    """Somebody left who had made API keys and may still know them: admins decide about each."""
    workspace = membership.workspace
    send_once_a_day(
        workspace,
        f"keys_stay:{membership.pk}",
        admins_of(workspace),
        "keys_stay",
        {
            "person": membership.user,
            "names": names,
            "link": settings.BASE_URL + reverse("api_keys", args=[workspace.slug]),
        },
    )


def tell_calendar_lost(calendar: Calendar, sentence: str) -> None:
    """Tell the member that their calendar cannot be read, and why. One letter per calendar, cause and day."""
    send_once_a_day(
        calendar.workspace,
        f"calendar:{calendar.pk}:{calendar.cause}",
        [calendar.membership.user],
        "calendar_lost",
        {
            "calendar": calendar,
            "sentence": sentence,
            "link": settings.BASE_URL + reverse("integrations", args=[calendar.workspace.slug]),
        },
    )


def tell_mailbox_lost(mailbox: Mailbox, sentence: str) -> None:
    """Tell the member that their mailbox cannot be read, and why. One letter per mailbox, cause and day."""
    send_once_a_day(
        mailbox.workspace,
        f"mailbox:{mailbox.pk}:{mailbox.cause}",
        [mailbox.membership.user],
        "mailbox_lost",
        {
            "mailbox": mailbox,
            "sentence": sentence,
            "link": settings.BASE_URL + reverse("integrations", args=[mailbox.workspace.slug]),
        },
    )
