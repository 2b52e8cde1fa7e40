"""The letters of this app: plain text, one template each in templates/workspaces/mail/."""

from typing import Any

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse

from workspaces.errors import MembersError
from workspaces.models import Invitation

log = structlog.get_logger(__name__)


def send_invitation(invitation: Invitation, token: str) -> None:
    """Send the link with which the invited person joins. Raises MembersError when the letter could not be sent."""
    context = {
        "invitation": invitation,
        "inviter": invitation.invited_by,
        "url": settings.BASE_URL + reverse("invitation", args=[token]),
    }
    subject = f"Join {invitation.workspace.name} on Touchline"
    if not send(invitation.email, subject, "workspaces/mail/invitation.txt", context):
        raise MembersError(
            "The invitation is saved, but the e-mail could not be sent. Please press Resend in a few minutes; "
            "if it happens again, tell the person who runs this server."
        )


def send(to: str, subject: str, template: str, context: dict[str, Any]) -> bool:
    """Send one letter; returns whether the mail server took it. A failure is logged without the address."""
    body = render_to_string(template, context).strip() + "\n"
    try:
        send_mail(" ".join(subject.split()), body, None, [to])
    except OSError as error:  # every fault of smtplib and of the socket underneath is one
        log.warning("mail not sent", template=template, error=type(error).__name__)
        return False
    return True
