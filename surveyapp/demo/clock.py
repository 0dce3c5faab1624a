"""The demo's clock: real time plus a shift that only grows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class DemoClock:
    """Calling it gives the demo's aware time, in UTC. It starts at `start` and never goes back."""

    def __init__(self, start: datetime) -> None:
        self._shift = timedelta(0)
        self.move_to(start)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._shift

    def move_to(self, at: datetime) -> None:
        """Show `at` from now on, unless that has passed already."""
        self._shift += max(at - self(), timedelta(0))
