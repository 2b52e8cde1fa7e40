"""Fetches the texts that are wanted of mail that was read before, through a connection of its own."""

from activity.mail_watch.reading import Means
from activity.sources.mailbox import texts
from activity.sources.mailbox.texts import Wanted
from integrations.mailbox.errors import FolderMissing
from integrations.mailbox.imap import Imap
from integrations.mailbox.limits import Unreadable


def fetch_late_texts(means: Means, imap: Imap, mailbox_id: int) -> None:
    """Bring every text that is wanted of the mailbox. Raises MailboxError."""
    folder, uidvalidity = "", 0
    for wanted in means.writing.ask(texts.wanted_of, mailbox_id):
        if wanted.folder != folder:
            folder, uidvalidity = wanted.folder, _open(imap, wanted.folder)
        text, was_cut = _read(means, imap, wanted) if wanted.uidvalidity == uidvalidity else ("", False)
        means.writing.ask(texts.bring, wanted, text, was_cut)


def _open(imap: Imap, folder: str) -> int:
    """The validity of the folder's uids; 0 where it is gone."""
    try:
        return imap.open(folder).uidvalidity
    except FolderMissing:
        return 0


def _read(means: Means, imap: Imap, wanted: Wanted) -> tuple[str, bool]:
    piece = imap.fetch_start(wanted.uid)
    if piece is None:
        return "", False
    try:
        mail = means.parser.message(piece.data)
    except Unreadable:
        return "", False
    return mail.text, mail.text_was_cut
