"""Which servers are connected to."""

import pytest

from integrations.mailbox.errors import HostRefused, Unreachable
from integrations.mailbox.hosts import clean_host, is_public, resolve
from integrations.mailbox.providers import guess

PRIVATE = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.1.2.3",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::a00:1",
    "2002:a00:1::",
    "fc00::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses(address: str) -> None:
    assert is_public(address) is False


@pytest.mark.parametrize(
    "address", ["142.250.1.108", "2a00:1450:4001::6c", "::ffff:142.250.1.108", "64:ff9b::8efa:16c"]
)
def test_public_addresses(address: str) -> None:
    assert is_public(address) is True


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "10.0.0.1", "0"])
def test_a_private_host_is_refused_before_anything_is_sent(host: str) -> None:
    with pytest.raises(HostRefused):
        resolve(host, 993)


@pytest.mark.parametrize("port", [143, 25, 80, 22, 0])
def test_other_ports_are_refused(port: int) -> None:
    with pytest.raises(HostRefused):
        resolve("142.250.1.108", port)


def test_a_listed_host_is_allowed_with_exactly_its_port() -> None:
    assert resolve("127.0.0.1", 1993, {"127.0.0.1:1993"}) == ["127.0.0.1"]
    for host, port in (("127.0.0.1", 1994), ("127.0.0.2", 1993)):
        with pytest.raises(HostRefused):
            resolve(host, port, {"127.0.0.1:1993"})


def test_a_name_that_nobody_knows() -> None:
    with pytest.raises(Unreachable):
        resolve("no-such-host.invalid", 993)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("imap.example.com", "imap.example.com"),
        (" IMAP.Example.com. ", "imap.example.com"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("142.250.1.108", "142.250.1.108"),
    ],
)
def test_host_names(text: str, host: str) -> None:
    assert clean_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a b",
        "a/b",
        "a@b",
        "a:993",
        "http://a",
        "a\r\nb",
        "a..b",
        "-a",
        "a_b",
        "[::1]",
        "x" * 64 + ".example",
    ],
)
def test_what_is_no_host_name(text: str) -> None:
    with pytest.raises(HostRefused):
        clean_host(text)


@pytest.mark.parametrize(
    ("address", "key", "host"),
    [
        ("ben@gmail.com", "gmail", "imap.gmail.com"),
        ("Ben@GoogleMail.com", "gmail", "imap.gmail.com"),
        ("ben@outlook.com", "microsoft", "outlook.office365.com"),
        ("ben@hotmail.co.uk", "microsoft", "outlook.office365.com"),
        ("ben@fastmail.com", "fastmail", "imap.fastmail.com"),
        ("ben@me.com", "icloud", "imap.mail.me.com"),
        ("ben@yahoo.co.jp", "yahoo", "imap.mail.yahoo.com"),
        ("ben@acme.example", "other", "imap.acme.example"),
        ("ben", "other", ""),
    ],
)
def test_providers_are_guessed(address: str, key: str, host: str) -> None:
    provider = guess(address)
    assert (provider.key, provider.host) == (key, host)
