"""Whose text is needed: decided by headers alone."""

from collections.abc import Collection, Sequence

from django.utils import timezone

from activity.models import BodyChoice, Kind, SyncState
from activity.pipeline import match
from activity.pipeline.captured import Captured
from activity.pipeline.exclude import in_domains
from activity.pipeline.plan import Circumstances, plan
from activity.pipeline.standing import standings_of
from activity.settings import settings_for
from activity.sources.mailbox.letters import Owner
from integrations.budget import Purpose, may_call
from integrations.connections import live_org, sync_client
from integrations.mailbox.mime import ParsedMail
from integrations.salesforce.errors import SalesforceError
from workspaces.free_mail import is_free_mail
from workspaces.members import find_members


def find_wanted(owner: Owner, items: Sequence[Captured]) -> frozenset[str]:
    """The source ids of the items whose text is needed: they may be logged, and the role wants texts."""
    if settings_for(owner.membership).body == BodyChoice.NONE:
        return frozenset()
    return find_loggable(owner, items)


def find_loggable(owner: Owner, items: Sequence[Captured]) -> frozenset[str]:
    """The source ids of the items that may be logged: not excluded, not switched off, and with somebody who is in
    Salesforce or of whom that is not known. May ask Salesforce, in one batch.
    """
    waiting = _waiting_addresses(owner, items)
    addresses = {address for found in waiting.values() for address in found}
    known = _find_people(owner, addresses)
    return frozenset(
        source_id
        for source_id, found in waiting.items()
        if any(address not in known or known[address].candidates for address in found)
    )


def _waiting_addresses(owner: Owner, items: Sequence[Captured]) -> dict[str, list[str]]:
    """For each item that would be logged, the addresses for which it would be."""
    settings = settings_for(owner.membership)
    standing = standings_of(owner.workspace, [owner.membership])[owner.membership.pk]
    mails = [(item, item.message) for item in items if item.message]
    colleagues = find_members(
        owner.workspace, {person.email for _, mail in mails for person in (mail.sender, *mail.recipients)}
    )
    domains = frozenset(domain.lower() for domain in owner.workspace.own_domains)
    waiting = {}
    for item, mail in mails:
        around = Circumstances(
            settings=settings,
            standing=standing,
            is_internal=lambda address: address in colleagues or in_domains(address, domains),
            recipients=tuple(person.email for person in mail.recipients),
            subject=mail.subject,
        )
        jobs = [job for job in plan(item, around).jobs if job.state in (SyncState.WAITING, SyncState.HELD)]
        if jobs:
            waiting[item.source_id] = [job.recipient for job in jobs]
    return waiting


def _find_people(owner: Owner, addresses: Collection[str]) -> dict[str, match.Known]:
    """What is known of the addresses, Salesforce being asked for the others where that is possible."""
    now = timezone.now()
    known = match.find_known(owner.workspace, addresses, now)
    unknown = [address for address in addresses if address not in known]
    org = live_org(owner.workspace) if unknown else None
    if org is None or not may_call(org, Purpose.READ).allowed:
        return known
    try:
        client = sync_client(owner.workspace)
        return known | match.find_people(owner.workspace, unknown, client, now) if client else known
    except SalesforceError:
        return known  # whoever is not known may be logged


def looks_personal(item: Captured, mail: ParsedMail) -> bool:
    """Whether a mail is marked as personal, or everybody in it but its owner writes from a provider for everybody."""
    if mail.sensitivity in ("personal", "private"):
        return True
    own = {item.user, item.message.sender.email if item.message and item.kind == Kind.SENT else ""}
    everybody = {each[0].lower() for each in (mail.sender, *mail.to, *mail.cc, *mail.bcc)}
    domains = {address.rpartition("@")[2] for address in everybody - own}
    return bool(domains) and all(is_free_mail(domain) for domain in domains)
