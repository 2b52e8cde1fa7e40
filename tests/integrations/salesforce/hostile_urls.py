"""Addresses that look like Salesforce's, or are read so by one parser or another, and must all be refused."""

GOOD = "acme.my.salesforce.com"

_LOOK_ALIKES = [
    "acme.my.salesforce.com.evil.example",
    "acme.my.salesforce.com-evil.example",
    "acmemy.salesforce.com",
    "my.salesforce.com",
    ".my.salesforce.com",
    "acme..my.salesforce.com",
    "acme.my.salesforce.co",
    "acme.my.salesforce.comm",
    "acme.my.salesforce.com.",
    "acme.my.salesf0rce.com",
    "acme.my-salesforce.com",
    "acme.my.salesforce.net",
    "acme.salesforce.com",
    "evil.example",
    "salesforce.com",
    "www.salesforce.com",
    "login.salesforce.com.evil.example",
    "login.salesforce.com.",
    "evil-login.salesforce.com",
    "a.login.salesforce.com",
    "logintest.salesforce.com",
    "a.b.my.salesforce.com",
    "acme.evil.my.salesforce.com",
    "acme.sandbox.sandbox.my.salesforce.com",
    "acme.sandboxx.my.salesforce.com",
    "-acme.my.salesforce.com",
    "acme-.my.salesforce.com",
    "acme_x.my.salesforce.com",
    f"{'a' * 64}.my.salesforce.com",
    f"{'a' * 300}.my.salesforce.com",
    # content of Salesforce's customers
    "acme.lightning.force.com",
    "acme.my.site.com",
    "acme.force.com",
    "acme.secure.force.com",
    "acme.visualforce.com",
    "acme.my.salesforce-sites.com",
    "acme.my.salesforce-experience.com",
    "acme.my.salesforce-setup.com",
    "acme.documentforce.com",
    "acme.content.force.com",
]

_OTHER_ALPHABETS = [
    "аcme.my.salesforce.com",  # Cyrillic а
    "acme.my.ѕalesforce.com",  # Cyrillic ѕ
    "acme.my.salesforce。com",  # ideographic full stop
    "acme．my.salesforce.com",  # full-width full stop
    "ａcme.my.salesforce.com",  # full-width a
    "acme.my.\u017falesforce.com",  # long s becomes s in upper case
    "acme.my.\u212aalesforce.com",  # Kelvin sign
    "xn--cme-7cd.my.salesforce.com",
    "acme.my.xn--alesforce-c1g.com",
    "acme.my.salesforce.com\u200b",  # zero-width space
    "acme\u00ad.my.salesforce.com",  # soft hyphen
    "acme.my.salesforce.com\u202e",
]

_ADDRESSES = [
    "127.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "0.0.0.0",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "127.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::]",
    "[fe80::1%25eth0]",
    "localhost",
    "localhost.localdomain",
    "metadata.google.internal",
]

_AUTHORITIES = [
    f"{GOOD}@evil.example",
    f"evil.example@{GOOD}",
    f"user:secret@{GOOD}",
    f"@{GOOD}",
    f":@{GOOD}",
    f"{GOOD}:443@evil.example",
    f"{GOOD}%40evil.example",
    f"{GOOD}%2eevil.example",
    f"{GOOD}%00.evil.example",
    f"{GOOD}%0d%0aHost:evil.example",
    f"{GOOD}%",
    "acme%2emy.salesforce.com",
    "acme%252emy.salesforce.com",
    f"{GOOD}:80",
    f"{GOOD}:0443",
    f"{GOOD}:444",
    f"{GOOD}:8443",
    f"{GOOD}:0",
    f"{GOOD}:65979",  # 443 modulo 65536
    f"{GOOD}:-443",
    f"{GOOD}:+443",
    f"{GOOD}: 443",
    f"{GOOD}:443x",
    f"{GOOD}:",
    f"{GOOD}:443:443",
    f"{GOOD}:４４３",
    f"evil.example\\.{GOOD}",
    f"evil.example\\@{GOOD}",
    f"evil.example#.{GOOD}",
    f"evil.example?.{GOOD}",
    f"evil.example/.{GOOD}",
    f"evil.example;.{GOOD}",
    f"evil.example,{GOOD}",
    f"evil.example {GOOD}",
    f"evil.example\t.{GOOD}",
    f"evil.example\n.{GOOD}",
    f"evil.example\x00.{GOOD}",
    f"{GOOD}\n",
    f"{GOOD}\r\nHost: evil.example",
    f"{GOOD}\t",
    f"{GOOD} ",
    f" {GOOD}",
    f"{GOOD}\x7f",
    f"[{GOOD}]",
    f"{GOOD}\\",
    f"{GOOD}#",
    f"{GOOD}?",
    f"{GOOD}?x=1",
    f"{GOOD}#@evil.example",
    f"{GOOD}\\@evil.example",
    "",
    "/",
    "//",
]

HOSTILE_URLS = (
    [f"https://{host}" for host in _LOOK_ALIKES + _OTHER_ALPHABETS + _ADDRESSES + _AUTHORITIES]
    + [f"https://{host}/services/data" for host in _LOOK_ALIKES[:3] + _ADDRESSES[:3]]
    + [
        GOOD,
        f"//{GOOD}",
        f"/{GOOD}",
        f"http://{GOOD}",
        f"http://{GOOD}:443",
        f"ftp://{GOOD}",
        f"file://{GOOD}/etc/passwd",
        f"javascript://{GOOD}/%0aalert(1)",
        f"data:text/html,https://{GOOD}",
        f"https:/{GOOD}",
        f"https:{GOOD}",
        f"https:///{GOOD}",
        f"https:\\\\{GOOD}",
        f"https://\\{GOOD}",
        f"https ://{GOOD}",
        f" https://{GOOD}",
        f"\nhttps://{GOOD}",
        f"\x00https://{GOOD}",
        f"https://https://{GOOD}",
        f"view-source:https://{GOOD}",
        f"blob:https://{GOOD}",
        f"hTTps\u202e://{GOOD}",
        "",
        " ",
    ]
)
