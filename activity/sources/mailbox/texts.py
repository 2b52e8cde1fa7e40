"""Texts that the pipeline wants of mail that was read before."""

from dataclasses import dataclass

from activity.models import WantedText
from activity.pipeline import late_texts
from integrations.models import Mailbox, MailboxFolder, MailboxState


@dataclass(frozen=True, slots=True)
class Wanted:
    """A mail whose text is wanted, and where it was: the folder's name, the validity of its uids, its uid."""

    wanted_id: int
    folder: str
    uidvalidity: int
    uid: int


def mailboxes_with_wanted(holder: str) -> list[int]:
    """The mailboxes that the holder watches and of which texts are wanted."""
    rows = Mailbox.objects.filter(
        lease_holder=holder, state=MailboxState.CONNECTED, membership__wanted_texts__isnull=False
    )
    return list(rows.distinct().values_list("pk", flat=True))


def wanted_of(mailbox_id: int) -> list[Wanted]:
    """What is wanted of a mailbox, folder by folder. What was in a folder that is not read any more is given up."""
    wanted = WantedText.objects.filter(owner__mailboxes=mailbox_id)
    folders = dict(MailboxFolder.objects.filter(mailbox=mailbox_id).values_list("pk", "name"))
    found = []
    for pk, source_id in wanted.order_by("pk").values_list("pk", "source_id"):
        folder_id, uidvalidity, uid = (int(part) for part in source_id.split("-")[:3])
        if folder_id in folders:
            found.append(Wanted(pk, folders[folder_id], uidvalidity, uid))
        else:
            late_texts.bring(pk, "", False)
    return sorted(found, key=lambda each: each.folder)


def bring(wanted: Wanted, text: str = "", text_was_cut: bool = False) -> None:
    """Hand over what was found: nothing where the mail is gone or cannot be read."""
    late_texts.bring(wanted.wanted_id, text, text_was_cut)
