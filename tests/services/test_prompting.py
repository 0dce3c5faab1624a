"""Prompts: each once, with its reason, whatever the mail server does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import enrolment, people, prompting, reaching
from surveyapp.services.reaching import Contacts
from surveyapp.services.site import Site
from surveyapp.store import facts, trail
from surveyapp.store.facts import course_context
from surveyapp.store.tables import (
    Anchor,
    Assessment,
    Attempt,
    Clearance,
    Consent,
    PromptRow,
    WindowRow,
)
from surveyapp.store.windows import refresh_windows
from surveyapp.worker import Ticker
from tests.world import EARLIER, MailServer, add_course

ZONE = ZoneInfo("Europe/Amsterdam")


def local(month: int, day: int, hour: int = 10, minute: int = 0) -> datetime:
    return datetime(2027, month, day, hour, minute, tzinfo=ZONE).astimezone(UTC)


INVITATION = local(3, 10)


class Hand:
    """A clock that a test sets."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def tick(site: Site, server: MailServer, at: datetime) -> int:
    return Ticker(site, SmtpMailer(server.url), Hand(at)).tick()


def rows(site: Site) -> list[tuple[str, int, str, str]]:
    with site.database.read() as session:
        found = session.scalars(select(PromptRow).order_by(PromptRow.due_at))
        return [(r.timepoint, r.number, r.status, r.reason) for r in found]


def test_an_invitation_goes_out_once_at_its_hour(site: Site, server: MailServer) -> None:
    add_course(site)
    assert tick(site, server, INVITATION - timedelta(seconds=1)) == 0
    assert tick(site, server, INVITATION) == 1
    assert tick(site, server, INVITATION + timedelta(hours=3)) == 0
    (message,) = server.sink.messages
    assert message["To"] == "p01@example.org"
    assert message["Subject"] == "Your check-in is ready"
    plain = message.get_body(("plain",))
    html = message.get_body(("html",))
    assert plain is not None
    assert html is not None
    for text in (plain.get_content(), html.get_content()):
        assert "https://checkin.example.org/s/" in text
        assert "until Fri 19 Mar 2027" in text
        assert "Replies to this message are not read" in text
        assert "Placeholder" in text
    assert rows(site) == [("baseline", 0, "sent", "handed to the mail server")]


def test_a_message_is_neutral_outside(site: Site, server: MailServer) -> None:
    add_course(site)
    tick(site, server, INVITATION)
    outside = " ".join(str(server.sink.messages[0][h]) for h in ("Subject", "From", "Message-ID"))
    for word in ("retreat", "psilocybin", "HADS", "mood", "Spring", "P-01"):
        assert word.lower() not in outside.lower()


def test_reminders_follow_and_stop_when_the_answers_are_in(site: Site, server: MailServer) -> None:
    course = add_course(site)
    assert tick(site, server, INVITATION) == 1
    assert tick(site, server, local(3, 13)) == 1
    assert server.sink.messages[1]["Subject"] == "A reminder: your check-in is ready"
    submit(site, course, "baseline", "hads", local(3, 14))
    assert tick(site, server, local(3, 17)) == 0
    assert [r[:3] for r in rows(site)] == [("baseline", 0, "sent"), ("baseline", 1, "sent")]


def submit(site: Site, course_id: int, timepoint: str, instrument: str, at: datetime) -> None:
    with site.database.write() as session:
        session.add(
            Assessment(
                course_id=course_id,
                timepoint=timepoint,
                instrument=instrument,
                instrument_version="1",
                wording_sha256="0",
                placeholder=True,
                language="en",
                mode="phone",
                started_at=at,
                submitted_at=at,
            )
        )
        refresh_windows(session, site.library, [course_id])


def test_late_enrolment_gets_the_newest_missed_prompt_only(site: Site, server: MailServer) -> None:
    add_course(site)
    assert tick(site, server, local(3, 14, 9)) == 1
    assert rows(site) == [
        ("baseline", 0, "skipped", "a newer message was due"),
        ("baseline", 1, "sent", "handed to the mail server"),
    ]


def test_nothing_goes_out_at_night(site: Site, server: MailServer) -> None:
    add_course(site)
    assert tick(site, server, local(3, 10, 21)) == 0
    assert rows(site) == [("baseline", 0, "held", "quiet hours (20:00 to 08:00)")]
    assert tick(site, server, local(3, 11, 7, 59)) == 0
    assert tick(site, server, local(3, 11, 8)) == 1


