"""Where a webhook may lead."""

import pytest

from services.goals.webhooks.destinations import parse_destination, refuse_addresses
from services.goals.webhooks.errors import DestinationRefusedError

PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:8.8.8.8"]
PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "100.64.0.1",
    "::1",
    "fd00::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
]
NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::",
    "fe80::1",
    "fe80::1%eth0",
    "224.0.0.1",
    "ff02::1",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "198.18.0.1",
    "2001:db8::1",
    "fec0::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_hosts_take_https_and_nothing_else(address: str) -> None:
    for private_hosts in (True, False):
        refuse_addresses("https", [address], private_hosts=private_hosts)
        with pytest.raises(DestinationRefusedError, match="https"):
            refuse_addresses("http", [address], private_hosts=private_hosts)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_hosts_have_to_be_allowed(address: str) -> None:
    for scheme in ("http", "https"):
        refuse_addresses(scheme, [address], private_hosts=True)
        with pytest.raises(DestinationRefusedError, match="private"):
            refuse_addresses(scheme, [address], private_hosts=False)


@pytest.mark.parametrize("address", NEVER)
@pytest.mark.parametrize("private_hosts", [True, False])
def test_some_addresses_are_never_sent_to(address: str, private_hosts: bool) -> None:
    with pytest.raises(DestinationRefusedError):
        refuse_addresses("https", [address], private_hosts=private_hosts)


def test_one_refused_address_of_a_host_refuses_the_host() -> None:
    with pytest.raises(DestinationRefusedError):
        refuse_addresses("https", [PUBLIC[0], "10.0.0.1"], private_hosts=False)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/cairn?key=1",
        "https://hooks.example.com:8443",
        "http://127.0.0.1:9000/x",
        "https://[::1]:9000/x",
        "https://bücher.example/x",
    ],
)
def test_a_url_is_read(url: str) -> None:
    assert parse_destination(url).scheme == url.partition(":")[0]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com",
        "/cairn",
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https:///x",
        "https://user:secret@example.com/",
        "https://user@example.com/",
        "https://example.com/#part",
        "https://example.com/#",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://example.com:port/",
        "https://exa mple.com/",
        "https://example.com/\r\nHost: other",
        "https://[::1/",
        "https://" + "a" * 2_000,
        "https://\ud800.example/",
        "https://xn--/",
        "https://xn--99999.com/",
        "https://xn--a.com/",
    ],
)
def test_what_is_no_usable_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(DestinationRefusedError) as refusal:
        parse_destination(url)
    assert "secret" not in str(refusal.value)
