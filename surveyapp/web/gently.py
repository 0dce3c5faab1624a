"""A gentle limit on guessing links, kept in memory: links have 192 bits, so that it only keeps
a guesser from making work. Each process counts for itself."""

from __future__ import annotations

import threading
from collections import deque
from datetime import datetime, timedelta

from ..services.tries import TooManyTriesError

FREE, WITHIN, MOST_KEPT = 20, timedelta(minutes=10), 10_000


class Gently:
    """Wrong tries of each network within `WITHIN`."""

    def __init__(self) -> None:
        self._wrong: dict[str, deque[datetime]] = {}
        self._lock = threading.Lock()

    def look(self, network: str, now: datetime) -> None:
        """Raises TooManyTriesError."""
        with self._lock:
            found = self._wrong.get(network)
            while found and now - found[0] >= WITHIN:
                found.popleft()
            if found and len(found) >= FREE:
                raise TooManyTriesError(found[0] + WITHIN - now)

    def was_wrong(self, network: str, now: datetime) -> None:
        with self._lock:
            if len(self._wrong) >= MOST_KEPT:
                self._wrong.clear()
            self._wrong.setdefault(network, deque(maxlen=FREE)).append(now)
