"""workspaces/invitations.py and the page behind an invitation's link."""

import re
import smtplib
import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.db import connection
from django.test import Client

from tests.people import log_in, make_person
from workspaces import invitations, members
from workspaces.errors import InvitationError, MembersError
from workspaces.models import Invitation, Role, User


@pytest.fixture
def invited(acme, ada):
    """An open invitation of dan@acme.example, and its token."""
    return invitations.invite(acme, "dan@acme.example", acme.roles.get(), False, by=ada)


def cause_of(token, user):
    """Why the person cannot accept."""
    with pytest.raises(InvitationError) as raised:
        invitations.accept(token, user)
    assert str(raised.value) == raised.value.cause
    return raised.value.cause


# --- Inviting ---------------------------------------------------------------------------------------------


def test_invite_sends_one_letter_with_the_link(acme, ada):
    acme.name = "Acme\nSales"
    with time_machine.travel(datetime(2026, 11, 23, 9, tzinfo=UTC), tick=False):
        invitation, token = members.invite(acme, " DAN@acme.example", acme.roles.get(), True, by=ada)

    assert (invitation.email, invitation.is_admin, invitation.invited_by) == ("dan@acme.example", True, ada)
    assert invitation.expires_at == datetime(2026, 11, 30, 9, tzinfo=UTC)
    (letter,) = mail.outbox
    assert (letter.to, letter.subject) == (["dan@acme.example"], "Join Acme Sales on Touchline")
    assert letter.body.count(f"http://testserver/invitations/{token}/\n") == 1
    assert "Ada invites you" in letter.body
    assert "(dan@acme.example)" in letter.body
    assert "until 30 November 2026." in letter.body
    entry = acme.audit_entries.latest("pk")
    assert (entry.action, entry.actor, entry.target, entry.details) == (
        "member.invited",
        ada,
        "dan@acme.example",
        {"role": "Everyone", "admin": True},
    )


def test_only_the_digest_of_the_token_is_kept(invited):
    invitation, token = invited
    assert len(token) == 43
    stored = Invitation.objects.filter(pk=invitation.pk).values().get()
    assert token not in str(stored)
    assert re.fullmatch("[0-9a-f]{64}", stored["token_digest"])


@pytest.mark.parametrize("email", ["", "dan", "dan@", "dan@acme..example", "dan@acme.example\0"])
def test_invite_wants_an_address(acme, ada, email):
    with pytest.raises(MembersError) as raised:
        invitations.invite(acme, email, acme.roles.get(), False, by=ada)
    assert raised.value.user_message == "This is not a complete e-mail address."
    assert mail.outbox == []


def test_invite_refuses_members_and_roles_of_others(acme, ada, ben, ben_member, globex):
    ben.emailaddress_set.create(email="ben@private.example", verified=True)
    for email in ("ben@acme.example", "ben@private.example"):
        with pytest.raises(MembersError) as raised:
            invitations.invite(acme, email, acme.roles.get(), False, by=ada)
        assert raised.value.user_message == "This person is a member already."
    with pytest.raises(MembersError) as raised:
        invitations.invite(acme, "dan@acme.example", globex.roles.get(), False, by=ada)
    assert raised.value.user_message == "This role does not exist any more. Please choose another one."
    members.remove(ben_member, by=ada)
    assert invitations.invite(acme, "ben@acme.example", acme.roles.get(), False, by=ada)[0].pk


def test_inviting_again_replaces_the_open_invitation(acme, ada, invited):
    _, token = invited
    dan = make_person("Dan")
    role = Role.objects.create(workspace=acme, name="Sales")
    second, new_token = invitations.invite(acme, "dan@acme.example", role, False, by=ada)
    assert list(invitations.open_invitations(acme)) == [second]
    assert cause_of(token, dan) == "withdrawn"
    assert invitations.accept(new_token, dan).role == role


def test_a_workspace_cannot_be_used_to_send_spam(acme, ada):
    role = acme.roles.get()
    Invitation.objects.bulk_create(
        Invitation(
            workspace=acme,
            email=f"p{number}@acme.example",
            role=role,
            token_digest=str(number),
            expires_at=datetime(2030, 1, 1, tzinfo=UTC),
        )
        for number in range(invitations.MOST_A_DAY)
    )
    with pytest.raises(MembersError) as raised:
        invitations.invite(acme, "dan@acme.example", role, False, by=ada)
    assert raised.value.user_message == "A workspace can send 200 invitations a day. Please go on tomorrow."
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1, seconds=1)):
        invitations.invite(acme, "dan@acme.example", role, False, by=ada)
    assert len(mail.outbox) == 1


