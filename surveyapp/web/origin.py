"""Where a request comes from, as coarsely as it is kept: a network, a browser in words, and whether
this device signed in before.

No whole address is kept. The cookie of a known device says which accounts signed in there; it
opens nothing, it only keeps strangers' wrong tries from being counted against this device.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import after_this_request, request
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response

from ..services.site import Site
from ..services.tries import Origin

KNOWN_FOR = timedelta(days=400)
MOST_ACCOUNTS = 8
V4_BITS, V6_BITS = 24, 48
UNKNOWN = "unknown"
BROWSERS: Mapping[str, str] = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
SYSTEMS: Mapping[str, str] = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "Mac",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def network_of(address: str) -> str:
    """203.0.113.7 is in 203.0.113.0/24, 2001:db8:1:2::3 in 2001:db8:1::/48."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return UNKNOWN
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    bits = V4_BITS if found.version == 4 else V6_BITS
    return str(ipaddress.ip_network((found, bits), strict=False))


def agent_of(text: str) -> str:
    """Firefox on Linux. The first mark that fits counts: many names stand in most of them."""
    browser = next((name for mark, name in BROWSERS.items() if mark in text), "A browser")
    system = next((name for mark, name in SYSTEMS.items() if mark in text), "")
    return f"{browser} on {system}" if system else browser


def origin(site: Site) -> Origin:
    """Where this request comes from."""
    body = _read(site)
    return Origin(
        network_of(request.remote_addr or ""),
        agent_of(request.user_agent.string),
        str(body.get("device", "")),
        frozenset(body.get("accounts", ())),
    )


def remember_device(site: Site, account_id: int) -> None:
    """From now on this device is known to have signed in to the account."""
    body = _read(site)
    known = [one for one in body.get("accounts", ()) if one != account_id]
    told = {
        "device": body.get("device") or secrets.token_hex(16),
        "accounts": [account_id, *known][:MOST_ACCOUNTS],
    }

    @after_this_request
    def _set(response: Response) -> Response:  # pyright: ignore[reportUnusedFunction]
        response.set_cookie(
            _name(site),
            str(_serializer(site).dumps(told)),
            max_age=KNOWN_FOR,
            secure=site.settings.is_https,
            httponly=True,
            samesite="Lax",
        )
        return response


def _read(site: Site) -> dict[str, Any]:
    try:
        return _serializer(site).loads(request.cookies.get(_name(site), ""))
    except BadSignature:
        return {}


def _name(site: Site) -> str:
    return "__Host-device" if site.settings.is_https else "device"


def _serializer(site: Site) -> URLSafeSerializer:
    return URLSafeSerializer(site.keys.derive("known devices"), salt="device")
