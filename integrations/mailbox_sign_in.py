"""The trip to a mail provider's log-in page and back, up to the connected mailbox.

Who signs in there must be whose mailbox it is to be; a grant that opens no mailbox is revoked.
"""

from collections.abc import Mapping

from django.utils import timezone

from integrations import mailbox_grants, mailboxes, trips
from integrations.mailbox import hosts, oauth
from integrations.mailbox.errors import MailboxError, SignInFailed, SignInUnavailable
from integrations.mailbox.oauth import SignInProvider, Tokens
from integrations.mailbox_log_ins import LogIn
from integrations.mailbox_providers import callback_url, sign_in_provider
from integrations.mailbox_tokens import Token, open_sealed
from integrations.models import Mailbox, MailboxAuth, MailboxGrant, MailboxSignIn
from integrations.salesforce.oauth import challenge_of, new_pkce
from integrations.secrets import Secret, context_of, seal
from workspaces.ids import uuid7
from workspaces.models import User, Workspace

NOT_OFFERED = "Signing in there is not set up on this Touchline. Use an app password, or tell whoever runs Touchline."


class NotConnected(Exception):
    """A trip that led to no mailbox. `str()` is for people and may hold an address; `trip` is its row."""

    def __init__(self, trip: MailboxSignIn, error: MailboxError) -> None:
        said = f" The provider said: {error.server_text}" if error.server_text else ""
        super().__init__(error.user_message + said)
        self.trip = trip


def begin(
    user: User, workspace: Workspace, session_key: str, auth: MailboxAuth, address: str, aliases: tuple[str, ...] = ()
) -> MailboxSignIn:
    """Open a trip for the mailbox `address` (lower case); an earlier one of the same person ends.

    Raises SignInUnavailable where the operator has not registered Touchline at the provider.
    """
    if sign_in_provider(auth) is None:
        raise SignInUnavailable(NOT_OFFERED)
    trip = MailboxSignIn(
        uuid=uuid7(),
        user=user,
        workspace=workspace,
        session_digest=trips.digest(session_key),
        provider=auth,
        address=address,
        aliases=list(aliases),
        expires_at=timezone.now() + trips.LIFETIME,
    )
    trip.state_digest = trips.digest(_state_of(trip, session_key))
    trip.verifier_sealed = seal(new_pkce().verifier, context_of(trip, "verifier_sealed"))
    _end(workspace.mailbox_sign_ins.filter(user=user, ended_at=None), "superseded")
    trip.save()
    return trip


def authorize_url_of(trip: MailboxSignIn, session_key: str) -> str:
    """The provider's address for a trip that has not been used; only for the browser session that began it."""
    provider = _provider(trip)
    return oauth.authorize_url(
        provider,
        callback_url(MailboxAuth(trip.provider)),
        _state_of(trip, session_key),
        challenge_of(_verifier(trip)),
        trip.address,
    )


def _state_of(trip: MailboxSignIn, session_key: str) -> str:
    bound = (trip.uuid, trip.user_id, trip.workspace_id, trip.provider, trip.address, session_key)
    return trips.state_of("mailbox_sign_in", bound)


def complete(auth: MailboxAuth, params: Mapping[str, str], user: User, session_key: str) -> Mailbox:
    """Take a callback: claim its state, turn the code into a grant, and connect the mailbox with it.

    Raises TripUnknown, TripUsed, TripExpired (trips.py) before anything is asked of the provider, else NotConnected;
    then nothing is connected, and a grant that was given is revoked.
    """
    rows = MailboxSignIn.objects.select_related("workspace", "user").filter(provider=auth)
    state = params.get("state", "")
    trip = trips.claim(rows, state, user, session_key, lambda row: _state_of(row, session_key))
    try:
        mailbox = _connect(trip, params)
    except MailboxError as error:
        _end(MailboxSignIn.objects.filter(pk=trip.pk), error.cause)
        raise NotConnected(trip, error) from None
    _end(MailboxSignIn.objects.filter(pk=trip.pk), "")
    return mailbox


def expire() -> int:
    """End trips whose time is over; returns how many."""
    return _end(MailboxSignIn.objects.filter(ended_at=None, expires_at__lte=timezone.now()), "expired")


def end_open(why: str) -> int:
    """End every trip that is under way; returns how many."""
    return _end(MailboxSignIn.objects.filter(ended_at=None), why)


def _end(rows: "MailboxSignIn.objects", why: str) -> int:
    return rows.update(ended_at=timezone.now(), verifier_sealed="", error=why)


def _provider(trip: MailboxSignIn) -> SignInProvider:
    provider = sign_in_provider(MailboxAuth(trip.provider))
    if provider is None:
        raise SignInUnavailable(NOT_OFFERED)
    return provider


def _verifier(trip: MailboxSignIn) -> str:
    return open_sealed(trip, "verifier_sealed").reveal()


def _connect(trip: MailboxSignIn, params: Mapping[str, str]) -> Mailbox:
    provider = _provider(trip)
    membership = trip.workspace.memberships.filter(user=trip.user_id, left_at=None).first()
    if membership is None:
        raise SignInFailed("You are no member of that workspace any more. Nothing was connected.")
    if params.get("error") == "access_denied":
        raise SignInFailed(f"You did not let Touchline in at {provider.name}. Nothing was connected.")
    if params.get("error") or not params.get("code"):
        raise SignInFailed(
            f"{provider.name} did not sign you in. Nothing was connected.", params.get("error_description", "")
        )
    auth = MailboxAuth(trip.provider)
    tokens = oauth.exchange_code(provider, callback_url(auth), params["code"], _verifier(trip))
    grant = mailbox_grants.keep_for_now(trip.workspace, auth, tokens)
    try:
        _check(trip, tokens, provider)
        return mailboxes.connect(membership, _log_in(trip, grant, tokens, provider), grant)
    except MailboxError:
        mailbox_grants.end(grant)
        raise


def _check(trip: MailboxSignIn, tokens: Tokens, provider: SignInProvider) -> None:
    """The right person, and access that lasts."""
    if trip.address not in tokens.addresses:
        raise SignInFailed(
            f"You signed in at {provider.name} as {tokens.addresses[0]}, but the mailbox is {trip.address}. Nothing "
            "was connected. Sign in with the account of the mailbox, or enter the other address."
        )
    if not tokens.refresh_token:
        raise SignInFailed(f"{provider.name} gave access for an hour only. Nothing was connected. Try again.")


def _log_in(trip: MailboxSignIn, grant: MailboxGrant, tokens: Tokens, provider: SignInProvider) -> LogIn:
    host, _, port = provider.host.partition(":")
    return LogIn(
        address=trip.address,
        host=host,
        port=int(port or hosts.IMAPS_PORT),
        user_name=trip.address,
        aliases=tuple(trip.aliases),
        auth=MailboxAuth(trip.provider),
        token=Token(grant.version, Secret(tokens.access_token), tokens.expires_at),
    )
