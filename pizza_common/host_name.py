"""Names and addresses of hosts, in one spelling."""

import ipaddress


def plain(host: str) -> str:
    """In small letters, without a final dot; an address without brackets and in short."""
    name = host.lower().removesuffix(".").removeprefix("[").removesuffix("]")
    return str(address_of(name) or name)


def address_of(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that this is; None for a name."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Whether nobody reaches it from another machine."""
    name = plain(host)
    address = address_of(name)
    return address.is_loopback if address else name == "localhost" or name.endswith(".localhost")