def test_without_consent_nothing_is_sent(site: Site, server: MailServer) -> None:
    course = add_course(site, consent=False)
    assert tick(site, server, INVITATION) == 0
    with site.database.write() as session:
        session.add(
            Consent(
                course_id=course,
                given_on=date(2027, 3, 10),
                scope="answers and messages",
                recorded_by="staff:1",
                recorded_at=EARLIER,
            )
        )
        refresh_windows(session, site.library, [course])
    assert tick(site, server, INVITATION + timedelta(hours=1)) == 1


def test_follow_up_waits_for_the_confirmed_dosing_day(site: Site, server: MailServer) -> None:
    course = add_course(site)
    assert tick(site, server, local(3, 28)) == 0
    with site.database.write() as session:
        session.get_one(Anchor, (course, "dosing")).confirmed_at = EARLIER
        refresh_windows(session, site.library, [course])
    assert tick(site, server, local(3, 28, 11)) == 1
    assert server.sink.messages[0]["Subject"] == "Your check-in is ready"


def test_week_24_waits_for_the_coordinator(site: Site, server: MailServer) -> None:
    course = add_course(site, confirmed=True)
    asked = datetime(2027, 9, 4, 10, tzinfo=ZONE).astimezone(UTC)
    tick(site, server, asked)
    assert server.sink.messages == []
    with site.database.write() as session:
        session.add(
            Clearance(course_id=course, timepoint="week-24", given_by="staff:1", given_at=EARLIER)
        )
        refresh_windows(session, site.library, [course])
    assert tick(site, server, asked + timedelta(hours=1)) == 1


def test_a_closed_window_is_said_to_be_closed(site: Site, server: MailServer) -> None:
    add_course(site, consent=False)
    assert tick(site, server, local(3, 20, 0)) == 0
    assert {r[2:] for r in rows(site)} == {("skipped", "the window has closed")}


@pytest.mark.parametrize(
    "address", ["a@example.org", "a@clinic.test", "a@x.example", "a@b.invalid", "a@example.net"]
)
def test_a_practice_study_sends_to_test_addresses(
    sqlite_site: Site, server: MailServer, address: str
) -> None:
    add_course(sqlite_site, address=address)
    assert tick(sqlite_site, server, INVITATION) == 1


@pytest.mark.parametrize("address", ["a@clinic.nl", "a@example.org.evil.com", "a@notexample.org"])
def test_a_practice_study_holds_real_addresses(
    sqlite_site: Site, server: MailServer, address: str
) -> None:
    add_course(sqlite_site, address=address)
    assert tick(sqlite_site, server, INVITATION) == 0
    reason = "practice study: sends only to staff and test addresses"
    assert rows(sqlite_site) == [("baseline", 0, "held", reason)]


def test_a_missing_address_is_held_with_its_reason(site: Site, server: MailServer) -> None:
    add_course(site, address=None)
    assert tick(site, server, INVITATION) == 0
    assert rows(site) == [("baseline", 0, "held", "no e-mail address on record")]


def test_an_address_that_comes_later_lets_the_held_message_go_at_once(
    site: Site, server: MailServer
) -> None:
    add_course(site, address=None)
    tick(site, server, INVITATION)
    later = INVITATION + timedelta(minutes=5)
    reaching.set_contacts(site, "P-01", Contacts("p01@example.org"), actor="staff:1", now=later)
    assert tick(site, server, later) == 1


def test_an_address_given_with_a_second_course_frees_the_first(
    site: Site, server: MailServer
) -> None:
    add_course(site, address=None)
    tick(site, server, INVITATION)
    later = INVITATION + timedelta(minutes=5)
    retreat = enrolment.NewRetreat(
        name="Autumn 2027",
        protocol="second-retreat",
        time_zone="Europe/Amsterdam",
        dosing_date=date(2027, 9, 14),
    )
    group = enrolment.add_retreat(site, retreat, actor="staff:1", now=later)
    again = people.NewPerson("P-01", "p01@example.org")
    people.add_people(site, group, [again], actor="staff:1", now=later)
    assert tick(site, server, later) == 1


def test_a_refused_recipient_is_final_and_delays_nobody(site: Site, server: MailServer) -> None:
    add_course(site, "P-01", address="gone@example.org")
    add_course(site, "P-02", address="here@example.org")
    server.sink.answer = lambda to: "550 no such user" if to.startswith("gone") else "250 OK"
    assert tick(site, server, INVITATION) == 1
    assert sorted(r[2:] for r in rows(site)) == [
        ("refused", "refused: mailbox unknown (550)"),
        ("sent", "handed to the mail server"),
    ]


