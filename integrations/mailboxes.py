"""Mailboxes of members: connect with a test of the log-in, open for reading, note trouble, pause, disconnect.

What a mail server says reaches people as MailboxError.user_message.
"""

import random
from collections.abc import Mapping
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from integrations import mailbox_grants, notices, secrets
from integrations.mailbox.errors import MailboxError, Sealed, Unreachable
from integrations.mailbox.folders import Folder
from integrations.mailbox.imap import Opened
from integrations.mailbox.patience import Patience
from integrations.mailbox_log_ins import LogIn, open_log_in, open_mailbox
from integrations.models import (
    FolderRole,
    Mailbox,
    MailboxCause,
    MailboxFolder,
    MailboxGrant,
    MailboxState,
)
from workspaces.audit import Action, record
from workspaces.ids import uuid7
from workspaces.models import Membership, User

FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(minutes=15)
MOST_FOLDERS = 10
PAGE_SECONDS = 40.0
"""How long somebody waits for a page, however slowly the server answers."""
NO_MEMBER = "You are no member of this workspace any more. Nothing was connected."
NEVER_READ = frozenset({"drafts", "junk", "trash"})


def mailbox_of(membership: Membership) -> Mailbox | None:
    """The member's mailbox, in whatever state, unless it was disconnected."""
    return Mailbox.objects.live().filter(membership=membership).select_related("workspace").first()


def connect(membership: Membership, log_in: LogIn, grant: MailboxGrant | None = None) -> Mailbox:
    """Log in, find the folders, and keep the mailbox; reading begins with what comes next.

    The same mailbox connected again goes on where it was. `grant` is what the log-in's token is of. Raises
    MailboxError when the server does not let us in; nothing is stored then.
    """
    opened = _try_log_in(log_in)
    with transaction.atomic():
        members = Membership.objects.select_for_update(of=["self"]).select_related("workspace", "user")
        membership = members.get(pk=membership.pk)
        if membership.left_at is not None:  # meanwhile
            raise MailboxError(NO_MEMBER)
        mailbox = _same_mailbox(membership, log_in) or _new_mailbox(membership, log_in, opened)
        mailbox.auth, mailbox.password_sealed = log_in.auth, ""
        if grant is None:
            mailbox.password_sealed = secrets.seal(log_in.password, secrets.context_of(mailbox, "password_sealed"))
            mailbox_grants.end_of(mailbox)
        else:
            mailbox_grants.attach(grant, mailbox)
        mailbox.aliases = list(log_in.aliases)
        mailbox.state, mailbox.cause, mailbox.cause_text, mailbox.cause_since = MailboxState.CONNECTED, "", "", None
        mailbox.retry_at, mailbox.failures, mailbox.failing_since, mailbox.failure_text = None, 0, None, ""
        mailbox.is_paused, mailbox.lease_holder, mailbox.lease_until = False, "", None
        mailbox.save()
        record(
            Action.MAILBOX_CONNECTED, workspace=membership.workspace, actor=membership.user, target=mailbox.address
        )
    return mailbox


def _try_log_in(log_in: LogIn) -> dict[str, tuple[FolderRole, Opened]]:
    """The folders that are read unless others are chosen, by name. Raises MailboxError."""
    with Patience(PAGE_SECONDS) as patience:
        imap = open_log_in(log_in, patience)
        try:
            return {folder.name: (role, imap.open(folder.name)) for folder, role in _usual_folders(imap.folders())}
        finally:
            imap.close()


def _same_mailbox(membership: Membership, log_in: LogIn) -> Mailbox | None:
    """The live mailbox when it is this one; another one is disconnected."""
    mailbox = mailbox_of(membership)
    if mailbox is None or (mailbox.address, mailbox.host, mailbox.user_name) == (
        log_in.address,
        log_in.host,
        log_in.user_name,
    ):
        return mailbox
    disconnect(mailbox, by=membership.user)
    return None


def _new_mailbox(membership: Membership, log_in: LogIn, opened: Mapping[str, tuple[FolderRole, Opened]]) -> Mailbox:
    mailbox = Mailbox(
        uuid=uuid7(),
        workspace=membership.workspace,
        membership=membership,
        address=log_in.address,
        host=log_in.host,
        port=log_in.port,
        user_name=log_in.user_name,
        auth=log_in.auth,
    )
    mailbox.save()
    for name, (role, counters) in opened.items():
        mailbox.folders.create(
            name=name,
            role=role,
            uidvalidity=counters.uidvalidity,
            next_uid=counters.uidnext,
            read_at=timezone.now(),
        )
    return mailbox


def _usual_folders(folders: list[Folder]) -> list[tuple[Folder, FolderRole]]:
    """The inbox and the folder of sent mail."""
    roles = {"inbox": FolderRole.RECEIVED, "sent": FolderRole.SENT}
    first = {folder.use: folder for folder in reversed(folders) if folder.use in roles}
    return [(first[use], roles[use]) for use in roles if use in first]


# --- Folders ----------------------------------------------------------------------------------------------


def list_folders(mailbox: Mailbox) -> list[Folder]:
    """The folders that may be read: not drafts, junk or trash. Asks the server; raises MailboxError."""
    with Patience(PAGE_SECONDS) as patience:
        try:
            imap = open_mailbox(mailbox.pk, patience=patience)
        except Sealed as error:
            _note_sealed(mailbox, error)
            raise
        try:
            return [folder for folder in imap.folders() if folder.use not in NEVER_READ]
        finally:
            imap.close()


