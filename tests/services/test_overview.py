"""What the staff pages show: states, prompts with reasons, and who needs somebody today."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from surveyapp.services import (
    alert_acts,
    dosing,
    enrolment,
    instance,
    overview,
    people,
    personal,
    stopping,
)
from surveyapp.services.alert_acts import NewResponders
from surveyapp.services.dosing import NewDose
from surveyapp.services.enrolment import NewRetreat, StudySettings
from surveyapp.services.exchange import importing
from surveyapp.services.people import NewPerson
from surveyapp.services.site import Site
from surveyapp.store import contacts, heartbeat
from surveyapp.store.links import ensure_link
from surveyapp.store.tables import Participant, PromptRow
from surveyapp.web.staff.desk import By
from tests.world import add_course, needs_of

COHORT = Path(__file__).parents[1] / "data" / "second-retreat"
DOSING = date(2027, 3, 20)
FULL = StudySettings("112", "0800 1", "020 1", "9 to 17", "your facilitator", "within a week")
RESPONDERS = NewResponders("On call", "on-call@example.org", 60)


def at(days: int, hour: int = 9) -> datetime:
    """So many days after the dosing day, in UTC."""
    return datetime.combine(DOSING, time(hour), UTC) + timedelta(days=days)


def by(now: datetime) -> By:
    return {"actor": "staff:1", "now": now}


def fill_in(site: Site) -> None:
    """The study's settings, and who is told of alerts."""
    enrolment.save_settings(site, 1, FULL, **by(at(-20)))
    alert_acts.set_responders(site, 1, RESPONDERS, **by(at(-20)))


def alive(site: Site, now: datetime, trouble: str = "") -> None:
    with site.database.write() as session:
        heartbeat.beat(session, "w1", now, trouble)


@pytest.fixture
def quiet(site: Site) -> Site:
    """One person with consent, settings filled in, somebody who is told of alerts."""
    add_course(site, "P-01")
    fill_in(site)
    return site


def reasons(site: Site, now: datetime) -> list[str]:
    alive(site, now)
    return [f"{need.subject}: {need.why}" for need in needs_of(site, now)]


def test_quiet_day_has_no_lines(quiet: Site) -> None:
    assert reasons(quiet, at(-12)) == []


def test_stopped_worker_shows(quiet: Site) -> None:
    assert "no worker has run yet" in needs_of(quiet, at(-12))[0].why
    alive(quiet, at(-12))
    assert needs_of(quiet, at(-12) + timedelta(minutes=2)) == []
    assert "no worker since" in needs_of(quiet, at(-12) + timedelta(minutes=2, seconds=1))[0].why


def test_worker_that_cannot_send_says_why(quiet: Site) -> None:
    alive(quiet, at(-12), "the mail server does not answer")
    assert "the mail server does not answer" in needs_of(quiet, at(-12))[0].why


def test_no_consent_leads_to_the_act(site: Site) -> None:
    add_course(site, "P-01", consent=False)
    fill_in(site)
    alive(site, at(-12))
    (need,) = needs_of(site, at(-12))
    assert need.place is not None
    assert (need.subject, need.place.page) == ("P-01", "consent")
    assert need.place.args == {"code": "P-01", "number": 1}


def test_same_reason_for_many_is_one_line(site: Site) -> None:
    for n in range(1, 6):
        add_course(site, f"P-0{n}", consent=False)
    fill_in(site)
    (line,) = reasons(site, at(-12))
    assert line == "Spring 2027: 5 people: no consent on record, so nothing is sent."


def test_no_baseline_two_days_before_the_dosing_day(quiet: Site) -> None:
    assert not any("dosing day is" in line for line in reasons(quiet, at(-3)))
    assert any("it can still be answered" in line for line in reasons(quiet, at(-2)))
    assert any("its window has closed" in line for line in reasons(quiet, at(0)))


def test_unconfirmed_day_says_how_many_prompts_are_held(quiet: Site) -> None:
    (line,) = [line for line in reasons(quiet, at(1)) if "not confirmed" in line]
    assert line.endswith("is not confirmed for P-01, so 6 prompts are held.")
    dosing.confirm_anchor(quiet, "P-01", 1, **by(at(1)))
    assert reasons(quiet, at(1)) == []


