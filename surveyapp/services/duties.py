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
from ..store.before import KEPT_FOR, remove_copies
from . import cleaning, colleague_mail, headkeeping, retention, sessions, tidying, tries
from .backup.schedule import look_after_backups
from .site import Site

Duty = Callable[[Site, Mailer, datetime], None]

log = structlog.get_logger("worker")


def remove_old_copies(site: Site, _mailer: Mailer, now: datetime) -> None:
    """Copies from before migrations hold what may have been erased since: they do not stay."""
    for path in remove_copies(site.database, now - KEPT_FOR):
        log.info("removed the copy from before a migration", name=path.name)


DUTIES: tuple[tuple[str, Duty], ...] = (
    ("mails to colleagues", colleague_mail.send_due),
    ("old sign-in tries", tries.tidy),
    ("old sessions", sessions.tidy),
    ("the trail's head", headkeeping.keep_head),
    ("files that were fetched", tidying.tidy),
    ("backups", look_after_backups),
    ("cleaning", cleaning.duty),
    ("retention", retention.duty),
    ("copies before migrations", remove_old_copies),
)


def attend(site: Site, mailer: Mailer, now: datetime) -> None:
    """Look at every duty once. Never raises."""
    for name, duty in DUTIES:
        try:
            duty(site, mailer, now)
        except Exception as error:
            log.error("a duty failed and is looked at again", duty=name, kind=type(error).__name__)
