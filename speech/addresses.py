"""Which hosts are this machine, and which addresses are one caller's."""

from __future__ import annotations

import ipaddress


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