def test_follow_up_asks_for_a_word_three_days_before(quiet: Site) -> None:
    dosing.confirm_anchor(quiet, "P-01", 1, **by(at(1)))
    assert reasons(quiet, at(164)) == []
    (line,) = reasons(quiet, at(165))
    assert "Week 24 needs your word" in line
    dosing.clear_timepoint(quiet, "P-01", 1, "week-24", **by(at(165)))
    assert reasons(quiet, at(165)) == []


def test_window_about_to_close(quiet: Site) -> None:
    dosing.confirm_anchor(quiet, "P-01", 1, **by(at(1)))
    assert reasons(quiet, at(11)) == []
    assert reasons(quiet, at(12)) == ["P-01: Day 8 closes Sat 3 Apr 2027: not answered."]


@pytest.mark.parametrize(
    ("status", "words"), [("refused", "was refused: no such box"), ("waiting", "is tried again")]
)
def test_mail_that_did_not_arrive(quiet: Site, status: str, words: str) -> None:
    dosing.confirm_anchor(quiet, "P-01", 1, **by(at(1)))
    with quiet.database.write() as session:
        session.add(
            PromptRow(
                course_id=1,
                timepoint="day-8",
                number=0,
                revision=0,
                due_at=at(8, 8),
                status=status,
                reason="no such box",
                next_at=None if status == "refused" else at(8, 10),
                updated_at=at(8),
            )
        )
    (line,) = reasons(quiet, at(8, 9))
    assert words in line


def test_people_without_address_or_day(site: Site) -> None:
    add_course(site, "P-01", address=None)
    made = enrolment.add_retreat(
        site, NewRetreat("Later", "second-retreat", "Europe/Amsterdam"), **by(at(-20))
    )
    people.add_person(site, made, NewPerson("P-02", "p02@example.org"), **by(at(-20)))
    lines = reasons(site, at(-12))
    assert "P-01: No contact on record, so nothing can be sent." in lines
    assert any(line.startswith("Later: There are people without a dosing day") for line in lines)
    assert any("cannot be told: emergency line" in line for line in lines)


@pytest.mark.parametrize(
    ("channels", "refused", "why"),
    [
        ("email", "mailbox unknown", "The e-mail address takes no messages (mailbox unknown)"),
        ("phone", "", "No phone number on record"),
        (
            "email phone",
            "mailbox unknown",
            "The e-mail address takes no messages (mailbox unknown)",
        ),
    ],
)
def test_somebody_who_cannot_be_reached_shows_before_anything_is_due(
    quiet: Site, channels: str, refused: str, why: str
) -> None:
    """A bounce months before the next message is no reason to wait for that message."""
    with quiet.database.write() as session:
        session.get_one(Participant, 1).channels = channels
        if refused:
            contacts.mark_refused(session, 1, contacts.EMAIL, refused, at(-15))
    alive(quiet, at(-15))
    assert reasons(quiet, at(-15)) == [f"P-01: {why}, so nothing can be sent."]
    lines = personal.person_view(quiet, "P-01", at(-15)).courses[0].prompts
    assert {line.state for line in lines} == {"held"}
    assert lines[0].reason.lower() == why.lower().removesuffix(", so nothing can be sent.")


def test_a_second_channel_is_a_way(quiet: Site) -> None:
    with quiet.database.write() as session:
        session.get_one(Participant, 1).channels = "phone email"
    alive(quiet, at(-15))
    assert reasons(quiet, at(-15)) == []


def test_a_pause_chosen_in_a_message_shows(quiet: Site) -> None:
    with quiet.database.write() as session:
        token = ensure_link(session, quiet.link_key, 1, "baseline")
    stopping.from_message(quiet, token, "week", at(-15))
    alive(quiet, at(-15))
    (reason,) = reasons(quiet, at(-15))
    assert reason.startswith("P-01: Paused messages until Fri 12 Mar 2027, from a message.")
    alive(quiet, at(-7))
    assert not any("Paused" in reason for reason in reasons(quiet, at(-7)))


