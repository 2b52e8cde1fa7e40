"""Where the mailboxes of an address are: guessed from its domain, for the form that people fill in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Provider:
    """A mail provider. `hint` says which password is wanted, `help_url` where to make it; `sign_in`: the keys of the
    providers of OAuth that may be behind it.
    """

    key: str
    name: str
    host: str
    hint: str = ""
    help_url: str = ""
    sign_in: tuple[str, ...] = ()


GMAIL = Provider(
    "gmail",
    "Gmail",
    "imap.gmail.com",
    "Google wants an app password (16 letters), not your usual one. It needs 2-Step Verification.",
    "https://myaccount.google.com/apppasswords",
    ("google",),
)
MICROSOFT = Provider(
    "microsoft",
    "Microsoft 365",
    "outlook.office365.com",
    "Most Microsoft accounts take no password over IMAP. If yours does, it is an app password. Otherwise whoever "
    "runs Touchline can set up that people sign in at Microsoft.",
    "https://support.microsoft.com/office/pop-imap-and-smtp-settings-for-outlook-com",
    ("microsoft",),
)
FASTMAIL = Provider(
    "fastmail",
    "Fastmail",
    "imap.fastmail.com",
    "Fastmail wants an app password: Settings, Privacy & Security, Manage app passwords.",
    "https://app.fastmail.com/settings/security/apps",
)
ICLOUD = Provider(
    "icloud",
    "iCloud",
    "imap.mail.me.com",
    "Apple wants an app-specific password.",
    "https://account.apple.com/account/manage",
)
YAHOO = Provider(
    "yahoo",
    "Yahoo",
    "imap.mail.yahoo.com",
    "Yahoo wants an app password: Account security, Generate app password.",
    "https://login.yahoo.com/account/security",
)
_DOMAINS = {
    "gmail.com": GMAIL,
    "googlemail.com": GMAIL,
    "outlook.com": MICROSOFT,
    "hotmail.com": MICROSOFT,
    "live.com": MICROSOFT,
    "msn.com": MICROSOFT,
    "fastmail.com": FASTMAIL,
    "fastmail.fm": FASTMAIL,
    "icloud.com": ICLOUD,
    "me.com": ICLOUD,
    "mac.com": ICLOUD,
    "yahoo.com": YAHOO,
    "ymail.com": YAHOO,
}


def guess(address: str) -> Provider:
    """The provider of an address; for an unknown domain one whose server is usually called imap.<domain>."""
    domain = address.partition("@")[2].strip().lower()
    if domain in _DOMAINS:
        return _DOMAINS[domain]
    if domain.startswith("yahoo."):
        return YAHOO
    if domain.startswith(("hotmail.", "outlook.", "live.")):
        return MICROSOFT
    return Provider("other", "Other", f"imap.{domain}" if domain else "", sign_in=("google", "microsoft"))
