"""The trip to Salesforce's login page and back, up to the confirm page. Nothing is active after it.

The state row is bound to person, session, workspace and issuer, lives ten minutes and is used once; of the state only
the digest is kept. Each issuer has a callback of its own, and the token endpoint comes from the row, never from the
callback (RFC 9700 §4.4, mix-up). A grant that is not kept is revoked at once.
"""

from collections.abc import Mapping

from django.conf import settings
from django.utils import timezone

from integrations import budget, client_app, gates, preflight, secrets, trips, unkept
from integrations import connect_errors as problems
from integrations.connect_errors import ConnectError, UsedBefore
from integrations.connections import connection_of
from integrations.models import (
    Connection,
    Intent,
    Issuer,
    PendingGrant,
)
from integrations.needs import For
from integrations.salesforce import oauth
from integrations.salesforce.client import SalesforceClient
from integrations.salesforce.errors import HostNotAllowed, SalesforceError, UnexpectedAnswer, error_from
from integrations.salesforce.http import SalesforceSession
from integrations.salesforce.organization import Organization
from integrations.secrets import Secret, context_of, seal
from workspaces.ids import uuid7
from workspaces.models import Membership, User, Workspace

# --- Leaving ----------------------------------------------------------------------------------------------


def begin(
    request_user: User,
    workspace: Workspace,
    session_key: str,
    intent: Intent,
    issuer: Issuer,
    my_domain: str | None = None,
) -> tuple[PendingGrant, str]:
    """Open a trip and return its row and Salesforce's address for the browser.

    my_domain: what the person typed, for the issuer CUSTOM. An earlier trip of the same person for the same intent
    ends. Raises ConnectError when the workspace does not allow it or the address is none of Salesforce's.
    """
    gates.check_allowed(gates.require_membership(workspace, request_user), intent)
    try:
        login_url = client_app.login_url_of(issuer, my_domain)
    except HostNotAllowed as error:
        raise ConnectError(problems.my_domain_wrong(error.user_message)) from None
    pending = PendingGrant(
        uuid=uuid7(),
        user=request_user,
        workspace=workspace,
        session_digest=trips.digest(session_key),
        intent=intent,
        issuer=issuer,
        login_url=login_url,
        expires_at=timezone.now() + trips.LIFETIME,
    )
    pending.state_digest = trips.digest(_state_of(pending, session_key))
    pending.verifier_sealed = seal(oauth.new_pkce().verifier, context_of(pending, "verifier_sealed"))
    for earlier in workspace.pending_grants.filter(user=request_user, intent=intent, ended_at=None):
        unkept.end(earlier, "superseded")
    pending.save()
    return pending, authorize_url_of(pending, session_key)


def authorize_url_of(pending: PendingGrant, session_key: str) -> str:
    """Salesforce's address for a trip that has not been used; only for the browser session that began it."""
    verifier = _verifier(pending)
    known = _known_connection(pending)
    return oauth.authorize_url(
        pending.login_url,
        client_app.external_client_app(),
        client_app.callback_url(Issuer(pending.issuer)),
        _state_of(pending, session_key),
        oauth.challenge_of(verifier.reveal()),
        # A browser that is signed in to Salesforce already would connect that user, right or wrong.
        prompt="login select_account" if known or pending.intent != Intent.MEMBER else None,
        login_hint=known.salesforce_user.username if known else None,
    )


def _verifier(pending: PendingGrant) -> Secret:
    """Raises ConnectError where the key that sealed it is not there any more: the trip is to be begun anew."""
    try:
        return secrets.open(pending.verifier_sealed, context_of(pending, "verifier_sealed"))
    except secrets.SecretsError:
        raise ConnectError(problems.ENDED, pending) from None


def _state_of(pending: PendingGrant, session_key: str) -> str:
    bound = (pending.uuid, pending.user_id, pending.workspace_id, pending.issuer, pending.intent, session_key)
    return trips.state_of("sign_in", bound)


def _known_connection(pending: PendingGrant) -> Connection | None:
    if pending.intent != Intent.MEMBER:
        return None
    membership = Membership.objects.filter(workspace=pending.workspace_id, user=pending.user_id).first()
    return connection_of(membership) if membership else None


# --- Coming back ------------------------------------------------------------------------------------------


def complete(issuer: Issuer, params: Mapping[str, str], user: User, session_key: str) -> PendingGrant:
    """Take a callback: claim its state, turn the code into a grant, and find out who signed in where.

    Returns the row for the confirm page. Raises UsedBefore for a callback that came before, else ConnectError; then
    nothing is kept and, where there was a grant, it is revoked.
    """
    pending = _claim(issuer, params.get("state", ""), user, session_key)
    try:
        gates.check_allowed(gates.require_membership(pending.workspace, user), Intent(pending.intent))
        return _receive(pending, params)
    except SalesforceError as error:
        failure = problems.from_salesforce(error)
    except ConnectError as error:
        failure = error
    unkept.end(pending, failure.problem.code, failure.problem)
    failure.pending = pending
    raise failure


