"""Stopping: in force at once, also for what a worker has claimed; undone with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import select

from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import prompting, stopping
from surveyapp.services.errors import InputError, NotFoundError
from surveyapp.services.personal import person_view
from surveyapp.services.site import Site
from surveyapp.services.stopping import NewStop
from surveyapp.store import trail, windows
from surveyapp.store.links import ensure_link
from surveyapp.store.tables import PromptRow
from surveyapp.store.tables_access import Event
from surveyapp.worker import Ticker
from tests.world import MailServer, add_course, needs_of

INVITATION = datetime(2027, 3, 10, 9, tzinfo=UTC)
ENDS_MESSAGES = ["messages stopped", "left the study", "lost to follow-up", "died"]


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def tick(site: Site, server: MailServer, at: datetime) -> int:
    return Ticker(site, SmtpMailer(server.url), lambda: at).tick()


def stop(site: Site, kind: str, *, now: datetime = INVITATION, **more) -> int:
    wish = NewStop(kind, reason="told the coordinator", **more)
    return stopping.record_stop(site, "P-01", 1, wish, actor="staff:1", now=now)


def undo(site: Site, now: datetime, why: str = "entered for the wrong person") -> None:
    (line,) = person_view(site, "P-01", now).courses[-1].stops
    stopping.undo_stop(site, "P-01", line.id, why, actor="staff:1", now=now)


def reasons(site: Site, now: datetime) -> set[tuple[str, str]]:
    view = person_view(site, "P-01", now)
    return {(p.state, p.reason) for p in view.courses[-1].prompts if p.state != "planned"}


@pytest.mark.parametrize("kind", ENDS_MESSAGES)
def test_a_message_already_claimed_does_not_go(site: Site, server: MailServer, kind: str) -> None:
    course = add_course(site)
    job = prompting.claim(site, course, "worker", INVITATION)
    assert job is not None
    assert stop(site, kind) == 1
    assert prompting.recheck(site, job, INVITATION) is False
    for later in (timedelta(0), timedelta(hours=7), timedelta(days=3)):
        assert tick(site, server, INVITATION + later) == 0
    assert server.sink.messages == []


@pytest.mark.parametrize("kind", ENDS_MESSAGES)
def test_undone_the_newest_message_goes(site: Site, server: MailServer, kind: str) -> None:
    add_course(site)
    stop(site, kind)
    assert tick(site, server, INVITATION) == 0
    later = INVITATION + timedelta(days=3, hours=1)
    undo(site, later)
    assert tick(site, server, later) == 1
    assert tick(site, server, later + timedelta(hours=2)) == 0
    with site.database.read() as session:
        kinds = list(session.scalars(select(Event.kind).where(Event.actor == "staff:1")))
        assert trail.verify(session).fault is None
    assert {"stopped", "stop undone"} <= set(kinds)


def test_follow_up_goes_on_after_treatment_stops(site: Site, server: MailServer) -> None:
    add_course(site, confirmed=True)
    stop(site, "treatment stopped")
    assert tick(site, server, INVITATION) == 1
    assert tick(site, server, datetime(2027, 3, 28, 8, tzinfo=UTC)) == 1


def test_a_pause_ends_by_itself(site: Site, server: MailServer) -> None:
    add_course(site)
    stop(site, "paused", until=date(2027, 3, 12))
    assert tick(site, server, INVITATION) == 0
    assert ("held", "paused until 2027-03-12") in reasons(site, INVITATION)
    assert tick(site, server, datetime(2027, 3, 12, 6, 59, tzinfo=UTC)) == 0
    assert tick(site, server, datetime(2027, 3, 12, 7, tzinfo=UTC)) == 1


def test_a_new_pause_takes_the_place_of_the_old(site: Site) -> None:
    add_course(site)
    stop(site, "paused", until=date(2027, 4, 12))
    stop(site, "paused", until=date(2027, 3, 12))
    (line,) = person_view(site, "P-01", INVITATION).courses[0].stops
    assert line.until == date(2027, 3, 12)


def test_death_ends_every_course_and_says_why(site: Site) -> None:
    add_course(site)
    add_course(site, number=2, retreat="Autumn 2027", dosing=date(2027, 9, 14))
    stop(site, "died", since=date(2027, 3, 8))
    view = person_view(site, "P-01", INVITATION + timedelta(days=400))
    states = {cell.state for course in view.courses for cell in course.cells}
    assert states == {"not expected"}
    assert reasons(site, INVITATION) == {("skipped", "the person died")}
    assert [n for n in needs_of(site, INVITATION) if n.subject == "P-01"] == []


def test_leaving_ends_one_course_alone(site: Site, server: MailServer) -> None:
    add_course(site)
    add_course(site, number=2, retreat="Autumn 2027", dosing=date(2027, 9, 14))
    stop(site, "left the study")
    assert tick(site, server, INVITATION) == 0
    assert tick(site, server, datetime(2027, 9, 4, 8, tzinfo=UTC)) == 1


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (NewStop("gone"), "kind"),
        (NewStop("paused"), "until"),
        (NewStop("paused", until=date(2027, 3, 10)), "until"),
        (NewStop("paused", until=date(2029, 3, 10)), "until"),
        (NewStop("died", until=date(2027, 3, 11)), "until"),
        (NewStop("died", since=date(2027, 3, 11)), "since"),
        (NewStop("left the study"), "reason"),
        (NewStop("died", reason="x" * 301), "reason"),
    ],
)
def test_wrong_input_changes_nothing(site: Site, wish: NewStop, field: str) -> None:
    add_course(site)
    with pytest.raises(InputError) as caught:
        stopping.record_stop(site, "P-01", 1, wish, actor="staff:1", now=INVITATION)
    assert list(caught.value.problems) == [field]
    assert person_view(site, "P-01", INVITATION).courses[0].stops == ()


def test_once_is_enough(site: Site) -> None:
    add_course(site)
    stop(site, "died")
    with pytest.raises(InputError):
        stop(site, "died")
    with pytest.raises(InputError):
        undo(site, INVITATION, " ")
    undo(site, INVITATION)
    with pytest.raises(NotFoundError):
        stopping.undo_stop(site, "P-01", 1, "again", actor="staff:1", now=INVITATION)


def token_of(site: Site, course: int) -> str:
    with site.database.write() as session:
        return ensure_link(session, site.link_key, course, "baseline")


def test_from_a_message_only_messages_end(site: Site, server: MailServer) -> None:
    token = token_of(site, add_course(site))
    for _ in range(2):
        stopping.from_message(site, token, "stop", INVITATION)
    assert tick(site, server, INVITATION) == 0
    view = person_view(site, "P-01", INVITATION)
    assert [(s.kind, s.own) for s in view.courses[0].stops] == [("messages stopped", True)]
    assert view.courses[0].cells[0].state == "open"
    assert any("Stopped messages" in n.why for n in needs_of(site, INVITATION))
    stopping.from_message(site, token, "again", INVITATION)
    assert tick(site, server, INVITATION) == 1


def test_a_pause_from_a_message_gives_way_to_the_next_choice(site: Site) -> None:
    token = token_of(site, add_course(site))
    stopping.from_message(site, token, "month", INVITATION)
    assert stopping.at_message(site, token).paused_until == date(2027, 4, 9)
    stopping.from_message(site, token, "week", INVITATION)
    assert stopping.at_message(site, token).paused_until == date(2027, 3, 17)
    with pytest.raises(InputError):
        stopping.from_message(site, token, "for ever", INVITATION)


def test_quiet_hours_move_the_message_within_its_day(site: Site, server: MailServer) -> None:
    course = add_course(site)
    stopping.set_quiet_hours(
        site, "P-01", time(18), time(13), actor="staff:1", now=INVITATION - timedelta(days=1)
    )
    assert person_view(site, "P-01", INVITATION).quiet == "18:00 to 13:00"
    assert tick(site, server, INVITATION) == 0
    assert tick(site, server, datetime(2027, 3, 10, 12, tzinfo=UTC)) == 1
    with site.database.write() as session:
        assert windows.mend_windows(session, site.library) == 0
        rows = session.scalars(select(PromptRow).where(PromptRow.course_id == course)).all()
        assert [(r.number, r.status) for r in rows] == [(0, "sent")]


@pytest.mark.parametrize(
    ("start", "end"),
    [(time(8), None), (None, time(8)), (time(9), time(9)), (time(8), time(19, 30))],
)
def test_quiet_hours_leave_an_hour(site: Site, start: time | None, end: time | None) -> None:
    add_course(site)
    with pytest.raises(InputError):
        stopping.set_quiet_hours(site, "P-01", start, end, actor="staff:1", now=INVITATION)
    assert person_view(site, "P-01", INVITATION).quiet == ""
