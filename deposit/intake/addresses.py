"""Which network addresses are public: our own table, because Python's changes with its patch releases.

Source: IANA's registries of special-purpose addresses for IPv4 and IPv6 (RFC 6890 and its updates), as of 2025.
"""

from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

# Not globally reachable, reserved, for multicast or for documentation.
_NOT_PUBLIC_4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Nothing outside of it is routed on the Internet.
_GLOBAL_UNICAST_6 = IPv6Network("2000::/3")
# Within it: protocol assignments (Teredo among them), documentation, and addresses that hold another one (6to4).
_NOT_PUBLIC_6 = tuple(
    IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)


def is_public(address: str) -> bool:
    """Whether anybody on the Internet can mean this address, whatever it is wrapped in. Raises `ValueError`."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is None:
            return ip in _GLOBAL_UNICAST_6 and not any(ip in network for network in _NOT_PUBLIC_6)
        ip = ip.ipv4_mapped
    return not any(ip in network for network in _NOT_PUBLIC_4)
