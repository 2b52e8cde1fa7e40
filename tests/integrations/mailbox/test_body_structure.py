"""Which mails have a calendar in them: asked of a real server, and of ones whose answers cannot be read."""

from pathlib import Path

from integrations.mailbox.imap import Imap
from tests.activity.mail_watch.test_meetings import mail
from tests.integrations.calendar.invitations import BEN, NORA, calendar, event
from tests.integrations.mailbox.bombs import nested, parts
from tests.integrations.mailbox.test_imap import bad_server, logged_in, say
from tests.mailbox_fixtures import Dovecot, letter, needs_dovecot

LOGGED_IN = b"TAG OK done\r\n"
OPENED = b"* 2 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\n* OK [UIDNEXT 3] x\r\nTAG OK [READ-ONLY] done\r\n"
GOOD = b'* 2 FETCH (UID 2 BODYSTRUCTURE ("TEXT" "calendar" ("METHOD" "REPLY") NIL NIL "7BIT" 9 1))\r\nTAG OK done\r\n'
BROKEN = b'* 1 FETCH (UID 1 BODYSTRUCTURE (("TEXT" "CALENDAR" NIL\r\nTAG OK done\r\n'


@needs_dovecot
def test_calendars_are_found_wherever_they_stand(dovecot_server: Dovecot) -> None:
    alone = b"From: a@b.example\r\nContent-Type: Text/Calendar; method=REPLY\r\n\r\nBEGIN:VCALENDAR\r\n"
    named = letter(3, text="Content-Type: text/calendar")
    invitation = mail(1, BEN, NORA, calendar("REQUEST", event()))
    inside = b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n" + invitation
    mails = (letter(1), invitation, alone, named, inside, nested(60), parts(300), b"\r\n")
    dovecot_server.put("structure", "INBOX", *mails)
    with logged_in(dovecot_server, "structure") as imap:
        imap.open("INBOX")

        assert imap.find_calendars(imap.uids_from(1)) == {2, 3, 5}
        assert imap.find_calendars([]) == imap.find_calendars([99]) == frozenset()


def test_a_structure_that_cannot_be_read_is_no_other_mails_trouble(tmp_path: Path) -> None:
    with bad_server(tmp_path, say(LOGGED_IN, OPENED, BROKEN, BROKEN, GOOD)) as where:
        imap = Imap(where)
        imap.log_in("ben", "secret")
        imap.open("INBOX")
        found = imap.find_calendars([1, 2])
        imap.break_off()
        imap.close()

    assert found == {2}
