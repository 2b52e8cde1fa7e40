"""The demo's outgoing mail as a page: there is no mail server, and links in mails must be clickable.

Exists only with DEBUG and mail written to files (EMAIL_URL=file:///…).
"""

import email.policy
import re
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

SEPARATOR = re.compile(rb"^-{79}\n", re.MULTILINE)  # what Django's file backend puts after each message
SHOWN = 50


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail as the page shows it; `sent_at` is aware."""

    to: str
    subject: str
    text: str
    sent_at: datetime


def letters(folder: Path) -> list[Letter]:
    """The newest mails of the folder, newest first."""
    raw = [part for path in folder.glob("*.log") for part in SEPARATOR.split(path.read_bytes()) if part.strip()]
    return sorted(map(read_letter, raw), key=lambda letter: letter.sent_at, reverse=True)[:SHOWN]


def read_letter(raw: bytes) -> Letter:
    """Parse one mail that our own mail backend wrote."""
    message = cast(EmailMessage, message_from_bytes(raw, policy=email.policy.default))
    body = message.get_body(("plain", "html"))
    return Letter(
        to=str(message["To"]),
        subject=str(message["Subject"]),
        text=body.get_content().strip() if body else "",
        sent_at=parsedate_to_datetime(str(message["Date"])),
    )


def kept_mail_folder() -> Path | None:
    """Where mail is kept for reading here; None wherever it really leaves the house."""
    folder = getattr(settings, "EMAIL_FILE_PATH", None)
    return Path(folder) if settings.DEBUG and folder else None


def mail_banner(request: HttpRequest) -> dict[str, Any]:
    """`mail_is_kept`: whether the banner should lead to the outbox."""
    return {"mail_is_kept": kept_mail_folder() is not None}


def outbox(request: HttpRequest) -> HttpResponse:
    """The page; 404 wherever mail really leaves the house."""
    folder = kept_mail_folder()
    if folder is None:
        raise Http404
    return render(request, "outbox.html", {"letters": letters(folder)})
