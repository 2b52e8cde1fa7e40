"""Which addresses may be spoken to, and that nothing reaches any other."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.salesforce.errors import HostNotAllowed
from integrations.salesforce.hosts import HostRule, my_domain_url
from tests.integrations.salesforce.hostile_urls import HOSTILE_URLS

RULE = HostRule()
WITH_STAND_IN = HostRule(
    frozenset({"127.0.0.1:8443", "localhost:8444", "[::1]:8445", "salesforce.test:8446", "stand.in:443"})
)

INSTANCES = {
    "https://acme.my.salesforce.com": "https://acme.my.salesforce.com",
    "https://acme.my.salesforce.com/": "https://acme.my.salesforce.com",
    "https://acme.my.salesforce.com:443": "https://acme.my.salesforce.com",
    "HTTPS://Acme.My.Salesforce.Com": "https://acme.my.salesforce.com",
    "https://acme-dev-ed.develop.my.salesforce.com": "https://acme-dev-ed.develop.my.salesforce.com",
    "https://acme--uat.sandbox.my.salesforce.com": "https://acme--uat.sandbox.my.salesforce.com",
    "https://acme--x.scratch.my.salesforce.com": "https://acme--x.scratch.my.salesforce.com",
    "https://7.my.salesforce.com": "https://7.my.salesforce.com",
}


@pytest.mark.parametrize(("url", "canonical"), INSTANCES.items())
def test_my_domain_hosts_are_instances_and_login_hosts(url: str, canonical: str) -> None:
    assert RULE.check_instance(url) == canonical
    assert RULE.check_login(url) == canonical


@pytest.mark.parametrize("host", ["login", "test"])
def test_the_shared_hosts_are_for_login_only(host: str) -> None:
    url = f"https://{host}.salesforce.com"

    assert RULE.check_login(url) == url
    with pytest.raises(HostNotAllowed):
        RULE.check_instance(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:8443",
        "http://127.0.0.1:8443",
        "https://localhost:8444",
        "http://localhost:8444",
        "https://[::1]:8445",
        "http://[::1]:8445",
        "https://salesforce.test:8446",
    ],
)
def test_an_extra_host_is_both(url: str) -> None:
    assert WITH_STAND_IN.check_login(url) == url
    assert WITH_STAND_IN.check_instance(url) == url
    assert WITH_STAND_IN.check_request(f"{url}/services/data?x=1") == url


def test_an_extra_host_keeps_its_port_even_where_it_is_the_usual_one() -> None:
    assert WITH_STAND_IN.check_login("https://stand.in") == "https://stand.in:443"


@pytest.mark.parametrize(
    "url",
    [
        "http://salesforce.test:8446",  # clear text to another machine
        "https://127.0.0.1:8444",  # another one's port
        "https://127.0.0.1",
        "http://127.0.0.1",
        "https://127.0.0.1:08443",
        "https://salesforce.test",
        "https://sub.salesforce.test:8446",
        "https://localhost:8443",
        "https://localhost.:8444",
        "https://acme.my.salesforce.com:8443",
        "http://acme.my.salesforce.com",
    ],
)
def test_an_extra_host_opens_nothing_else(url: str) -> None:
    for check in (WITH_STAND_IN.check_login, WITH_STAND_IN.check_instance, WITH_STAND_IN.check_request):
        with pytest.raises(HostNotAllowed):
            check(url)


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_hostile_addresses_are_refused_everywhere(url: str) -> None:
    for rule in (RULE, WITH_STAND_IN):
        for check in (rule.check_login, rule.check_instance, rule.check_request):
            with pytest.raises(HostNotAllowed):
                check(url)


def test_there_are_more_than_a_hundred_of_them() -> None:
    assert len(set(HOSTILE_URLS)) >= 100


@pytest.mark.parametrize("value", [None, 7, b"https://acme.my.salesforce.com", ["https://acme.my.salesforce.com"]])
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(HostNotAllowed):
        RULE.check_instance(value)


@pytest.mark.parametrize("rest", ["/services/data/v62.0/query?q=SELECT%20Id", "/", "/a?b=%C3%A9&c=[1]", "/x~'()*!\""])
def test_a_request_may_have_a_path_and_a_base_may_not(rest: str) -> None:
    url = f"https://acme.my.salesforce.com{rest}"

    assert RULE.check_request(url) == "https://acme.my.salesforce.com"
    if rest != "/":
        with pytest.raises(HostNotAllowed):
            RULE.check_instance(url)


@pytest.mark.parametrize("rest", ["/a b", "/a\\b", "/a#b", "/a\nb", "/é", "/a\x00", "?x=1", "#x"])
def test_a_request_path_is_plain(rest: str) -> None:
    with pytest.raises(HostNotAllowed):
        RULE.check_request(f"https://acme.my.salesforce.com{rest}")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_around_an_address_is_overlooked(before: str, after: str) -> None:
    url = f"{before}https://acme.my.salesforce.com{after}"
    try:
        base = RULE.check_instance(url)
    except HostNotAllowed:
        return

    assert before == ""
    assert after in ("", "/", ":443", ":443/")
    assert base == "https://acme.my.salesforce.com"


TYPED = {
    "acme": "https://acme.my.salesforce.com",
    "  Acme ": "https://acme.my.salesforce.com",
    "acme--uat.sandbox": "https://acme--uat.sandbox.my.salesforce.com",
    "acme.my.salesforce.com": "https://acme.my.salesforce.com",
    "https://acme.my.salesforce.com/": "https://acme.my.salesforce.com",
    "https://acme.my.salesforce.com/secur/frontdoor.jsp?a=b": "https://acme.my.salesforce.com",
    "https://acme.lightning.force.com/lightning/page/home": "https://acme.my.salesforce.com",
    "acme--uat.sandbox.lightning.force.com": "https://acme--uat.sandbox.my.salesforce.com",
    "https://acme.my.salesforce-setup.com/lightning/setup/SetupOneHome/home": "https://acme.my.salesforce.com",
}


@pytest.mark.parametrize(("text", "url"), TYPED.items())
def test_what_people_type_as_my_domain(text: str, url: str) -> None:
    assert my_domain_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "acme.com",
        "ada@example.com",
        "http://acme.my.salesforce.com",
        "https://acme.my.salesforce.com.evil.example",
        "https://login.salesforce.com",
        "acme.example/my.salesforce.com",
        "acme\\.my.salesforce.com",
        "user@acme.my.salesforce.com",
        "acme.my.site.com",
        "аcme",  # Cyrillic
        "\u212acme",  # the Kelvin sign becomes k in lower case
        "xn--cme-7cd",
        "127.0.0.1:8443",
        "-acme",
        "a" * 64,
    ],
)
def test_other_text_is_answered_with_a_sentence(text: str) -> None:
    with pytest.raises(HostNotAllowed) as caught:
        my_domain_url(text)

    assert caught.value.user_message == (
        "This is not a Salesforce My Domain. Type its name, for example acme, or its address, for example "
        "acme.my.salesforce.com. You find it in Salesforce under Setup › My Domain."
    )


def test_a_stand_in_may_be_typed_as_my_domain_where_the_rule_knows_it() -> None:
    assert my_domain_url("https://127.0.0.1:8443", WITH_STAND_IN) == "https://127.0.0.1:8443"
    with pytest.raises(HostNotAllowed):
        my_domain_url("https://127.0.0.1:8443")
