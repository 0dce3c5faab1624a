"""Duties: what the worker does beside sending, looked at once a minute.

A duty decides by itself, from what is on record and `now`, whether there is something to do; most
times there is not, and looking costs one small query at most. One at a time, never two at once. A
duty that fails is logged and looked at again a minute later; it never stops the others or the
messages. What takes long must survive being killed: the worker ends within ten seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog

from ..delivery.email import Mailer
from . import tidying
from .site import Site

Duty = Callable[[Site, Mailer, datetime], None]

DUTIES: tuple[tuple[str, Duty], ...] = (("files that were fetched", tidying.tidy),)

log = structlog.get_logger("worker")


def attend(site: Site, mailer: Mailer, now: datetime) -> None:
    """Look at every duty once. Never raises."""
    for name, duty in DUTIES:
        try:
            duty(site, mailer, now)
        except Exception as error:
            log.error("a duty failed and is looked at again", duty=name, kind=type(error).__name__)
