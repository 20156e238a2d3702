"""Where a webhook may lead: the rules for its URL, and for the addresses behind its host.

Whoever may configure a webhook could otherwise make this service call into the network that it
stands in (server-side request forgery). The addresses are looked at when a webhook is configured
and again for each connection, which goes to an address that was looked at and to no other: what
a name stands for can change in between.
"""

import ipaddress
from collections.abc import Sequence
from typing import Final

import httpx

from services.goals.webhooks.errors import DestinationRefusedError

MAX_URL_CHARACTERS: Final = 2_000
LAST_PORT: Final = 65_535

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Machines of one's own: this one, and those of a private network. Not among them are link-local
# addresses, behind which clouds keep their machines' credentials; nothing is ever sent there.
_PRIVATE: Final = tuple(
    ipaddress.ip_network(each)
    for each in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "::1/128",
        "fc00::/7",
    )
)
# Addresses of version 6 that were private once (RFC 3879), and still are where they are in use.
_SITE_LOCAL: Final = ipaddress.ip_network("fec0::/10")
# Addresses of version 6 behind which a gateway puts one of version 4 (RFC 6052, section 2.1).
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_VERSION_4_BITS: Final = 0xFFFF_FFFF


def parse_destination(url: str) -> httpx.URL:
    """Read a webhook's URL. Raises DestinationRefusedError."""
    if len(url) > MAX_URL_CHARACTERS or not url.isprintable() or " " in url:
        raise DestinationRefusedError("The URL is too long or has blanks in it.")
    try:
        parsed = httpx.URL(url)
        # Reading the host decodes it, which only now fails where it is encoded wrongly (xn--).
        host = parsed.host
    except (httpx.InvalidURL, UnicodeError):
        raise DestinationRefusedError("That is no URL.") from None
    if parsed.scheme not in ("http", "https") or not host:
        raise DestinationRefusedError("The URL has to begin with https:// and name a host.")
    if parsed.userinfo:
        raise DestinationRefusedError("The URL must not carry credentials: check the signature.")
    if parsed.fragment or "#" in url:
        raise DestinationRefusedError("The URL must not have a fragment: it is never sent.")
    if parsed.port is not None and not 0 < parsed.port <= LAST_PORT:
        raise DestinationRefusedError("The URL names no usable port.")
    return parsed


def refuse_addresses(scheme: str, addresses: Sequence[str], *, private_hosts: bool) -> None:
    """Raise DestinationRefusedError unless each of a host's addresses may be sent to.

    Public addresses take https. Private ones take http as well, and only where `private_hosts`.
    """
    for address in addresses:
        parsed = _innermost(ipaddress.ip_address(address.partition("%")[0]))
        if any(parsed in network for network in _PRIVATE):
            if not private_hosts:
                raise DestinationRefusedError("The host is one of a private network.")
        elif not _is_public(parsed):
            raise DestinationRefusedError("The host has an address that nothing is sent to.")
        elif scheme != "https":
            raise DestinationRefusedError("A public host takes https.")


def _innermost(address: _Address) -> _Address:
    """The address of version 4 that one of version 6 stands for, where it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & _VERSION_4_BITS)
    return address.ipv4_mapped or address.sixtofour or address


def _is_public(address: _Address) -> bool:
    never = address.is_multicast or address.is_reserved or address.is_unspecified
    return address.is_global and not never and address not in _SITE_LOCAL
