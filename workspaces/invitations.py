"""Invitations: a letter to one address, single use, seven days.

Whoever accepts must have verified the invited address; the link alone is not enough (it may be forwarded).
Only the digest of the link's token is kept, so a link cannot be shown again: `resend` makes a new one.
"""

import hashlib
import secrets
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from workspaces import audit, mails
from workspaces.audit import Action
from workspaces.errors import InvitationError, MembersError
from workspaces.joining import add
from workspaces.locking import lock, require_admin
from workspaces.models import Invitation, Membership, Role, User, Workspace

LIFETIME = timedelta(days=7)
# Letters of one workspace, and of one person in all of theirs: enough for a company's first day, too few for spam.
MOST_A_DAY = 200


def invite(workspace: Workspace, email: str, role: Role, is_admin: bool, by: User | None) -> tuple[Invitation, str]:
    """Invite an address and send the letter; an open invitation to it is replaced.

    Returns the invitation and its token, which stands in the letter's link alone.
    Raises MembersError: not an address, a member already, too many in a day, letter not sent (it can be resent).
    """
    email = _cleaned(email)
    with transaction.atomic():
        lock(workspace)
        require_admin(workspace, by)
        _require_invitable(workspace, email, role, by)
        open_invitations(workspace).filter(email=email).update(withdrawn_at=timezone.now())
        token = secrets.token_urlsafe(32)
        invitation = Invitation.objects.create(
            workspace=workspace,
            email=email,
            role=role,
            is_admin=is_admin,
            invited_by=by,
            token_digest=digest(token),
            expires_at=timezone.now() + LIFETIME,
        )
        audit.record(
            Action.MEMBER_INVITED,
            workspace=workspace,
            actor=by,
            target=email,
            details={"role": role.name, "admin": is_admin},
        )
    mails.send_invitation(invitation, token)
    return invitation, token


def resend(invitation: Invitation, by: User | None) -> tuple[Invitation, str]:
    """Send a new letter in place of one that is open or expired; the former link ends. Raises MembersError."""
    if invitation.accepted_at or invitation.withdrawn_at:
        raise MembersError("This invitation is not open any more.")
    return invite(invitation.workspace, invitation.email, invitation.role, invitation.is_admin, by)


@transaction.atomic
def withdraw(invitation: Invitation, by: User | None) -> None:
    """End an invitation that nobody accepted yet. Raises MembersError when it is not open any more."""
    require_admin(lock(invitation.workspace), by)
    won = open_invitations(invitation.workspace).filter(pk=invitation.pk).update(withdrawn_at=timezone.now())
    if not won:
        raise MembersError("This invitation is not open any more.")
    audit.record(Action.INVITATION_WITHDRAWN, workspace=invitation.workspace, actor=by, target=invitation.email)


def accept(token: str, user: User) -> Membership:
    """Join by the link of a letter. Raises InvitationError, which says what is wrong with it and what to do."""
    return accept_invitation(find(token), user)


@transaction.atomic
def accept_invitation(invitation: Invitation, user: User) -> Membership:
    """Join by an invitation to one of the person's verified addresses. Raises InvitationError."""
    lock(invitation.workspace)
    invitation = Invitation.objects.select_related("workspace", "role").get(pk=invitation.pk)
    require_usable(invitation)
    require_addressee(invitation, user)
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["accepted_at"])
    membership = add(invitation.workspace, user, role=invitation.role, is_admin=invitation.is_admin)
    user.last_workspace = invitation.workspace
    user.save(update_fields=["last_workspace"])
    return membership


# --- Reading ----------------------------------------------------------------------------------------------


def open_invitations(workspace: Workspace) -> QuerySet[Invitation]:
    """Return what was neither accepted nor withdrawn, the newest first; expired ones too, as they can be resent."""
    return workspace.invitations.filter(accepted_at=None, withdrawn_at=None).order_by("-created_at", "-pk")


def invitations_for(user: User) -> QuerySet[Invitation]:
    """Return the invitations that the person can accept now: to one of the verified addresses, not expired."""
    addresses = EmailAddress.objects.filter(user=user, verified=True).values("email")
    return (
        Invitation.objects.filter(
            email__in=addresses, accepted_at=None, withdrawn_at=None, expires_at__gt=timezone.now()
        )
        .select_related("workspace", "invited_by")
        .order_by("-created_at", "-pk")
    )


def find(token: str) -> Invitation:
    """Return the invitation of a link's token; raises InvitationError for a token that never was one."""
    invitation = (
        Invitation.objects.select_related("workspace", "role", "invited_by")
        .filter(token_digest=digest(token))
        .first()
    )
    if invitation is None:
        raise InvitationError(
            "unknown", "This invitation link is not complete. Please open it from the e-mail again."
        )
    return invitation


def require_usable(invitation: Invitation) -> None:
    """Raise InvitationError when the invitation was used, withdrawn or has expired."""
    name = invitation.workspace.name
    if invitation.accepted_at:
        raise InvitationError("used", f"This invitation to {name} was used already. If that was you, log in.")
    if invitation.withdrawn_at:
        raise InvitationError(
            "withdrawn",
            f"This invitation to {name} was withdrawn or replaced by a newer one. "
            "Please look for a newer e-mail, or ask the person who invited you.",
        )
    if invitation.expires_at <= timezone.now():
        raise InvitationError(
            "expired", f"This invitation to {name} has expired. Please ask for a new one: it takes one click."
        )


def require_addressee(invitation: Invitation, user: User) -> None:
    """Raise InvitationError unless the invited address is a verified one of the person."""
    address = EmailAddress.objects.filter(user=user, email=invitation.email).first()
    if address is None:
        raise InvitationError(
            "other_address",
            f"This invitation is for {invitation.email}, but you are logged in as {user.email}. "
            "Log in with the invited address, or add it to your e-mail addresses and confirm it.",
        )
    if not address.verified:
        raise InvitationError(
            "unverified",
            f"Please confirm {invitation.email} first: open the link in the e-mail that we sent to it.",
        )


def digest(token: str) -> str:
    """Return what is kept of a token: SHA-256 in hex; 256 random bits need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def _cleaned(email: str) -> str:
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise MembersError("This is not a complete e-mail address.") from error
    return email


def _require_invitable(workspace: Workspace, email: str, role: Role, by: User | None) -> None:
    member = Q(user__emailaddress__email=email, user__emailaddress__verified=True)
    if workspace.memberships.filter(member, left_at=None).exists():
        raise MembersError("This person is a member already.")
    if not workspace.roles.filter(pk=role.pk).exists():
        raise MembersError("This role does not exist any more. Please choose another one.")
    today = Invitation.objects.filter(created_at__gt=timezone.now() - timedelta(days=1))
    if today.filter(workspace=workspace).count() >= MOST_A_DAY:
        raise MembersError(f"A workspace can send {MOST_A_DAY} invitations a day. Please go on tomorrow.")
    if by is not None and today.filter(invited_by=by).count() >= MOST_A_DAY:
        raise MembersError(f"A person can send {MOST_A_DAY} invitations a day. Please go on tomorrow.")
