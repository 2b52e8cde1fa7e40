"""Two workspaces with one of everything in each, and the five kinds of people who may ask for it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client
from django.utils import timezone

from activity.models import Activity, Exclusion, Message, SyncJob
from activity.saved_searches import save_search
from activity.settings import save_settings
from integrations import api_keys, trips
from integrations.models import MailboxSignIn, PendingGrant
from tests.people import log_in, make_person
from workspaces import invitations, members
from workspaces.models import Membership, User, Workspace

ABSENT = UUID("01939b5e-0000-7000-8000-000000000001")


@dataclass
class Side:
    """One workspace, and a member of it who owns one of everything."""

    workspace: Workspace
    owner: Membership
    browser: Client
    invitation_token: str = ""

    def __post_init__(self) -> None:
        _, self.invitation_token = invitations.invite(
            self.workspace, "invited@acme.example", self.workspace.roles.get(), False, by=None
        )


@dataclass
class World:
    """Who asks, and what there is to ask for."""

    browsers: dict[str, Client]
    here: Side
    elsewhere: Side


def make_world() -> World:
    """Ada (admin) and Ben (member, owns things) in Acme; Cleo (admin, owns things) in Globex; Sam of the support."""
    ada, ben, cleo = make_person("Ada"), make_person("Ben"), make_person("Cleo", "globex.example")
    sam = make_person("Sam", "support.example")
    User.objects.filter(pk=sam.pk).update(is_staff=True)
    TOTP.activate(sam, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    acme = members.create_workspace("Acme", ada).workspace
    globex = members.create_workspace("Globex", cleo)
    browsers = {"anonymous": Client()} | {
        user.name.lower(): log_in(user) for user in (ada, ben, cleo, User.objects.get(pk=sam.pk))
    }
    return World(
        browsers=browsers,
        here=Side(acme, members.add(acme, ben), browsers["ben"]),
        elsewhere=Side(globex.workspace, globex, browsers["cleo"]),
    )


# --- Things: each a function that makes one on a side and returns its uuid -----------------------------------


def make_role(side: Side) -> UUID:
    """The default role."""
    return side.workspace.roles.get().uuid


def make_member(side: Side) -> UUID:
    """A further member."""
    return members.add(side.workspace, make_person("Dan", f"{side.workspace.slug}.example")).uuid


def make_invitation(side: Side) -> UUID:
    """The open invitation."""
    return side.workspace.invitations.get().uuid


def make_api_key(side: Side) -> UUID:
    """A key for the API."""
    return api_keys.create(side.workspace, "Mail client", side.owner.user)[0].uuid


def make_trip(side: Side) -> UUID:
    """The owner's trip to Salesforce, back from the login page."""
    return PendingGrant.objects.create(
        state_digest=side.workspace.slug,
        user=side.owner.user,
        workspace=side.workspace,
        session_digest=trips.digest(side.browser.session.session_key),
        intent="member",
        issuer="production",
        login_url="https://login.salesforce.com",
        expires_at=timezone.now() + timedelta(minutes=10),
        used_at=timezone.now(),
    ).uuid


def make_mailbox_trip(side: Side) -> UUID:
    """The owner's trip to a mail provider, on its way."""
    return MailboxSignIn.objects.create(
        state_digest=side.workspace.slug,
        user=side.owner.user,
        workspace=side.workspace,
        session_digest=trips.digest(side.browser.session.session_key),
        provider="google",
        address=side.owner.user.email,
        expires_at=timezone.now() + timedelta(minutes=10),
    ).uuid


def make_job(side: Side) -> UUID:
    """A row of the owner's Activity Log."""
    message = Message.objects.create(workspace=side.workspace, message_id="m@acme.example", subject="Hello")
    common = {"workspace": side.workspace, "owner": side.owner, "kind": "sent"}
    activity = Activity.objects.create(**common, occurred_at=timezone.now(), message=message, source="api")
    return SyncJob.objects.create(
        **common,
        activity=activity,
        object_type="Task",
        recipient="x@customer.example",
        subject="Sent (New): Hello",
        state="held",
        reason="not_connected",
        key="a" * 26,
    ).uuid


def make_never_log(side: Side) -> UUID:
    """An entry of the owner's personal list."""
    return Exclusion.objects.create(
        workspace=side.workspace, membership=side.owner, kind="domain", value="private.example"
    ).uuid


def make_saved_search(side: Side) -> UUID:
    """A search that the owner keeps."""
    return save_search(side.owner, "Opens", "is:opened").uuid


def make_role_exclusion(side: Side) -> UUID:
    """An entry of the default role's list."""
    role = side.workspace.roles.get()
    return Exclusion.objects.create(workspace=side.workspace, role=role, kind="domain", value="x.example").uuid


def make_settings_version(side: Side) -> int:
    """A saved version of the default role's settings."""
    return save_settings(side.workspace.roles.get(), {"log_opened": True}, side.owner.user).version


Maker = Callable[[Side], UUID | int]
