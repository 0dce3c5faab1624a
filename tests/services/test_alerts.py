"""Alerts: raised once with the answer that brought them, told at once, then to the deputy."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, select

from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import (
    alert_acts,
    alert_messages,
    alert_views,
    alerts,
    answering,
    instance,
    visits,
)
from surveyapp.services.alert_acts import Done, NewResponders
from surveyapp.services.answering import Tap
from surveyapp.services.errors import InputError, NotFoundError
from surveyapp.services.site import Site
from surveyapp.store import instance as mark
from surveyapp.store import trail
from surveyapp.store.links import ensure_link
from surveyapp.store.tables_access import Event
from surveyapp.store.tables_care import Alert, AlertMessage
from surveyapp.study.library import Library
from surveyapp.worker import Ticker
from tests.world import MailServer, add_course, needs_of

BEFORE = datetime(2027, 3, 13, 9, tzinfo=UTC)
DAY_8 = datetime(2027, 3, 28, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FIRST, DEPUTY = "on-call@example.org", "deputy@example.org"
PEOPLE = NewResponders("On call", FIRST, 30, "The deputy", DEPUTY)
STAFF = "staff:1"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def course(site: Site) -> int:
    """A person in a study whose people are named; no messages to the person itself."""
    made = add_course(site, confirmed=True, consent=False)
    alert_acts.set_responders(site, 1, PEOPLE, actor=STAFF, now=BEFORE)
    return made


def answer(site: Site, course: int, timepoint: str, value: int, now: datetime) -> None:
    """Every item of HADS with one value, sent."""
    with site.database.write() as session:
        token = ensure_link(session, site.link_key, course, timepoint)
    at = answering.begin(site, token, now)
    write = visits.write_capability(at.read_secret)
    answering.save(site, at.visit, write, [Tap("hads", str(n), value) for n in range(1, 15)], now)
    answering.send(site, at.visit, write, "hads", now)


def worsen(site: Site, course: int) -> None:
    """From 0 to 14 on both scales."""
    answer(site, course, "baseline", 0, BEFORE)
    answer(site, course, "day-8", 2, DAY_8)


def rows(site: Site) -> list[Alert]:
    with site.database.read() as session:
        return list(session.scalars(select(Alert).order_by(Alert.id)))


def messages(site: Site) -> list[tuple[int, str, str]]:
    with site.database.read() as session:
        found = session.scalars(select(AlertMessage).order_by(AlertMessage.id))
        return [(row.place, row.status, row.reason) for row in found]


def tick(site: Site, server: MailServer, now: datetime) -> int:
    return Ticker(site, SmtpMailer(server.url), lambda: now).tick()


def recipients(server: MailServer) -> list[str]:
    return [message["To"] for message in server.sink.messages]


def test_worse_answers_raise_each_rule_once(site: Site, course: int) -> None:
    worsen(site, course)
    found = [(row.rule, row.timepoint, row.about) for row in rows(site)]
    assert found == [
        ("reliable worsening", "day-8", "anxiety"),
        ("reliable worsening", "day-8", "depression"),
        ("case range", "day-8", "anxiety"),
        ("case range", "day-8", "depression"),
    ]
    numbers = json.loads(rows(site)[0].numbers)
    assert (numbers["before"], numbers["now"]) == (0, 14)
    with site.database.write() as session:
        assert alerts.judge(session, site, course, DAY_8 + MINUTE) == 0
        kinds = list(session.scalars(select(Event.kind).where(Event.kind == "alert raised")))
        assert trail.verify(session).fault is None
    assert len(kinds) == 4
    assert [place for place, _, _ in messages(site)] == [1, 2]


def test_good_answers_raise_none(site: Site, course: int) -> None:
    answer(site, course, "baseline", 3, BEFORE)
    answer(site, course, "day-8", 0, DAY_8)
    assert rows(site) == []


def test_the_first_is_told_at_once_and_without_content(
    site: Site, course: int, server: MailServer
) -> None:
    worsen(site, course)
    assert tick(site, server, DAY_8) == 1
    assert tick(site, server, DAY_8 + MINUTE) == 0
    (message,) = server.sink.messages
    assert message["To"] == FIRST
    assert message["Subject"] == "Something needs your look"
    text = message.get_body(("plain",)).get_content()
    assert f"https://checkin.example.org/staff/alerts/{rows(site)[0].id}" in text
    whole = server.sink.raw[0].decode()
    for word in ("P-01", "nxiety", "HADS", "worsening", "retreat", "psilocybin"):
        assert word not in whole


def test_the_deputy_is_told_when_nobody_acknowledged(
    site: Site, course: int, server: MailServer
) -> None:
    worsen(site, course)
    tick(site, server, DAY_8)
    assert tick(site, server, DAY_8 + 29 * MINUTE) == 0
    assert tick(site, server, DAY_8 + 30 * MINUTE) == 1
    assert recipients(server) == [FIRST, DEPUTY]
    assert tick(site, server, DAY_8 + timedelta(days=2)) == 0


def test_acknowledged_in_time_the_deputy_is_left_alone(
    site: Site, course: int, server: MailServer
) -> None:
    worsen(site, course)
    tick(site, server, DAY_8)
    alert_id = rows(site)[0].id
    by = {"actor": STAFF, "now": DAY_8 + MINUTE}
    assert alert_acts.acknowledge(site, alert_id, **by)
    assert not alert_acts.acknowledge(site, alert_id, **by)
    assert tick(site, server, DAY_8 + timedelta(hours=2)) == 0
    assert recipients(server) == [FIRST]
    assert {row.acknowledged_by for row in rows(site)} == {STAFF}
    assert messages(site)[1][:2] == (2, "not needed")


def test_a_refused_address_brings_the_deputy_at_once(
    site: Site, course: int, server: MailServer
) -> None:
    server.sink.answer = lambda to: "550 no such box" if to == FIRST else "250 OK"
    worsen(site, course)
    assert tick(site, server, DAY_8) == 1
    assert recipients(server) == [DEPUTY]
    assert messages(site)[0][:2] == (1, "refused")
    (line, *_) = [n for n in needs_of(site, DAY_8) if n.subject == "P-01"]
    assert "Could not be told: On call." in line.why


def test_a_busy_box_is_tried_again_with_the_same_name(
    site: Site, course: int, server: MailServer
) -> None:
    alone = dataclasses.replace(PEOPLE, deputy_name="", deputy_email="")
    alert_acts.set_responders(site, 1, alone, actor=STAFF, now=BEFORE)
    tried: list[str] = []

    def busy(message) -> str:
        tried.append(message["Message-ID"])
        return "250 taken" if len(tried) > 2 else "450 busy"

    server.sink.after_data = busy
    worsen(site, course)
    sent = [tick(site, server, DAY_8 + n * MINUTE) for n in range(5)]
    assert sent == [0, 0, 0, 1, 0]
    assert len(set(tried)) == 1
    assert len(tried) == 3


def test_a_killed_worker_leaves_one_copy_more_at_most(
    site: Site, course: int, server: MailServer
) -> None:
    """The server has the message, and the worker dies before it writes that down."""

    class Killed(BaseException):
        pass

    class Dying(SmtpMailer):
        def offer(self, message, recipient):
            super().offer(message, recipient).finish()
            self.rest()
            raise Killed

    worsen(site, course)
    with pytest.raises(Killed):
        alert_messages.send_due(site, Dying(server.url), lambda: DAY_8, threading.Event())
    assert tick(site, server, DAY_8) == 0
    assert tick(site, server, DAY_8 + 3 * MINUTE) == 1
    assert tick(site, server, DAY_8 + 9 * MINUTE) == 0
    assert len(server.sink.ids) == 2
    assert len(set(server.sink.ids)) == 1


def test_nothing_goes_while_messages_are_held_and_today_shows_it(
    site: Site, course: int, server: MailServer
) -> None:
    with site.database.write() as session:
        mark.make(session)
    instance.hold(site, instance.BY_HAND, "a reason", actor=STAFF, now=DAY_8)
    worsen(site, course)
    assert tick(site, server, DAY_8) == 0
    assert any("HADS Anxiety rose" in need.why for need in needs_of(site, DAY_8))


def test_a_practice_study_writes_to_test_addresses_and_staff_alone(
    site: Site, course: int, server: MailServer
) -> None:
    real = dataclasses.replace(PEOPLE, email="somebody@hospital.nl")
    with pytest.raises(InputError) as caught:
        alert_acts.set_responders(site, 1, real, actor=STAFF, now=DAY_8)
    assert list(caught.value.problems) == ["email"]
    worsen(site, course)
    with site.database.write() as session:
        session.scalars(select(AlertMessage)).first().email = "somebody@hospital.nl"
    assert tick(site, server, DAY_8) == 1
    assert recipients(server) == [DEPUTY]


def test_who_is_named_later_is_told_of_what_waits(site: Site, server: MailServer) -> None:
    course = add_course(site, confirmed=True, consent=False)
    worsen(site, course)
    assert any("nobody is named to be told" in need.why for need in needs_of(site, DAY_8))
    assert tick(site, server, DAY_8) == 0
    alert_acts.set_responders(site, 1, PEOPLE, actor=STAFF, now=DAY_8 + MINUTE)
    assert not any("nobody is named" in need.why for need in needs_of(site, DAY_8))
    assert tick(site, server, DAY_8 + MINUTE) == 1
    assert tick(site, server, DAY_8 + 31 * MINUTE) == 1
    assert recipients(server) == [FIRST, DEPUTY]


def test_action_outcome_and_the_end(site: Site, course: int) -> None:
    worsen(site, course)
    alert_id, by = rows(site)[0].id, {"actor": STAFF, "now": DAY_8 + MINUTE}
    with pytest.raises(InputError):
        alert_acts.close(site, alert_id, " ", 0, **by)
    alert_acts.record(site, alert_id, Done("called", "", 0), **by)
    with pytest.raises(InputError) as caught:
        alert_acts.record(site, alert_id, Done("mine", "", 0), **by)
    assert "“called”" in caught.value.problems[""]
    alert_acts.close(site, alert_id, "", 1, **by)
    view = alert_views.alert_view(site, alert_id)
    assert (view.state, view.action, len(view.found)) == ("closed", "called", 4)
    places = [need.place.page for need in needs_of(site, DAY_8) if need.place]
    assert "alert" not in places
    with pytest.raises(InputError):
        alert_acts.close(site, alert_id, "again", view.edition, **by)
    with pytest.raises(NotFoundError):
        alert_acts.acknowledge(site, 999, **by)


def test_closed_without_action_the_reason_is_the_outcome(site: Site, course: int) -> None:
    worsen(site, course)
    alert_id = rows(site)[0].id
    alert_acts.close(site, alert_id, "known already", 0, actor=STAFF, now=DAY_8)
    assert alert_views.alert_view(site, alert_id).outcome == "known already"


def test_a_drill_goes_the_same_way(site: Site, course: int, server: MailServer) -> None:
    alert_id = alert_acts.drill(site, 1, actor=STAFF, now=DAY_8)
    assert tick(site, server, DAY_8) == 1
    assert server.sink.messages[0]["Subject"] == "Drill: something needs your look"
    assert needs_of(site, DAY_8)[0].subject == "Drill: P-01"
    assert alert_views.alert_view(site, alert_id).drill
    assert [view.id for view in alert_views.open_of_person(site, "P-01")] == [alert_id]
    assert alert_acts.acknowledge(site, alert_id, actor=STAFF, now=DAY_8)


def test_a_drill_needs_somebody_to_tell(site: Site) -> None:
    add_course(site)
    with pytest.raises(InputError) as caught:
        alert_acts.drill(site, 1, actor=STAFF, now=DAY_8)
    assert "who is told" in caught.value.problems["drill"]


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (dataclasses.replace(PEOPLE, name=" "), "name"),
        (dataclasses.replace(PEOPLE, name="x" * 201), "name"),
        (dataclasses.replace(PEOPLE, email="nobody"), "email"),
        (dataclasses.replace(PEOPLE, minutes=0), "minutes"),
        (dataclasses.replace(PEOPLE, minutes=None), "minutes"),
        (dataclasses.replace(PEOPLE, deputy_name=""), "deputy_name"),
        (dataclasses.replace(PEOPLE, deputy_email=FIRST.upper()), "deputy_email"),
    ],
)
def test_wrong_people_are_refused(sqlite_site: Site, wish: NewResponders, field: str) -> None:
    add_course(sqlite_site)
    with pytest.raises(InputError) as caught:
        alert_acts.set_responders(sqlite_site, 1, wish, actor=STAFF, now=DAY_8)
    assert list(caught.value.problems) == [field]
    assert alert_views.responders(sqlite_site, 1) is None


def marked(library: Library) -> Library:
    """The library with a made-up mark on one item: no shipped instrument has one."""
    hads = library.instruments["hads"]
    items = tuple(
        dataclasses.replace(item, safety=True, safety_values=(2, 3)) if item.id == "3" else item
        for item in hads.items
    )
    own = {**library.instruments, "hads": dataclasses.replace(hads, items=items)}
    return dataclasses.replace(library, instruments=own)


def test_a_marked_item_is_judged_when_its_answer_arrives(site: Site, course: int) -> None:
    site = dataclasses.replace(site, library=marked(site.library))
    with site.database.write() as session:
        token = ensure_link(session, site.link_key, course, "day-8")
    at = answering.begin(site, token, DAY_8)
    write = visits.write_capability(at.read_secret)
    for value, count in ((1, 0), (2, 1), (3, 1)):
        answering.save(site, at.visit, write, [Tap("hads", "3", value, -MINUTE * value)], DAY_8)
        assert len(rows(site)) == count
    (row,) = rows(site)
    assert (row.rule, row.instrument, row.about) == ("safety item", "hads", "3")
    answering.send(site, at.visit, write, "hads", DAY_8 + MINUTE)
    assert len(rows(site)) == 1
    assert "marked for safety" in alert_views.alert_view(site, row.id).found[0]


def test_an_idle_tick_asks_once_more_and_no_oftener(sqlite_site: Site, server: MailServer) -> None:
    add_course(sqlite_site, confirmed=True, consent=False)
    asked: list[str] = []

    def note(_c: object, _k: object, statement: str, *_rest: object) -> None:
        if "alert" in statement:
            asked.append(statement)

    event.listen(sqlite_site.database.engine, "before_cursor_execute", note)
    tick(sqlite_site, server, DAY_8)
    event.remove(sqlite_site.database.engine, "before_cursor_execute", note)
    assert len(asked) == 1
    with sqlite_site.database.read() as session:
        plan = session.connection().exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT id FROM alert_message WHERE next_at <= '2027'"
            " ORDER BY next_at LIMIT 1"
        )
        assert "ix_alert_message_next_at" in " ".join(str(row) for row in plan)