def test_a_person_cannot_send_spam_from_many_workspaces(acme, ada):
    for number in range(2):
        workspace = members.create_workspace(f"Shell {number}", ada).workspace
        Invitation.objects.bulk_create(
            Invitation(
                workspace=workspace,
                email=f"p{each}@elsewhere.example",
                role=workspace.roles.get(),
                invited_by=ada,
                token_digest=f"{number}-{each}",
                expires_at=datetime(2030, 1, 1, tzinfo=UTC),
            )
            for each in range(invitations.MOST_A_DAY // 2)
        )
    with pytest.raises(MembersError) as raised:
        invitations.invite(acme, "dan@acme.example", acme.roles.get(), False, by=ada)
    assert raised.value.user_message == "A person can send 200 invitations a day. Please go on tomorrow."
    invitations.invite(acme, "dan@acme.example", acme.roles.get(), False, by=None)
    assert len(mail.outbox) == 1


def test_a_mail_server_that_is_away_leaves_an_invitation_that_can_be_resent(acme, ada, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 1, 2
    with pytest.raises(MembersError) as raised:
        invitations.invite(acme, "dan@acme.example", acme.roles.get(), False, by=ada)
    assert raised.value.user_message.startswith("The invitation is saved, but the e-mail could not be sent.")
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    invitations.resend(invitations.open_invitations(acme).get(), by=ada)
    assert len(mail.outbox) == 1
    assert issubclass(smtplib.SMTPException, OSError)


def test_withdraw_ends_the_link_once(acme, ada, invited):
    invitation, token = invited
    invitations.withdraw(invitation, by=ada)
    assert cause_of(token, make_person("Dan")) == "withdrawn"
    assert acme.audit_entries.latest("pk").action == "invitation.withdrawn"
    for again in (invitations.withdraw, invitations.resend):
        invitation.refresh_from_db()
        with pytest.raises(MembersError) as raised:
            again(invitation, by=ada)
        assert raised.value.user_message == "This invitation is not open any more."


def test_resend_sends_a_new_link_in_place_of_an_expired_one(acme, ada, invited):
    invitation, token = invited
    dan = make_person("Dan")
    with time_machine.travel(datetime.now(UTC) + timedelta(days=8)):
        assert cause_of(token, dan) == "expired"
        _, new_token = invitations.resend(invitation, by=ada)
        assert invitations.accept(new_token, dan).workspace == acme


# --- Accepting: one way in, six ways not -------------------------------------------------------------------


def test_accept_makes_the_invited_person_a_member(acme, ada):
    role = Role.objects.create(workspace=acme, name="Sales")
    _, token = invitations.invite(acme, "Dan@acme.example", role, True, by=ada)
    dan = make_person("Dan")
    membership = members.accept(token, dan)
    assert (membership.workspace, membership.user, membership.role, membership.is_admin) == (acme, dan, role, True)
    assert User.objects.get(pk=dan.pk).last_workspace == acme
    assert acme.audit_entries.latest("pk").action == "member.joined"


def test_another_verified_address_of_the_person_counts(acme, invited):
    dan = make_person("Daniel", "private.example")
    dan.emailaddress_set.create(email="dan@acme.example", verified=True)
    assert invitations.accept(invited[1], dan).workspace == acme


def test_1_wrong_address(acme, invited, cleo):
    assert cause_of(invited[1], cleo) == "other_address"
    assert not acme.memberships.filter(user=cleo).exists()


def test_2_unverified_address(acme, invited):
    dan = make_person("Dan", verified=False)
    assert cause_of(invited[1], dan) == "unverified"
    assert not acme.memberships.filter(user=dan).exists()


def test_3_used(acme, invited):
    dan = make_person("Dan")
    invitations.accept(invited[1], dan)
    members.remove(acme.memberships.get(user=dan), by=None)
    assert cause_of(invited[1], dan) == "used"
    assert not members.live_memberships(acme).filter(user=dan).exists()


def test_4_expired(acme, invited):
    dan = make_person("Dan")
    with time_machine.travel(invited[0].expires_at, tick=False):
        assert cause_of(invited[1], dan) == "expired"
    assert not acme.memberships.filter(user=dan).exists()


def test_5_withdrawn(acme, ada, invited):
    invitations.withdraw(invited[0], by=ada)
    dan = make_person("Dan")
    assert cause_of(invited[1], dan) == "withdrawn"
    assert not acme.memberships.filter(user=dan).exists()


def test_6_unknown(acme, invited):
    dan = make_person("Dan")
    for token in ("", invited[1][:-1], invited[1] + "x", invited[1].swapcase(), invited[0].token_digest):
        assert cause_of(token, dan) == "unknown"
    assert not acme.memberships.filter(user=dan).exists()


@pytest.mark.django_db(transaction=True)
def test_a_link_that_is_used_twice_at_once_counts_once():
    ada = make_person("Ada")
    acme = members.create_workspace("Acme", ada).workspace
    _, token = invitations.invite(acme, "dan@acme.example", acme.roles.get(), False, by=ada)
    dan = make_person("Dan")
    barrier = threading.Barrier(2, timeout=30)
    ends = []

    def accept():
        try:
            barrier.wait()
            invitations.accept(token, User.objects.get(pk=dan.pk))
            ends.append("joined")
        except InvitationError as error:
            ends.append(error.cause)
        finally:
            connection.close()

    threads = [threading.Thread(target=accept) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["joined", "used"]
    assert acme.audit_entries.filter(action="member.joined").count() == 1


def test_invitations_for_lists_what_the_person_can_accept_now(acme, ada, globex, cleo, invited):
    dan = make_person("Dan")
    dan.emailaddress_set.create(email="dan@unverified.example", verified=False)
    invitations.invite(globex, "dan@unverified.example", globex.roles.get(), False, by=cleo)
    expired, _ = invitations.invite(globex, "dan@acme.example", globex.roles.get(), False, by=cleo)
    Invitation.objects.filter(pk=expired.pk).update(expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert list(invitations.invitations_for(dan)) == [invited[0]]
    invitations.accept(invited[1], dan)
    assert list(invitations.invitations_for(dan)) == []


# --- The page ----------------------------------------------------------------------------------------------


def test_page_explains_to_an_anonymous_person_and_leads_to_the_ways_in(invited):
    path = f"/invitations/{invited[1]}/"
    for answer in (Client().get(path), Client().post(path)):
        page = answer.content.decode()
        assert answer.status_code == 200
        assert "Join Acme" in page
        assert "Ada invites you" in page
        query = f"?next=%2Finvitations%2F{invited[1]}%2F&amp;email=dan%40acme.example"
        assert f'href="/account/signup/{query}"' in page
        assert f'href="/account/login/{query}"' in page
    sign_up = Client().get("/account/signup/", {"next": path, "email": "dan@acme.example"}).content.decode()
    assert 'value="dan@acme.example"' in sign_up
    assert Invitation.objects.get().accepted_at is None


def test_page_lets_the_invited_person_join(acme, invited):
    dan = make_person("Dan")
    browser = log_in(dan)
    path = f"/invitations/{invited[1]}/"
    page = browser.get(path).content.decode()
    assert "Join Acme</button>" in page
    assert not acme.memberships.filter(user=dan).exists()
    assert browser.post(path)["Location"] == "/w/acme/activity-log/"
    assert members.find_member(acme, "dan@acme.example").user == dan
    assert browser.get(path)["Location"] == "/w/acme/activity-log/"


def test_page_says_what_is_wrong(acme, ada, invited, cleo):
    invitation, token = invited
    path = f"/invitations/{token}/"

    def say(browser, status, sentence):
        for answer in (browser.get(path), browser.post(path)):
            assert (answer.status_code, sentence in answer.content.decode()) == (status, True)

    say(log_in(cleo), 403, "This invitation is for dan@acme.example, but you are logged in as cleo@globex.example.")
    say(log_in(make_person("Dan", verified=False)), 403, "Please confirm dan@acme.example first:")
    with time_machine.travel(invitation.expires_at + timedelta(seconds=1)):
        say(Client(), 410, "This invitation to Acme has expired. Please ask for a new one: it takes one click.")
    invitations.withdraw(invitation, by=ada)
    say(Client(), 410, "This invitation to Acme was withdrawn or replaced by a newer one.")
    Invitation.objects.update(withdrawn_at=None, accepted_at=datetime.now(UTC))
    say(Client(), 410, "This invitation to Acme was used already. If that was you, log in.")
    path = f"/invitations/{token[:-1]}/"
    say(Client(), 404, "This invitation link is not complete. Please open it from the e-mail again.")
    assert acme.memberships.count() == 1


def test_an_ended_invitation_names_nobody(ada, invited):
    invitations.withdraw(invited[0], by=ada)
    page = Client().get(f"/invitations/{invited[1]}/").content.decode()
    assert "dan@acme.example" not in page
    assert "ada@acme.example" not in page


def test_accept_without_the_link_from_the_start_page(acme, invited, cleo):
    dan = make_person("Dan")
    browser = log_in(dan)
    path = f"/invitations/{invited[0].uuid}/accept/"
    assert log_in(cleo).post(path).status_code == 404
    assert "Join Acme</button>" in browser.get("/workspaces/new/").content.decode()
    assert browser.post(path)["Location"] == "/w/acme/activity-log/"
    assert browser.post(path).status_code == 404
    assert acme.memberships.filter(user=dan, left_at=None).count() == 1