def test_held_messages_are_not_told_as_planned(quiet: Site) -> None:
    instance.hold(quiet, instance.BY_HAND, "wrong dates", actor="staff:1", now=at(-15))
    lines = personal.person_view(quiet, "P-01", at(-15)).courses[0].prompts
    assert (lines[0].state, lines[0].reason) == (
        "held",
        "all messages are held, because wrong dates",
    )


def test_prompts_say_what_will_become_of_them(quiet: Site) -> None:
    view = personal.person_view(quiet, "P-01", at(-12)).courses[0]
    assert [(p.label, p.state, p.reason) for p in view.prompts[2:5]] == [
        ("Before the retreat", "planned", ""),
        ("Day 8", "held", "the dosing day is not confirmed"),
        ("Day 8", "held", "the dosing day is not confirmed"),
    ]
    dosing.record_dose(
        quiet, "P-01", 1, NewDose("first", "given", 25, DOSING, time(9)), **by(at(1))
    )
    view = personal.person_view(quiet, "P-01", at(9)).courses[0]
    states = {(p.label, p.number): (p.state, p.reason) for p in view.prompts}
    assert states["Before the retreat", 0] == ("skipped", "the window has closed")
    assert states["Day 8", 0] == ("planned", "due now")
    assert states["Week 24", 0] == ("held", "waiting for the coordinator to confirm this person")
    assert [c.state for c in view.cells] == ["missed", "open", "upcoming"]
    assert view.day == 9


def test_person_page_of_the_cohort(site: Site) -> None:
    now = datetime(2026, 10, 1, tzinfo=UTC)
    importing.import_folder(site, COHORT, now)
    view = personal.person_view(site, "R2-05", now)
    assert [c.number for c in view.courses] == [2, 1]
    assert [chart.title for chart in view.charts] == [
        "Anxiety and depression",
        "Session, as remembered",
    ]
    assert all(notice.startswith("Placeholder") for notice in view.notices)
    hads, meq30 = view.courses[0].scores
    assert (hads.compares, meq30.compares) == (True, False)
    assert meq30.heads == ("Day 8",)
    assert all(len(row.scores) == 3 for row in hads.rows)
    assert "within error" in " ".join(hads.rows[0].changes)
    assert {p.state for p in view.courses[1].prompts} == {"skipped"}


def test_roster_of_the_cohort(site: Site) -> None:
    now = datetime(2026, 10, 1, tzinfo=UTC)
    importing.import_folder(site, COHORT, now)
    (winter,) = [r for r in overview.retreats(site) if r.name == "Winter 2026"]
    assert (winter.people, winter.confirmed) == (13, 13)
    view = overview.retreat_view(site, winter.id, now)
    assert sum(row.booster.startswith("10 mg after") for row in view.rows) == 7
    assert {row.dose for row in view.rows} == {"35 mg"}
    assert view.unconfirmed == view.held == 0
    assert [label for _, label in view.timepoints] == ["Before the retreat", "Day 8", "Week 24"]


def test_search_takes_a_part_in_any_case(quiet: Site) -> None:
    add_course(quiet, "Q_1")
    assert [p.code for p in overview.people(quiet, " p-0 ", at(-12))] == ["P-01"]
    assert [p.code for p in overview.people(quiet, "_", at(-12))] == ["Q_1"]
    assert len(overview.people(quiet, "", at(-12))) == 2
    assert overview.people(quiet, "%", at(-12)) == []


def test_number_of_statements_does_not_grow_with_people(sqlite_site: Site) -> None:
    site = sqlite_site
    counts: list[int] = []
    for n in range(1, 13):
        add_course(site, f"P-{n:02d}")
        if n in (2, 12):
            counts.append(_statements(site))
    assert counts[0] == counts[1] <= 27


def _statements(site: Site) -> int:
    seen: list[str] = []

    def note(_c: object, _k: object, statement: str, *_rest: object) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            seen.append(statement)

    event.listen(site.database.engine, "before_cursor_execute", note)
    needs_of(site, at(1))
    overview.retreat_view(site, 1, at(1))
    event.remove(site.database.engine, "before_cursor_execute", note)
    return len(seen)
