"""The ping: an address of the operator's that hears of every tick that nothing hindered."""

from __future__ import annotations

import http.client
import urllib.request
from typing import Any

import structlog

TIMEOUT_SECONDS = 5

log = structlog.get_logger("worker")


class Pinger:
    """Tells an address of the operator's that ticks do their work; silence is the alarm."""

    def __init__(self, url: str) -> None:
        self._url = url

    def ping(self) -> bool:
        """True when the other side took it. Never raises."""
        try:
            # The address is the operator's own setting.
            answer: Any = urllib.request.urlopen(self._url, timeout=TIMEOUT_SECONDS)  # noqa: S310
            with answer:
                return 200 <= answer.status < 300
        except (OSError, ValueError, http.client.HTTPException) as error:
            log.warning("the ping was not taken", kind=type(error).__name__)
            return False
