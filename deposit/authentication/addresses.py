"""Where a request comes from."""

import ipaddress
from collections.abc import Mapping
from typing import Any

from django.conf import settings


def client_address(meta: Mapping[str, Any]) -> str:
    """The client's IP address; '' when the socket has none.

    Behind ``PROXY_COUNT`` reverse proxies it is what the outermost of them wrote into X-Forwarded-For. What stands
    further left in that header is the client's own invention.
    """
    candidate = str(meta.get("REMOTE_ADDR", ""))
    if settings.PROXY_COUNT:
        hops = str(meta.get("HTTP_X_FORWARDED_FOR", "")).split(",")
        if len(hops) >= settings.PROXY_COUNT:
            candidate = hops[-settings.PROXY_COUNT].strip()
    try:
        return str(ipaddress.ip_address(candidate))
    except ValueError:
        return ""


def neighbourhood(address: str) -> str:
    """The address as far as one party is known to hold it: an IPv6 client has a whole /64."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
