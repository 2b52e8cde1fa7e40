"""Where the calendars of an address are: guessed from its domain, for the form that people fill in."""

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Provider:
    """A calendar provider. `hint` says what is wanted, `help_url` where to make it.

    `offers_caldav` False: its calendars cannot be read with a user name and a password, whatever one enters.
    """

    key: str
    name: str
    url: str
    hint: str = ""
    help_url: str = ""
    offers_caldav: bool = True


ICLOUD = Provider(
    "icloud",
    "iCloud",
    "https://caldav.icloud.com/",
    "Apple wants an app-specific password, and your Apple Account's address as user name.",
    "https://account.apple.com/account/manage",
)
FASTMAIL = Provider(
    "fastmail",
    "Fastmail",
    "https://caldav.fastmail.com/",
    "Fastmail wants an app password: Settings, Privacy & Security, Manage app passwords.",
    "https://app.fastmail.com/settings/security/apps",
)
YAHOO = Provider(
    "yahoo",
    "Yahoo",
    "https://caldav.calendar.yahoo.com/",
    "Yahoo wants an app password: Account security, Generate app password.",
    "https://login.yahoo.com/account/security",
)
GOOGLE = Provider(
    "google",
    "Google Calendar",
    "",
    "Google Calendar cannot be read with a password. Your meetings come from the invitations and answers in your "
    "mailbox instead: connect that, and there is nothing more to do.",
    offers_caldav=False,
)
MICROSOFT = Provider(
    "microsoft",
    "Microsoft 365",
    "",
    "Microsoft's calendars cannot be read this way. Your meetings come from the invitations and answers in your "
    "mailbox instead: connect that, and there is nothing more to do.",
    offers_caldav=False,
)
OTHER = Provider(
    "other",
    "Nextcloud and others",
    "",
    "The address is shown in the calendar's settings; Nextcloud's ends in /remote.php/dav. If your account has "
    "two-factor log-in, make an app password there.",
)
PROVIDERS = {each.key: each for each in (ICLOUD, FASTMAIL, YAHOO, GOOGLE, MICROSOFT, OTHER)}
_DOMAINS = {
    "icloud.com": ICLOUD,
    "me.com": ICLOUD,
    "mac.com": ICLOUD,
    "fastmail.com": FASTMAIL,
    "fastmail.fm": FASTMAIL,
    "yahoo.com": YAHOO,
    "ymail.com": YAHOO,
    "gmail.com": GOOGLE,
    "googlemail.com": GOOGLE,
    "google.com": GOOGLE,
    "googleusercontent.com": GOOGLE,
    "outlook.com": MICROSOFT,
    "hotmail.com": MICROSOFT,
    "live.com": MICROSOFT,
    "msn.com": MICROSOFT,
    "office365.com": MICROSOFT,
    "office.com": MICROSOFT,
}


def guess(address: str) -> Provider:
    """The provider of an e-mail address; for an unknown domain OTHER at that domain, where RFC 6764 looks first."""
    domain = address.partition("@")[2].strip().lower()
    if found := _find(domain):
        return found
    return Provider(OTHER.key, OTHER.name, f"https://{domain}/" if domain else "", OTHER.hint)


def provider_of(url: str) -> Provider:
    """The provider of a server's URL."""
    return _find((urlsplit(url).hostname or "").lower()) or OTHER


def _find(host: str) -> Provider | None:
    if host.startswith("yahoo."):
        return YAHOO
    if host.startswith(("hotmail.", "outlook.", "live.")):
        return MICROSOFT
    parts = host.split(".")
    return _DOMAINS.get(".".join(parts[-2:]))
