"""The door: messages are handed over one at a time, so that a killed worker leaves one in doubt.

Somebody at whom the other side hangs does not keep the rest waiting: after a while the next goes
ahead. What hangs is in doubt anyway.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

PATIENCE_SECONDS = 8.0


class Door:
    """`with door.turn():` waits until nobody else has a turn, or has had it for too long."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside: object = None
        self._until = 0.0

    @contextmanager
    def turn(self) -> Generator[None]:
        mine = object()
        with self._changed:
            while not self._is_free:
                self._changed.wait(self._left)
            self._inside, self._until = mine, time.monotonic() + PATIENCE_SECONDS
        try:
            yield
        finally:
            self._leave(mine)

    @property
    def _is_free(self) -> bool:
        return self._inside is None or self._left <= 0

    @property
    def _left(self) -> float:
        return self._until - time.monotonic()

    def _leave(self, mine: object) -> None:
        """Let the next in; one who was passed by leaves the door to who came after."""
        with self._changed:
            if self._inside is mine:
                self._inside = None
                self._changed.notify()
