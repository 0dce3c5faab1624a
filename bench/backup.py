"""What a backup and a restore take: the demo's study, and 10,000 people with their trail."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from sqlmodel import col

from surveyapp.config import Settings
from surveyapp.demo.seed import seed
from surveyapp.services import stewardship
from surveyapp.services.backup import age
from surveyapp.services.backup.making import make
from surveyapp.services.backup.restoring import Wish, restore
from surveyapp.services.site import Site, open_site
from surveyapp.store import trail
from surveyapp.store.columns import table_of
from surveyapp.store.tables import Course
from surveyapp.store.tables_access import Event, EventPayload

EVENTS = 15
"""Of one person's course: enrolled, consent, day, doses, messages, answers sent, looks."""
SMALL_ROUNDS = 3
CHUNK = 20_000
NOW = datetime(2027, 3, 20, 12, tzinfo=UTC)


def backup_figures(folder: Path, large: Path) -> dict[str, float]:
    """Seconds for the demo's study (the middle of three) and for the installation in `large`."""
    place = folder / "backup"
    place.mkdir()
    public = age.recipient(age.new_identity(place / "identity.txt", NOW))
    small = _demo(place / "demo")
    rounds = [_round(small, place, f"small-{n}", public) for n in range(SMALL_ROUNDS)]
    many = _site(large)
    _fill_trail(many)
    backup, restored, size = _round(many, place, "large", public)
    return {
        "backup_s": statistics.median(r[0] for r in rounds),
        "restore_s": statistics.median(r[1] for r in rounds),
        "backup_10k_s": backup,
        "restore_10k_s": restored,
        "backup_10k_mb": size / 1e6,
    }


def _round(site: Site, place: Path, name: str, public: Any) -> tuple[float, float, int]:
    """Seconds of a backup, of its restore, and its bytes."""
    path = place / f"{name}.age"
    made = make(site, path, public, actor="bench", now=NOW)
    there = site.settings.model_copy(update={"data_dir": place / name, "database_url": ""})
    wish = Wish(path, place / "identity.txt")
    began = time.perf_counter()
    restore(there, site.keys, site.library, wish, NOW)
    return made.seconds, time.perf_counter() - began, made.size


def _demo(folder: Path) -> Site:
    site = _site(folder)
    seed(site, NOW)
    return site


def _site(folder: Path) -> Site:
    settings = Settings(
        data_dir=folder / "data",
        keys_dir=folder / "keys",
        database_url=f"sqlite:///{folder / 'surveyapp.db'}",
        public_url="https://checkin.example.org",
        secret_key="",
        contact_keys="",
    )
    stewardship.prepare(settings, "admin@localhost", NOW)
    return open_site(settings)


def _fill_trail(site: Site) -> None:
    """The events that people put straight into the tables would have left."""
    with site.database.read() as session:
        chains = session.scalars(select(col(Course.chain))).all()
    per = CHUNK // EVENTS
    for start in range(0, len(chains), per):
        pairs = [pair for chain in chains[start : start + per] for pair in _chain(chain)]
        with site.database.write() as session:
            session.execute(insert(table_of(Event)), [header for header, _ in pairs])
            session.execute(insert(table_of(EventPayload)), [payload for _, payload in pairs])


def _chain(chain: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    previous, body = trail.GENESIS, '{"code":"B-00001","note":"as one of a usual length"}'
    for seq in range(1, EVENTS + 1):
        uid = f"{chain[:28]}{seq:04d}"
        header: dict[str, Any] = {
            "uid": uid,
            "chain": chain,
            "seq": seq,
            "kind": "benched",
            "actor": "bench",
            "at": NOW,
            "commitment": trail.commit(uid, body),
            "previous": previous,
        }
        previous = trail.header_hash(**header)
        yield {**header, "hash": previous}, {"event_uid": uid, "salt": uid, "payload": body}