def test_a_mail_server_that_is_down_is_tried_again(site: Site, server: MailServer) -> None:
    add_course(site)
    clock = Hand(INVITATION)
    down = Ticker(site, SmtpMailer("smtp://127.0.0.1:1"), clock)
    assert down.tick() == 0
    ((_, _, status, reason),) = rows(site)
    assert status == "waiting"
    assert reason.startswith("no connection to the mail server")
    assert tick(site, server, INVITATION + timedelta(seconds=30)) == 0
    assert tick(site, server, INVITATION + timedelta(minutes=1)) == 1


def test_an_unknown_outcome_goes_again_with_the_same_message_id(
    site: Site, server: MailServer
) -> None:
    add_course(site)
    seen: list[str] = []

    def once(message: object) -> str:
        seen.append(message["Message-ID"])  # type: ignore[index]
        return "451 later" if len(seen) == 1 else "250 taken"

    server.sink.after_data = once
    tick(site, server, INVITATION)
    tick(site, server, INVITATION + timedelta(minutes=2))
    assert len(seen) == 2
    assert len(set(seen)) == 1


def test_a_worker_killed_after_claiming_loses_nothing(site: Site, server: MailServer) -> None:
    course = add_course(site)
    assert prompting.claim(site, course, "killed", INVITATION) is not None
    assert tick(site, server, INVITATION + timedelta(minutes=1)) == 0
    assert tick(site, server, INVITATION + prompting.LEASE) == 1


def test_what_changed_after_the_claim_is_seen_before_sending(
    site: Site, server: MailServer
) -> None:
    course = add_course(site)
    job = prompting.claim(site, course, "worker", INVITATION)
    assert job is not None
    submit(site, course, "baseline", "hads", INVITATION)
    assert prompting.recheck(site, job, INVITATION) is False
    assert tick(site, server, INVITATION + timedelta(hours=1)) == 0


def test_a_lost_lease_is_not_sent_by_the_first_worker(site: Site) -> None:
    course = add_course(site)
    first = prompting.claim(site, course, "first", INVITATION)
    later = INVITATION + prompting.LEASE
    second = prompting.claim(site, course, "second", later)
    assert first is not None
    assert second is not None
    assert first.message_id == second.message_id
    assert prompting.recheck(site, first, later) is False
    assert prompting.recheck(site, second, later) is True


def test_two_check_ins_on_one_day_make_one_message(site: Site, server: MailServer) -> None:
    """A second course's baseline opens while the first course's week 24 is asked."""
    add_course(site, confirmed=True, number=1)
    second = add_course(site, number=2, retreat="Autumn 2027", dosing=date(2027, 9, 14))
    with site.database.write() as session:
        session.add(
            Clearance(course_id=1, timepoint="week-24", given_by="staff:1", given_at=EARLIER)
        )
        refresh_windows(session, site.library, [1, second])
    asked = datetime(2027, 9, 4, 10, tzinfo=ZONE).astimezone(UTC)
    assert tick(site, server, asked) == 1
    (message,) = server.sink.messages
    plain = message.get_body(("plain",))
    assert plain is not None
    links = {line for line in plain.get_content().splitlines() if line.startswith("https://")}
    assert len(links) == 2
    with site.database.read() as session:
        ids = session.scalars(select(PromptRow.message_id).where(PromptRow.status == "sent"))
        assert set(ids) == {message["Message-ID"]}
        assert len(session.scalars(select(Attempt)).all()) == 2


def test_windows_equal_their_derivation_after_everything(site: Site, server: MailServer) -> None:
    course = add_course(site, confirmed=True)
    for day in range(8, 30):
        tick(site, server, local(3, day, 12))
    assert prompting.sweep(site) == 0
    with site.database.write() as session:
        session.get_one(WindowRow, (course, "day-8")).next_prompt = None
    assert prompting.sweep(site) == 1
    assert prompting.sweep(site) == 0


def test_the_trail_says_what_became_of_every_prompt(site: Site, server: MailServer) -> None:
    add_course(site)
    tick(site, server, local(3, 14))
    with site.database.read() as session:
        verified = trail.verify(session)
        assert verified.fault is None
        assert verified.events == 3
        assert course_context(session, site.library, 1) is not None
        assert facts.course_contexts(session, site.library, []) == []