@transaction.atomic
def change_folders(mailbox: Mailbox, roles: Mapping[str, FolderRole]) -> None:
    """Read exactly these folders (at most MOST_FOLDERS); one that is new is read from what comes next."""
    Mailbox.objects.select_for_update().get(pk=mailbox.pk)
    chosen = dict(list(roles.items())[:MOST_FOLDERS])
    mailbox.folders.exclude(name__in=chosen).delete()
    for name, role in chosen.items():
        MailboxFolder.objects.update_or_create(mailbox=mailbox, name=name, defaults={"role": role})
    _start_anew(mailbox)
    record(
        Action.MAILBOX_CHANGED,
        workspace=mailbox.workspace,
        actor=mailbox.membership.user,
        target=mailbox.address,
        details={"folders": len(chosen)},
    )


def _start_anew(mailbox: Mailbox) -> None:
    """Take the lease away, so that the watcher opens its connections again; a trouble with folders is over."""
    Mailbox.objects.filter(pk=mailbox.pk).update(lease_holder="", lease_until=None, retry_at=None, failures=0)
    Mailbox.objects.filter(pk=mailbox.pk, cause=MailboxCause.FOLDER).update(
        state=MailboxState.CONNECTED, cause="", cause_text="", cause_since=None
    )


class OurFault(Unreachable):
    """A fault of ours while reading; it is in the log, and reading is tried again."""

    cause = "internal"
    user_message = "Something went wrong on our side while reading this mailbox."


# --- Trouble ----------------------------------------------------------------------------------------------


def note_trouble(mailbox_id: int, holder: str, error: MailboxError) -> None:
    """What kept the watcher from reading: what passes is tried again later and later, the rest waits for a person.

    Counts only while `holder` has the lease, so that a late failure does not undo a reconnect. Gives the lease back.
    """
    with transaction.atomic():
        held = Mailbox.objects.select_for_update(of=["self"]).select_related("workspace", "membership__user")
        mailbox = held.filter(pk=mailbox_id, lease_holder=holder, state=MailboxState.CONNECTED).first()
        if mailbox is None:
            return
        mailbox.lease_holder, mailbox.lease_until = "", None
        if isinstance(error, Unreachable):
            _try_later(mailbox, error)
        else:
            _need_attention(mailbox, error)
        mailbox.save()


@transaction.atomic
def _note_sealed(mailbox: Mailbox, error: Sealed) -> None:
    """A page found that the log-in cannot be opened: the watcher would find the same."""
    held = Mailbox.objects.select_for_update(of=["self"]).select_related("workspace", "membership__user")
    row = held.filter(pk=mailbox.pk, state=MailboxState.CONNECTED).first()
    if row is not None:
        row.lease_holder, row.lease_until = "", None
        _need_attention(row, error)
        row.save()


def _try_later(mailbox: Mailbox, error: MailboxError) -> None:
    wait = min(FIRST_RETRY * 2 ** min(mailbox.failures, 12), LONGEST_RETRY)
    mailbox.retry_at = timezone.now() + wait * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
    mailbox.failures += 1
    mailbox.failing_since = mailbox.failing_since or timezone.now()
    mailbox.failure_text = error.user_message[:300]


def _need_attention(mailbox: Mailbox, error: MailboxError) -> None:
    cause = error.cause if error.cause in MailboxCause.values else MailboxCause.OTHER
    mailbox.state, mailbox.cause = MailboxState.NEEDS_ATTENTION, cause
    mailbox.cause_text, mailbox.cause_since = error.server_text, timezone.now()
    notices.tell_mailbox_lost(mailbox, error.user_message)


def count_messages(mailbox_id: int, messages: int) -> None:
    """Note, in the transaction that took them up, how many messages were."""
    Mailbox.objects.filter(pk=mailbox_id).update(messages_read=F("messages_read") + messages)


def note_read(mailbox_id: int, holder: str) -> None:
    """A folder was read to its end: whatever the trouble was, it is over."""
    Mailbox.objects.filter(pk=mailbox_id, lease_holder=holder).update(
        read_at=timezone.now(),
        failures=0,
        failing_since=None,
        failure_text="",
        retry_at=None,
    )


def try_again(mailbox: Mailbox) -> None:
    """A person says that the cause is mended, or does not want to wait."""
    Mailbox.objects.live().filter(pk=mailbox.pk).update(
        state=MailboxState.CONNECTED, cause="", cause_text="", cause_since=None, retry_at=None
    )


# --- Pause and end ----------------------------------------------------------------------------------------


def pause(membership: Membership) -> None:
    """Read nothing until `resume`; the watcher closes its connections within seconds."""
    Mailbox.objects.live().filter(membership=membership).update(is_paused=True, lease_holder="", lease_until=None)


@transaction.atomic
def resume(membership: Membership) -> None:
    """Read again, from what comes next: what came while it was paused is not read."""
    paused = Mailbox.objects.live().filter(membership=membership, is_paused=True)
    MailboxFolder.objects.filter(mailbox__in=paused).update(uidvalidity=None, next_uid=1)
    paused.update(is_paused=False, retry_at=None)


@transaction.atomic
def disconnect(mailbox: Mailbox, by: User | None) -> None:
    """Forget the password, or end the sign-in; the watcher closes its connections within seconds. What was captured
    stays.
    """
    mailbox_grants.end_of(mailbox)
    Mailbox.objects.live().filter(pk=mailbox.pk).update(
        state=MailboxState.DISCONNECTED,
        disconnected_at=timezone.now(),
        password_sealed="",
        cause="",
        cause_text="",
        cause_since=None,
        lease_holder="",
        lease_until=None,
    )
    record(Action.MAILBOX_DISCONNECTED, workspace=mailbox.workspace, actor=by, target=mailbox.address)
