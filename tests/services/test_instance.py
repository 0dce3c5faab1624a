"""A restored database, a foreign data folder or a clock that jumped does not send by itself."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import instance, prompting
from surveyapp.services.clockwatch import ClockWatch
from surveyapp.services.errors import InputError
from surveyapp.services.health import health
from surveyapp.services.site import Site
from surveyapp.store import trail
from surveyapp.worker import Ticker
from tests.world import MailServer, add_course, needs_of

ZONE = ZoneInfo("Europe/Amsterdam")
INVITATION = datetime(2027, 3, 10, 10, tzinfo=ZONE).astimezone(UTC)
BEFORE = INVITATION - timedelta(hours=1)


class Machine:
    """A wall clock that jumps and a steady one that does not."""

    def __init__(self, at: datetime) -> None:
        self._at, self._steady = at, 0.0
        self.watch = ClockWatch(self.wall, lambda: self._steady)

    def wall(self) -> datetime:
        return self._at

    def pass_by(self, time: timedelta) -> None:
        self._at += time
        self._steady += time.total_seconds()

    def jump(self, by: timedelta) -> None:
        self._at += by


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def machine() -> Machine:
    return Machine(BEFORE)


Start = Callable[[], Ticker]


@pytest.fixture
def start(site: Site, server: MailServer, machine: Machine) -> Start:
    """A worker starts, as `surveyapp worker` does."""

    def started() -> Ticker:
        instance.at_start(site, machine.wall())
        return Ticker(site, SmtpMailer(server.url), machine.wall, watch=machine.watch)

    return started


def why(site: Site) -> str:
    found = instance.held(site)
    return found.why if found else ""


def test_the_first_start_and_a_restart_go_on(site: Site, machine: Machine, start: Start) -> None:
    add_course(site)
    start().tick()
    machine.pass_by(timedelta(hours=1))
    assert start().tick() == 1
    assert why(site) == ""


def test_another_data_folder_holds_everything(site: Site, machine: Machine, start: Start) -> None:
    add_course(site)
    start().tick()
    (site.settings.data_dir / instance.FILE).unlink()
    machine.pass_by(timedelta(hours=1))
    assert start().tick() == 0
    assert why(site) == instance.OTHER_FOLDER
    (line, *_) = [need.why for need in needs_of(site, machine.wall())]
    assert line == f"Prompts are not being sent: they are held, because {instance.OTHER_FOLDER}."


def test_another_database_holds_everything(site: Site, machine: Machine, start: Start) -> None:
    start().tick()
    (site.settings.data_dir / instance.FILE).write_text('{"mark": "other", "beat": null}')
    start()
    assert why(site) == instance.OTHER_DATABASE
    assert health(site, machine.wall()).not_sending


def test_a_broken_file_holds_everything(site: Site, start: Start) -> None:
    start().tick()
    (site.settings.data_dir / instance.FILE).write_text("{")
    start()
    assert why(site) == instance.OTHER_DATABASE


def test_a_restored_backup_is_held_until_somebody_says_what_happened(
    sqlite_site: Site, server: MailServer, tmp_path: Path
) -> None:
    """An hour was lost: the invitation went out, and the database does not know."""
    site, machine = sqlite_site, Machine(BEFORE)
    course = add_course(site)

    def started() -> Ticker:
        instance.at_start(site, machine.wall())
        return Ticker(site, SmtpMailer(server.url), machine.wall, watch=machine.watch)

    started().tick()
    backup = tmp_path / "backup.db"
    path = Path(site.database.url.database or "")
    with sqlite3.connect(path) as live, sqlite3.connect(backup) as copy:
        live.backup(copy)
    copy.close()
    live.close()
    machine.pass_by(timedelta(hours=1))
    assert started().tick() == 1
    site.database.close()
    for name in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        name.unlink(missing_ok=True)
    shutil.copy(backup, path)
    assert started().tick() == 0
    assert why(site) == instance.OLDER
    held = instance.held(site, machine.wall())
    assert held is not None
    assert held.due == 1
    with pytest.raises(InputError):
        instance.resume(site, " ", skip_due=True, actor="staff:1", now=machine.wall())
    now = machine.wall()
    instance.resume(site, "Monday's backup", skip_due=True, actor="staff:1", now=now)
    assert started().tick() == 0
    machine.pass_by(timedelta(days=3))
    assert started().tick() == 1
    assert [m["Subject"] for m in server.sink.messages] == [
        "Your check-in is ready",
        "A reminder: your check-in is ready",
    ]
    with site.database.read() as session:
        assert trail.verify(session).fault is None
    assert course == 1


def test_a_worker_that_was_silent_for_days_asks_first(
    site: Site, machine: Machine, start: Start
) -> None:
    start().tick()
    machine.pass_by(timedelta(days=4))
    start()
    assert why(site) == "the worker was silent for 4 days"


@pytest.mark.parametrize("by", [timedelta(hours=1), timedelta(days=365)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_clock_that_jumps_sends_nothing_and_goes_on_when_it_is_back(
    site: Site, machine: Machine, start: Start, by: timedelta, sign: int
) -> None:
    add_course(site)
    ticker = start()
    ticker.tick()
    machine.jump(sign * by)
    assert ticker.tick() == 0
    assert "the clock of the worker's machine jumped" in why(site)
    machine.jump(-sign * by)
    assert ticker.tick() == 0
    assert why(site) == ""
    machine.pass_by(timedelta(hours=1))
    assert ticker.tick() == 1
    assert health(site, machine.wall()).not_sending == ""


def test_a_clock_that_was_set_right_is_believed_once_confirmed(
    site: Site, machine: Machine, start: Start
) -> None:
    add_course(site)
    ticker = start()
    machine.jump(timedelta(hours=1))
    assert ticker.tick() == 0
    now = machine.wall()
    instance.resume(site, "The clock is right now", skip_due=False, actor="staff:1", now=now)
    assert ticker.tick() == 1


def test_a_restart_with_a_clock_that_ran_backwards_is_held(
    site: Site, machine: Machine, start: Start
) -> None:
    start().tick()
    machine.jump(timedelta(days=-365))
    start()
    assert why(site) == "the clock is 365 days behind the worker's last sign of life"


def test_a_drift_of_minutes_is_no_jump(site: Site, machine: Machine, start: Start) -> None:
    ticker = start()
    machine.jump(timedelta(minutes=9))
    ticker.tick()
    assert why(site) == ""


def test_staff_hold_and_resume(site: Site, machine: Machine, start: Start) -> None:
    add_course(site)
    ticker = start()
    machine.pass_by(timedelta(hours=1))
    now = machine.wall()
    instance.hold(site, instance.BY_HAND, "wrong date", actor="staff:1", now=now)
    assert ticker.tick() == 0
    instance.resume(site, "it is right", skip_due=False, actor="staff:1", now=now)
    assert ticker.tick() == 1


def test_a_hold_also_keeps_what_the_worker_has_taken_up(site: Site) -> None:
    course = add_course(site)
    job = prompting.claim(site, course, "w", INVITATION)
    assert job is not None
    instance.hold(site, instance.BY_HAND, "wrong date", actor="staff:1", now=INVITATION)
    assert not prompting.recheck(site, job, INVITATION)
    instance.resume(site, "it is right", skip_due=False, actor="staff:1", now=INVITATION)
    assert prompting.claim(site, course, "w", INVITATION) is not None


def test_a_clock_that_jumps_in_the_middle_of_a_tick_ends_it(
    site: Site, machine: Machine, server: MailServer, start: Start
) -> None:
    for number in range(12):
        add_course(site, f"P-{number:02d}", address=f"p{number}@example.org")
    ticker = start()
    machine.pass_by(timedelta(hours=1))

    def jump(_recipient: str) -> str:
        machine.jump(timedelta(days=365) - (machine.wall() - INVITATION))
        return "250 OK"

    server.sink.answer = jump
    assert ticker.tick() < 12
    assert "jumped 365 days ahead" in why(site) or ticker.tick() == 0
    assert "jumped 365 days ahead" in why(site)


def test_letting_go_after_a_restore_is_no_word_about_the_clock(
    site: Site, machine: Machine, start: Start
) -> None:
    add_course(site)
    ticker = start()
    instance.hold(site, instance.RESTORED, "a backup", actor="worker", now=machine.wall())
    machine.jump(timedelta(days=1))
    ticker.tick()
    instance.resume(site, "nothing was sent", skip_due=False, actor="staff:1", now=machine.wall())
    assert ticker.tick() == 0
    assert "jumped 1 day ahead" in why(site)
