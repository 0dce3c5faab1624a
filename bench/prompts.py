"""What prompting costs: a tick with nothing due at two sizes, and 1,000 messages due at once."""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from bench.place import free_port
from surveyapp.config import Settings
from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import stewardship
from surveyapp.services.site import Site, open_site
from surveyapp.store import contacts, facts, trail, windows
from surveyapp.store.columns import table_of
from surveyapp.store.tables import Anchor, Consent, Course, Participant, Retreat, Study, WindowRow
from surveyapp.worker import Ticker

DOSING = date(2027, 3, 20)
EARLIER = datetime(2027, 1, 1, tzinfo=UTC)
INVITED = datetime(2027, 3, 10, 10, tzinfo=UTC)
SMALL, LARGE, DUE = 1_000, 100_000, 1_000
IDLE_TICKS = 200
CHUNK = 10_000


def prompting_figures(folder: Path) -> dict[str, float]:
    """tick_idle_1k_ms, tick_idle_100k_ms, their ratio, and prompts_per_s."""
    small, large = (_crowd(folder / f"idle-{n}", n) for n in (SMALL, LARGE))
    little, much = _idle_ms(small, large)
    busy = _crowd(folder / "busy", DUE, addresses=True)
    return {
        "tick_idle_1k_ms": little,
        "tick_idle_100k_ms": much,
        "tick_idle_ratio": much / little,
        "prompts_per_s": _prompts_per_second(busy),
    }


def _idle_ms(*sites: Site) -> list[float]:
    """Turn by turn, because the machine drifts; medians in ms."""
    before = INVITED - timedelta(hours=1)
    tickers = [Ticker(site, SmtpMailer("smtp://127.0.0.1:9"), lambda: before) for site in sites]
    times: list[list[float]] = [[] for _ in sites]
    for _ in range(IDLE_TICKS):
        for ticker, found in zip(tickers, times, strict=True):
            began = time.perf_counter()
            assert ticker.tick() == 0
            found.append(1000 * (time.perf_counter() - began))
    return [statistics.median(found) for found in times]


def _prompts_per_second(site: Site) -> float:
    with _sink() as url:
        ticker = Ticker(site, SmtpMailer(url), lambda: INVITED)
        began = time.perf_counter()
        sent = ticker.tick()
        spent = time.perf_counter() - began
    assert sent == DUE, sent
    return sent / spent


@contextmanager
def _sink() -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.sink", str(port)])
    try:
        _wait_for(port)
        yield f"smtp://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)  # between two looks; the connection decides
        else:
            return


def _crowd(folder: Path, count: int, *, addresses: bool = False) -> Site:
    """An installation whose `count` courses all await the invitation of their baseline."""
    settings = Settings(
        data_dir=folder / "data",
        keys_dir=folder / "keys",
        database_url=f"sqlite:///{folder / 'surveyapp.db'}",
        public_url="https://checkin.example.org",
        secret_key="",
        contact_keys="",
        mail_from="checkin@example.org",
    )
    stewardship.prepare(settings, "admin@localhost", EARLIER)
    site = open_site(settings)
    with site.database.write() as session:
        study = Study(
            protocol="second-retreat", protocol_version="1", title="Bench", created_at=EARLIER
        )
        session.add(study)
        session.flush()
        session.add(Retreat(study_id=study.id, name="Bench", time_zone="UTC", created_at=EARLIER))
    for start in range(1, count + 1, CHUNK):
        _people(site, range(start, min(start + CHUNK, count + 1)), addresses=addresses)
    return site


def _people(site: Site, ids: range, *, addresses: bool) -> None:
    made = {"created_at": EARLIER}
    person = {"language": "en", "time_zone": "UTC", **made}
    course = {"retreat_id": 1, "number": 1, **made}
    anchor = {"anchor": "dosing", "date": DOSING, "revision": 0}
    consent = {
        "given_on": EARLIER.date(),
        "scope": "answers and messages",
        "recorded_by": "bench",
        "recorded_at": EARLIER,
    }
    with site.database.write() as session:

        def put(table: type, rows: list[dict[str, object]]) -> None:
            session.execute(insert(table_of(table)), rows)

        put(Participant, [{"id": i, "code": f"B-{i:06d}", **person} for i in ids])
        chains = [{"id": i, "participant_id": i, "chain": trail.new_chain(), **course} for i in ids]
        put(Course, chains)
        put(Anchor, [{"course_id": i, **anchor} for i in ids])
        put(Consent, [{"course_id": i, **consent} for i in ids])
        context = facts.course_context(session, site.library, ids[0])
        assert context is not None
        rows = windows.window_rows(context)
        put(WindowRow, [{**row, "course_id": i} for row in rows for i in ids])
        for i in ids if addresses else ():
            contacts.put_email(session, site.vault, i, f"b{i}@example.org")
