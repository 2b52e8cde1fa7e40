"""Who a token belongs to: userinfo and the identity URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .moments import parse_moment

if TYPE_CHECKING:
    from .oauth import Grant
    from .server import StandIn


def user_info(stand_in: StandIn, grant: Grant) -> dict[str, object]:
    """The answer of userinfo."""
    org, user = grant.org, grant.org.row(grant.user_id)
    return {
        "sub": stand_in.oauth.identity_url(grant),
        "user_id": user["Id"],
        "organization_id": org.id,
        "preferred_username": user["Username"],
        "nickname": user["Alias"],
        "name": user["Name"],
        "email": user["Email"],
        "email_verified": True,
        "given_name": user.get("FirstName"),
        "family_name": user["LastName"],
        "zoneinfo": user["TimeZoneSidKey"],
        "address": {},
        "is_salesforce_integration_user": False,
        "urls": list_urls(stand_in, grant),
        "active": user["IsActive"],
        "user_type": "STANDARD",
        "language": user["LanguageLocaleKey"],
        "locale": user["LocaleSidKey"],
        "utcOffset": 0,
        "updated_at": parse_moment(user["LastModifiedDate"]).isoformat(),
    }


def identity(stand_in: StandIn, grant: Grant) -> dict[str, object]:
    """The answer of the identity URL."""
    org, user = grant.org, grant.org.row(grant.user_id)
    return {
        "id": stand_in.oauth.identity_url(grant),
        "asserted_user": True,
        "user_id": user["Id"],
        "organization_id": org.id,
        "username": user["Username"],
        "nick_name": user["Alias"],
        "display_name": user["Name"],
        "email": user["Email"],
        "email_verified": True,
        "first_name": user.get("FirstName"),
        "last_name": user["LastName"],
        "timezone": user["TimeZoneSidKey"],
        "is_lightning_login_user": False,
        "urls": list_urls(stand_in, grant),
        "active": user["IsActive"],
        "user_type": "STANDARD",
        "language": user["LanguageLocaleKey"],
        "locale": user["LocaleSidKey"],
        "utcOffset": 0,
        "last_modified_date": user["LastModifiedDate"],
    }


def list_urls(stand_in: StandIn, grant: Grant) -> dict[str, str]:
    """Where things are; `{version}` stays as it is."""
    base = stand_in.instance_url_of(grant.org)
    data = base + "/services/data/v{version}/"
    return {
        "enterprise": f"{base}/services/Soap/c/{{version}}/{grant.org.id[:15]}",
        "metadata": f"{base}/services/Soap/m/{{version}}/{grant.org.id[:15]}",
        "partner": f"{base}/services/Soap/u/{{version}}/{grant.org.id[:15]}",
        "rest": data,
        "sobjects": data + "sobjects/",
        "search": data + "search/",
        "query": data + "query/",
        "recent": data + "recent/",
        "profile": f"{base}/{grant.user_id}",
        "custom_domain": stand_in.web_url,
    }
