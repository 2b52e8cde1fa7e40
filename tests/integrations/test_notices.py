"""Letters about connections: one that is not taken keeps no other back, and names nobody in the log."""

import email.policy
import logging
from email import message_from_string

import pytest
from aiosmtpd.controller import Controller
from pytest_django.fixtures import Settings

from integrations import notices
from tests.processes import free_port
from workspaces.models import Membership, User


class PickyServer:
    """Takes mail for everybody but Ada."""

    def __init__(self) -> None:
        self.taken: list[tuple[list[str], str]] = []

    async def handle_RCPT(self, _server, _session, envelope, address: str, _options) -> str:
        """Refuse one recipient."""
        if address.startswith("ada@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope) -> str:
        """Take the mail."""
        self.taken.append((envelope.rcpt_tos, envelope.content.decode()))
        return "250 OK"


@pytest.mark.django_db
def test_who_was_shut_out_gets_no_letter(ada_member: Membership, ben_member: Membership) -> None:
    Membership.objects.filter(pk=ben_member.pk).update(is_admin=True)
    assert notices.admins_of(ada_member.workspace) == [ada_member.user, ben_member.user]
    User.objects.filter(pk=ben_member.user_id).update(is_active=False)

    assert notices.admins_of(ada_member.workspace) == [ada_member.user]


@pytest.mark.django_db(transaction=True)
def test_a_letter_that_is_refused_stops_no_other_and_names_nobody(
    ada_member: Membership, ben_member: Membership, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    server, port = PickyServer(), free_port()
    controller = Controller(server, "127.0.0.1", port)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 5
    people = [ada_member.user, ben_member.user]
    try:
        with caplog.at_level(logging.DEBUG):
            context = {"salesforce_user_name": "Eve\rBcc: all@elsewhere.example"}
            notices.send_once_a_day(ada_member.workspace, "x", people, "revocation_given_up", context)
    finally:
        controller.stop()

    assert [recipients for recipients, _ in server.taken] == [["ben@acme.example"]]
    letter = message_from_string(server.taken[0][1], policy=email.policy.default)
    assert (letter["Bcc"], letter["Subject"]) == (
        None,
        "Please remove Touchline's access in Salesforce for Eve Bcc: all@elsewhere.example",
    )
    said = [record.getMessage() for record in caplog.records if not record.name.startswith("mail.")]  # the server's
    assert said.count("letter revocation_given_up not sent: SMTPRecipientsRefused") == 1
    assert [line for line in said if "acme.example" in line] == []
