"""The clock watched: has the wall clock jumped against one that nobody sets?"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

JUMP = timedelta(minutes=10)


def _since_boot() -> float:
    """Seconds since the machine started, its sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class ClockWatch:
    """`wall` may be set by anybody, `steady` (seconds) by nobody."""

    def __init__(
        self, wall: Callable[[], datetime], steady: Callable[[], float] = _since_boot
    ) -> None:
        self._wall, self._steady = wall, steady
        self.accept()

    def accept(self) -> None:
        """What the wall clock says now is right."""
        self._start = self._wall(), self._steady()

    @property
    def drift(self) -> timedelta:
        """How far the wall clock is ahead of where it should be."""
        began, at = self._start
        return self._wall() - began - timedelta(seconds=self._steady() - at)

    @property
    def jumped(self) -> bool:
        return abs(self.drift) > JUMP
