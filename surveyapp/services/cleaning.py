"""Cleaning: after an erasure the live files are rewritten, by the command or by the worker.

Web processes never do it: they leave SQLite's log alone (see `store.database`). An erasure that
broke off between the ledger and the database is done again here.
"""

from __future__ import annotations

from datetime import datetime

import structlog

from ..delivery.email import Mailer
from ..store import erasing
from ..store.before import remove_copies
from ..store.scrub import PATIENCE_SECONDS, ScrubError, scrub
from . import batch, ledger
from .backup import restoring, workplace
from .erasing import replay
from .errors import RefusedError
from .exchange import packing
from .site import Site

log = structlog.get_logger("cleaning")
DUTY_PATIENCE = 5.0
_seen: dict[str, tuple[int, int]] = {}


def clean(site: Site, now: datetime, patience: float = PATIENCE_SECONDS) -> bool:
    """Rewrite the database's files, and throw away session PDFs, exports, copies from before a
    migration and what a killed backup or restore left, if an erasure waits for it. False when
    somebody still reads an older state, or makes such a file: then it is to be done again.

    Raises RefusedError when they cannot be rewritten.
    """
    with site.database.read() as session:
        waiting = [row.line for row in erasing.erasures(session) if row.cleaned_at is None]
    if not waiting:
        return True
    gone = [batch.throw_away(site), packing.throw_away(site)]
    gone.append(workplace.throw_away(site.settings.data_dir))
    restoring.throw_away(site.settings, site.database)
    remove_copies(site.database)
    try:
        if not scrub(site.database, patience) or not all(gone):
            return False
    except ScrubError as error:
        raise RefusedError(
            f"The erasure is done, but the files could not be rewritten ({error}) and still hold "
            "it. Make room, then run `surveyapp erase --replay`."
        ) from error
    with site.database.write() as session:
        erasing.mark_cleaned(session, waiting, now)
    return True


def duty(site: Site, mailer: Mailer, now: datetime) -> None:
    """What the worker looks at each minute."""
    del mailer
    _catch_up(site, now)
    with site.database.read() as session:
        waits = erasing.uncleaned(session)
    if waits and not clean(site, now, DUTY_PATIENCE):
        log.warning("the files still hold what was erased; tried again in a minute")


def _catch_up(site: Site, now: datetime) -> None:
    """Look into the ledger when it changed since the last look of this process."""
    path = ledger.path_of(site)
    try:
        found = path.stat()
    except OSError:
        return
    stamp = found.st_mtime_ns, found.st_size
    if _seen.get(str(path)) != stamp:
        if count := replay(site, now, "worker"):
            log.warning("erasures were done again from the ledger", people=count)
        _seen[str(path)] = stamp
