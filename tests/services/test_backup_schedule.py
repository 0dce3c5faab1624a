"""When backups and drills are made by themselves, what is kept of them, and what staff are told."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from surveyapp.delivery.email import SmtpMailer
from surveyapp.services.backup import job, naming, schedule
from surveyapp.services.backup.drill import Means, drill
from surveyapp.services.backup.faults import BackupError
from surveyapp.services.backup.state import TELL, fault, state
from surveyapp.services.backup.workplace import is_busy
from surveyapp.services.errors import InputError
from surveyapp.services.health import health
from surveyapp.services.rights import Rights, of_roles
from surveyapp.services.site import Site
from surveyapp.services.today import today
from surveyapp.store import backups
from surveyapp.store.tables_backup import BACKUP, DRILL, FAILED, GOOD, RUNNING, BackupRun
from tests.backups import a_run, new_key
from tests.conftest import NOON
from tests.waiting import wait_for
from tests.world import add_course, needs_of

MAILER = SmtpMailer("smtp://127.0.0.1:9")
NIGHT = NOON.replace(hour=2)
HOUR = timedelta(hours=1)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups"


@pytest.fixture
def scheduled(sqlite_site: Site, target: Path, tmp_path: Path) -> Site:
    """A site that makes backups; its private key is not on the machine."""
    _, public = new_key(tmp_path)
    more = {"backup_dir": target, "backup_key": str(public)}
    vars(sqlite_site)["settings"] = sqlite_site.settings.model_copy(update=more)
    return sqlite_site


def with_identity(site: Site, identity: Path | None) -> None:
    vars(site)["settings"] = site.settings.model_copy(update={"drill_identity": identity})


def runs(site: Site) -> Sequence[BackupRun]:
    with site.database.read() as session:
        return backups.recent(session, 50)


def begun(site: Site, now: datetime) -> str:
    """What the duty begins, in its own process; its outcome once it has ended."""
    before = len(runs(site))
    schedule.look_after_backups(site, MAILER, now)
    if len(runs(site)) == before:
        return ""
    wait_for(lambda: runs(site)[0].outcome != RUNNING)
    wait_for(lambda: not is_busy(site.settings.data_dir))
    return f"{runs(site)[0].kind} {runs(site)[0].outcome}"


def test_one_is_made_at_first_and_then_at_each_interval(scheduled: Site, target: Path) -> None:
    add_course(scheduled)
    assert begun(scheduled, NOON) == "backup good"
    assert begun(scheduled, NOON + 23 * HOUR) == ""
    assert [p.name for p in target.iterdir()] == ["surveyapp-20270301T120000Z.age"]
    made = runs(scheduled)[0]
    assert made.size == (target / made.file).stat().st_size
    assert "Read back whole" in made.words
    assert [s for s in needs_of(scheduled, NOON + HOUR) if s.subject == "Backups"] == []


def test_nothing_is_due_without_a_folder(sqlite_site: Site) -> None:
    assert begun(sqlite_site, NOON) == ""
    with pytest.raises(InputError, match="SURVEYAPP_BACKUP_DIR"):
        schedule.start_now(sqlite_site, actor="staff:1", now=NOON)


@pytest.mark.parametrize(
    ("how", "words"), [("no key", "BACKUP_KEY is not set"), ("no folder", "Is its disk mounted")]
)
def test_what_hinders_is_told_and_tried_again_after_an_hour(
    scheduled: Site, target: Path, how: str, words: str
) -> None:
    if how == "no key":
        more = {"backup_key": ""}
        vars(scheduled)["settings"] = scheduled.settings.model_copy(update=more)
    else:
        target.rmdir()
    with scheduled.database.write() as session:
        run = backups.begin(session, BACKUP, "worker", socket.gethostname(), NOON).id
    job.work(scheduled, run, NOON)
    assert words in runs(scheduled)[0].words
    told = [s for s in needs_of(scheduled, NOON) if s.subject == "Backups"]
    assert words in told[0].why
    with scheduled.database.read() as session:
        assert not schedule.DUE[BACKUP](session, scheduled, NOON + 0.9 * HOUR)
        assert schedule.DUE[BACKUP](session, scheduled, NOON + HOUR)


def test_a_clock_that_was_set_back_does_not_stop_backups(scheduled: Site) -> None:
    a_run(scheduled, NOON)
    with scheduled.database.read() as session:
        due = schedule.DUE[BACKUP]
        assert not due(session, scheduled, NOON - timedelta(minutes=4))
        assert due(session, scheduled, NOON - timedelta(days=30))


def test_killed_at_any_moment_nothing_half_is_left(
    scheduled: Site, target: Path, tmp_path: Path
) -> None:
    """The process is killed where it stands: what has a backup's name opens whole, and the next
    one clears the rest."""
    slow = scheduled.settings.data_dir / "wordings" / "a.csv"
    slow.parent.mkdir(parents=True)
    slow.write_bytes(os.urandom(15_000_000))
    for days, moment in enumerate((_is_writing, _has_written)):
        at = NOON + days * 24 * HOUR
        with scheduled.database.write() as session:
            run = backups.begin(session, BACKUP, "worker", socket.gethostname(), at).id
        # A writer that holds the database keeps the process from ending.
        with scheduled.database.write():
            process = schedule.spawn(scheduled, run, at)
            wait_for(partial(moment, scheduled, target))
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
    slow.unlink()
    assert begun(scheduled, NOON + 48 * HOUR) == "backup good"
    assert [run.outcome for run in runs(scheduled)] == [GOOD, FAILED, FAILED]
    assert "broke off" in runs(scheduled)[1].words
    left = sorted(target.iterdir())
    assert all(path.suffix == ".age" for path in left)
    for number, path in enumerate(left):
        folder = tmp_path / f"drill-{number}"
        folder.mkdir()
        assert "restored whole" in drill(path, Means(tmp_path / "identity.txt"), folder).words
    assert [p.name for p in (scheduled.settings.data_dir / "backup-work").iterdir()] == ["lock"]


def _is_writing(_site: Site, target: Path) -> bool:
    # On a fast machine it may be done between two looks.
    return any(target.iterdir())


def _has_written(_site: Site, target: Path) -> bool:
    return (target / naming.name_of(NOON + 24 * HOUR)).exists()


def test_each_night_the_newest_is_tried(scheduled: Site, target: Path, tmp_path: Path) -> None:
    assert begun(scheduled, NIGHT) == "backup good"
    assert begun(scheduled, NIGHT) == "drill good"
    assert "not opened" in runs(scheduled)[0].words
    assert begun(scheduled, NIGHT + HOUR) == ""
    with_identity(scheduled, tmp_path / "identity.txt")
    assert begun(scheduled, NIGHT + 22 * HOUR) == ""
    a_run(scheduled, NIGHT + 23 * HOUR)
    with scheduled.database.read() as session:
        assert schedule.DUE[DRILL](session, scheduled, NIGHT + 24 * HOUR)
    assert "restored whole" in _drilled(scheduled, NIGHT + 24 * HOUR)
    whole = next(target.iterdir()).read_bytes()
    next(target.iterdir()).write_bytes(whole[:-1])
    tried = _drilled(scheduled, NIGHT + 48 * HOUR)
    assert "cut short" in tried
    with_identity(scheduled, None)
    assert "not what was written" in _drilled(scheduled, NIGHT + 72 * HOUR)
    with scheduled.database.read() as session:
        assert "The last drill" in fault(session, scheduled, NIGHT + 30 * HOUR)


def _drilled(site: Site, now: datetime) -> str:
    """A drill in this process; its words."""
    with site.database.write() as session:
        run = backups.begin(session, DRILL, "worker", "here", now).id
    return job.work(site, run, now).words


def test_staff_are_told_what_is_late_or_failed_and_nothing_else(scheduled: Site) -> None:
    def told(now: datetime) -> str:
        with scheduled.database.read() as session:
            return fault(session, scheduled, now)

    assert told(NOON) == ""
    a_run(scheduled, NOON)
    assert told(NOON + 48 * HOUR) == ""
    assert "too old" in told(NOON + 49 * HOUR)
    a_run(scheduled, NOON + 49 * HOUR, FAILED, "The disk is full.")
    assert "The disk is full." in told(NOON + 49 * HOUR)
    a_run(scheduled, NOON + 50 * HOUR)
    a_run(scheduled, NOON + 50 * HOUR, FAILED, "cut short", "drill")
    assert "The last drill" in told(NOON + 50 * HOUR)
    a_run(scheduled, NOON + 51 * HOUR, GOOD, "", "drill")
    assert told(NOON + 51 * HOUR) == ""
    assert state(scheduled, NOON).missing == []


def test_who_cannot_see_the_page_is_told_whom_to_tell(scheduled: Site) -> None:
    a_run(scheduled, NOON, FAILED, "The disk is full.")
    coordinator = Rights(of_roles(["coordinator"], sees_scores=False))
    state_now = health(scheduled, NOON)
    lines = [n for n in today(scheduled, NOON, state_now, coordinator).needs if "disk" in n.why]
    assert [(n.place, n.why.endswith(TELL)) for n in lines] == [(None, True)]
    everything = [n for n in needs_of(scheduled, NOON) if "disk" in n.why]
    assert [n.place and n.place.page for n in everything] == ["backups"]


def test_days_weeks_and_months_are_kept(tmp_path: Path) -> None:
    first = datetime(2027, 1, 1, 3, tzinfo=UTC)
    paths = [tmp_path / naming.name_of(first + timedelta(hours=12 * n)) for n in range(2 * 365)]
    ours = {path.name for path in paths}
    kept = set(paths) - set(naming.to_delete(paths, ours))
    days = sorted({naming.made_at(path).date() for path in kept}, reverse=True)
    assert [str(day) for day in days] == [
        *(f"2027-12-{day}" for day in (31, 30, 29, 28, 27, 26, 25, 19, 12)),
        *(f"2027-{month}" for month in ("11-30", "10-31", "09-30", "08-31", "07-31")),
    ]
    assert all(naming.made_at(path).hour == 15 for path in kept)
    assert naming.to_delete(paths, set()) == []
    assert naming.to_delete(paths[:1], ours) == []


def test_only_what_was_made_here_is_deleted(scheduled: Site, target: Path, tmp_path: Path) -> None:
    others = [naming.name_of(NOON - timedelta(days=n)) for n in range(300, 320)]
    for name in (*others, "notes.txt"):
        (target / name).write_text("another's")
    for n in range(30):
        a_run(scheduled, NOON - timedelta(days=30 - n))
        (target / naming.name_of(NOON - timedelta(days=30 - n))).write_text("ours")
    with scheduled.database.write() as session:
        run = backups.begin(session, BACKUP, "worker", "here", NOON).id
    ended = job.work(scheduled, run, NOON)
    assert "older deleted" in ended.words
    left = {path.name for path in target.iterdir()}
    assert {*others, "notes.txt"} <= left
    assert len(left) == len(others) + 1 + 10
    folder = tmp_path / "drill"
    folder.mkdir()
    means = Means(tmp_path / "identity.txt")
    assert "restored whole" in drill(target / ended.file, means, folder).words
    with pytest.raises(BackupError):
        drill(target / others[0], means, tmp_path)
