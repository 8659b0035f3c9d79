"""Which hosts are this machine, which addresses are one caller's, and which are the public internet's."""

from __future__ import annotations

import ipaddress

# IPv4 addresses as IPv6 ones (mapped, NAT64, 6to4, Teredo), which may lead inward; and what was site-local once.
_INWARD = tuple(
    ipaddress.IPv6Network(one)
    for one in ("::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "fec0::/10")
)


def is_loopback(host: str | None) -> bool:
    """Whether only this machine can be meant by the host."""
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return (host or "").lower() == "localhost"


def line_of(host: str) -> str:
    """What callers are counted by: an IPv4 address, or half an IPv6 one, since a line has all of its other half."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))


def is_public(address: str) -> bool:
    """Whether the address belongs to the public internet; what is no address doesn't."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and any(found in network for network in _INWARD):
        return False
    return found.is_global and not (found.is_multicast or found.is_reserved)