def _claim(issuer: Issuer, state: str, user: User, session_key: str) -> PendingGrant:
    """Use up the state; only one request wins it. Not of this trip in every point, it is not even used up."""
    rows = PendingGrant.objects.select_related("workspace", "user").filter(issuer=issuer)
    try:
        return trips.claim(rows, state, user, session_key, lambda row: _state_of(row, session_key))
    except trips.TripUnknown:
        raise ConnectError(problems.STATE_UNKNOWN) from None
    except trips.TripExpired as error:
        raise ConnectError(problems.STATE_EXPIRED, error.trip) from None
    except trips.TripUsed as error:
        raise UsedBefore(problems.USED_BEFORE, error.trip) from None


def _receive(pending: PendingGrant, params: Mapping[str, str]) -> PendingGrant:
    if params.get("error"):
        # Salesforce's help writes access-denied in one place and access_denied in another.
        code = params["error"].replace("access-denied", "access_denied")
        raise error_from(code, params.get("error_description", ""), source="oauth")
    if not params.get("code"):
        raise ConnectError(problems.CODE_MISSING)
    verifier = _verifier(pending)
    with client_app.open_token_session() as session:
        grant = oauth.exchange_code(
            session,
            pending.login_url,
            client_app.external_client_app(),
            client_app.callback_url(Issuer(pending.issuer)),
            params["code"],
            verifier.reveal(),
            on_unverified=lambda token: _keep_to_revoke(pending, token),
        )
        _keep_for_now(pending, grant)
    with client_app.open_session(lambda usage: budget.record_usage(grant.org_id, usage)) as session:
        _find_out(pending, grant, session)
    return pending


def _keep_for_now(pending: PendingGrant, grant: oauth.Grant) -> None:
    """Seal the tokens into the row at once, so that they can be revoked whatever happens next."""
    pending.access_token_sealed = seal(grant.access_token, context_of(pending, "access_token_sealed"))
    if grant.refresh_token:
        pending.refresh_token_sealed = seal(grant.refresh_token, context_of(pending, "refresh_token_sealed"))
    pending.verifier_sealed = ""
    pending.save(update_fields=["access_token_sealed", "refresh_token_sealed", "verifier_sealed"])
    if not grant.refresh_token:
        raise ConnectError(problems.NO_REFRESH_TOKEN)
    if not grant.allows_api:
        raise ConnectError(problems.NO_API_SCOPE)


def _keep_to_revoke(pending: PendingGrant, token: str) -> None:
    """A token of an answer that does not verify: it is never used, only revoked where it came from, with the trip."""
    pending.refresh_token_sealed = seal(token, context_of(pending, "refresh_token_sealed"))
    pending.save(update_fields=["refresh_token_sealed"])


def _find_out(pending: PendingGrant, grant: oauth.Grant, session: SalesforceSession) -> None:
    """Ask who signed in to which org, refuse what may not be, and look at the permissions."""
    client = SalesforceClient(
        grant.instance_url, grant.access_token, session, settings.SALESFORCE_API_VERSION, grant.org_id
    )
    if settings.SALESFORCE_API_VERSION not in client.versions():
        raise ConnectError(problems.api_version_missing(settings.SALESFORCE_API_VERSION))
    identity = oauth.fetch_identity(session, grant.instance_url, grant.access_token)
    if (identity.org_id, identity.user_id) != (grant.org_id, grant.user_id):
        raise UnexpectedAnswer("identity_mismatch")
    organization = client.organization()
    pending.grant = _facts(grant, identity, organization)
    gates.check_org(pending)
    gates.check_holder(pending)
    uses = {For.MEMBER} if pending.intent == Intent.MEMBER else {For.SYNC_USER}
    try:
        pending.preflight = preflight.to_json(preflight.check(client, frozenset(uses)))
    except SalesforceError:
        pending.preflight = []  # the page says that it could not be checked; the daily check follows
    pending.save(update_fields=["grant", "preflight"])


def _facts(grant: oauth.Grant, identity: oauth.Identity, organization: Organization) -> dict[str, object]:
    return {
        "org_id": grant.org_id,
        "org_name": organization.name,
        "edition": organization.edition,
        "is_sandbox": organization.is_sandbox,
        "web_url": identity.web_url,
        "user_id": grant.user_id,
        "username": identity.username,
        "name": identity.name,
        "email": identity.email,
        "time_zone": identity.time_zone,
        "instance_url": grant.instance_url,
        "scopes": " ".join(sorted(grant.scopes)) or oauth.SCOPES,
    }
