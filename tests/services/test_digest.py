"""The daily digest: once a day, counts and links alone, after its hour and not after its day."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import accounts, digest, digest_messages, instance
from surveyapp.services.digest import Wish, digest_view
from surveyapp.services.errors import InputError, NotFoundError
from surveyapp.services.site import Site
from surveyapp.store import instance as mark
from surveyapp.store import trail
from surveyapp.store.tables import Study
from surveyapp.store.tables_access import Event, Staff
from surveyapp.store.tables_digest import Digest, DigestMessage
from surveyapp.worker import Ticker
from tests.world import AMSTERDAM, DOSING, MailServer, add_course, needs_of

ZONE = ZoneInfo(AMSTERDAM)
EVENING = datetime(2027, 3, 22, 20, tzinfo=ZONE).astimezone(UTC)
MORNING = datetime(2027, 3, 23, 8, tzinfo=ZONE).astimezone(UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
TO, ALSO = "team@example.org", "second@example.org"
WISH = Wish(True, time(8), AMSTERDAM, TO, when_quiet=False)
STAFF = "staff:1"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def staffed(site: Site) -> Site:
    accounts.ensure_first_account(site, "ada@example.org", EVENING)
    return site


@pytest.fixture
def busy(staffed: Site) -> Site:
    """People without consent on a day that waits to be confirmed, and a wish for a digest."""
    for code in ("P-01", "P-02"):
        add_course(staffed, code, consent=False, address=None)
    want(staffed)
    return staffed


def want(site: Site, now: datetime = EVENING, **changes: object) -> None:
    digest.save(site, 1, replace(WISH, **changes), actor=STAFF, now=now)


def tick(site: Site, server: MailServer, now: datetime) -> int:
    return Ticker(site, SmtpMailer(server.url), lambda: now).tick()


def fates(site: Site) -> list[tuple[date, str, str]]:
    with site.database.read() as session:
        found = session.scalars(select(DigestMessage).order_by(DigestMessage.id))
        return [(row.day, row.email, row.status) for row in found]


def events(site: Site, kind: str) -> int:
    with site.database.read() as session:
        assert trail.verify(session).fault is None
        found = session.scalars(select(Event.kind).where(Event.chain == trail.SYSTEM))
        return [*found].count(kind)


def hold(site: Site) -> None:
    with site.database.write() as session:
        if mark.instance(session) is None:
            mark.make(session)
    instance.hold(site, instance.BY_HAND, "a reason", actor=STAFF, now=EVENING)


def test_once_a_day_at_its_time(busy: Site, server: MailServer) -> None:
    moments = [EVENING, MORNING - MINUTE, MORNING, MORNING + MINUTE, MORNING + 10 * 60 * MINUTE]
    assert [tick(busy, server, now) for now in moments] == [0, 0, 1, 0, 0]
    assert [tick(busy, server, now + DAY) for now in moments[1:]] == [0, 1, 0, 0]
    assert len(set(server.sink.ids)) == 2
    assert fates(busy) == [(date(2027, 3, 23), TO, "sent"), (date(2027, 3, 24), TO, "sent")]
    assert (events(busy, "digest set"), events(busy, "digest sent")) == (1, 2)


def test_counts_and_links_and_nothing_of_anybody(busy: Site, server: MailServer) -> None:
    tick(busy, server, MORNING)
    (message,) = server.sink.messages
    needs = needs_of(busy, MORNING)
    assert message["Subject"] == f"Today: {len(needs)} things need somebody"
    text = message.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert "- Consent not on record: 2" in text
    assert "- Days to confirm: 1" in text
    assert "- Settings to fill in: 1" in text
    assert "https://checkin.example.org/staff/\n" in text
    assert "https://checkin.example.org/staff/digest" in text
    whole = server.sink.raw[0].decode()
    subjects = {need.subject for need in needs if need.kind.startswith(("Consent", "Days"))}
    assert subjects == {"P-01", "P-02", "Spring 2027"}
    for word in (*subjects, "second-retreat", "HADS", "nxiety", "retreat", "osing", "p01@"):
        assert word not in whole


def test_every_kind_of_line_has_general_words(busy: Site) -> None:
    assert all(need.kind != "Something else" for need in needs_of(busy, MORNING))


def test_each_address_gets_its_own(busy: Site, server: MailServer) -> None:
    want(busy, addresses=f"{TO}, {ALSO}\n{TO.upper()}")
    server.sink.answer = lambda to: "550 no such box" if to == ALSO else "250 OK"
    assert [tick(busy, server, MORNING), tick(busy, server, MORNING + MINUTE)] == [1, 0]
    assert {(email.lower(), state) for _, email, state in fates(busy)} == {
        (TO, "sent"),
        (ALSO, "refused"),
    }


def test_two_workers_at_once_send_one(busy: Site, server: MailServer) -> None:
    together = threading.Barrier(2)

    def work(_: int) -> int:
        together.wait()
        mailer = SmtpMailer(server.url)
        told = digest_messages.send_due(busy, mailer, lambda: MORNING, threading.Event())
        mailer.rest()
        return told.sent

    with ThreadPoolExecutor(2) as workers:
        for day in range(3):
            assert sorted(workers.map(work, range(2))) == ([0, 1] if day == 0 else [0, 0])
    assert len(server.sink.messages) == 1


def test_a_refusal_for_now_is_tried_again_under_the_same_id(busy: Site, server: MailServer) -> None:
    tried: list[tuple[str, str]] = []

    def full(message) -> str:
        tried.append((message["Message-ID"], message["Subject"]))
        return "250 taken" if len(tried) > 2 else "450 busy"

    server.sink.after_data = full
    tick(busy, server, MORNING)
    add_course(busy, "P-03", consent=False, address=None)
    sent = [tick(busy, server, MORNING + n * MINUTE) for n in range(1, 6)]
    assert sum(sent) == 1
    assert (len(tried), len(set(tried))) == (3, 1)


def test_refused_until_its_day_is_over_it_does_not_come_late(
    busy: Site, server: MailServer
) -> None:
    server.sink.after_data = lambda _: "450 busy"
    tick(busy, server, MORNING)
    server.sink.after_data = lambda _: "250 taken"
    midnight = datetime(2027, 3, 24, tzinfo=ZONE).astimezone(UTC)
    assert tick(busy, server, midnight) == 0
    assert fates(busy) == [(date(2027, 3, 23), TO, "too late")]
    assert tick(busy, server, MORNING + DAY) == 1


def test_a_worker_that_was_away_brings_todays_only_and_not_before_its_time(
    busy: Site, server: MailServer
) -> None:
    assert tick(busy, server, MORNING + 3 * DAY - MINUTE) == 0
    assert tick(busy, server, MORNING + 3 * DAY + 60 * MINUTE) == 1
    assert [day for day, _, _ in fates(busy)] == [date(2027, 3, 26)]


def test_a_killed_worker_leaves_one_copy_more_at_most(busy: Site, server: MailServer) -> None:
    """The server has the message, and the worker dies before it writes that down."""

    class Killed(BaseException):
        pass

    class Dying(SmtpMailer):
        def offer(self, message, recipient):
            super().offer(message, recipient).finish()
            self.rest()
            raise Killed

    with pytest.raises(Killed):
        digest_messages.send_due(busy, Dying(server.url), lambda: MORNING, threading.Event())
    assert tick(busy, server, MORNING + MINUTE) == 0
    assert tick(busy, server, MORNING + 3 * MINUTE) == 1
    assert tick(busy, server, MORNING + 9 * MINUTE) == 0
    assert (len(server.sink.ids), len(set(server.sink.ids))) == (2, 1)


def test_held_nothing_goes_and_released_the_same_day_it_does(
    busy: Site, server: MailServer
) -> None:
    hold(busy)
    assert tick(busy, server, MORNING) == 0
    assert fates(busy) == []
    instance.resume(busy, "over", skip_due=False, actor=STAFF, now=MORNING)
    assert tick(busy, server, MORNING + 120 * MINUTE) == 1
    hold(busy)
    assert tick(busy, server, MORNING + DAY) == 0
    instance.resume(busy, "over", skip_due=False, actor=STAFF, now=MORNING + DAY)
    assert tick(busy, server, MORNING + 2 * DAY - MINUTE) == 0


def test_held_between_the_claim_and_the_text_it_stays_here(busy: Site, server: MailServer) -> None:
    class Holding(SmtpMailer):
        def offer(self, message, recipient):
            found = super().offer(message, recipient)
            hold(busy)
            return found

    told = digest_messages.send_due(busy, Holding(server.url), lambda: MORNING, threading.Event())
    assert (told.sent, server.sink.messages) == (0, [])


def test_a_quiet_day_sends_nothing_unless_wished(staffed: Site, server: MailServer) -> None:
    want(staffed)
    tick(staffed, server, EVENING)
    assert needs_of(staffed, EVENING) == []
    assert tick(staffed, server, MORNING) == 0
    want(staffed, MORNING, when_quiet=True)
    assert tick(staffed, server, MORNING + MINUTE) == 0
    assert tick(staffed, server, MORNING + DAY) == 1
    assert server.sink.messages[0]["Subject"] == "Today: nothing needs you"


def test_off_until_somebody_turns_it_on_and_off_again(staffed: Site, server: MailServer) -> None:
    add_course(staffed, consent=False, address=None)
    view = digest_view(staffed, 1, EVENING)
    assert (view.wish.wanted, view.wish.addresses) == (False, "ada@example.org")
    assert (view.wish.time_zone, view.next_at) == (AMSTERDAM, None)
    assert tick(staffed, server, MORNING) == 0
    want(staffed, MORNING)
    assert tick(staffed, server, MORNING + MINUTE) == 0
    assert digest_view(staffed, 1, MORNING).next_at == MORNING + DAY
    want(staffed, MORNING + MINUTE, wanted=False, at=None)
    assert tick(staffed, server, MORNING + DAY) == 0
    assert digest_view(staffed, 1, MORNING).next_at is None
    assert events(staffed, "digest turned off") == 1


def test_moved_to_a_later_time_a_day_brings_no_second_one(busy: Site, server: MailServer) -> None:
    assert tick(busy, server, MORNING) == 1
    want(busy, MORNING + MINUTE, at=time(18))
    assert tick(busy, server, MORNING + 10 * 60 * MINUTE) == 0
    view = digest_view(busy, 1, MORNING)
    assert view.next_at == datetime(2027, 3, 24, 18, tzinfo=ZONE)
    assert [(line.status, line.email) for line in view.sent] == [("sent", TO)]


def test_the_day_is_that_of_the_chosen_zone(busy: Site, server: MailServer) -> None:
    want(busy, time_zone="Pacific/Auckland")
    auckland = datetime(2027, 3, 24, 8, tzinfo=ZoneInfo("Pacific/Auckland")).astimezone(UTC)
    assert [tick(busy, server, now) for now in (auckland - MINUTE, auckland)] == [0, 1]
    assert fates(busy)[0][0] == date(2027, 3, 24)


def test_over_a_change_of_the_clocks_it_stays_at_its_hour(busy: Site, server: MailServer) -> None:
    sunday = datetime(2027, 3, 28, 8, tzinfo=ZONE).astimezone(UTC)
    assert sunday - MORNING == 5 * DAY - 60 * MINUTE
    assert tick(busy, server, sunday - DAY + 60 * MINUTE) == 1
    assert [tick(busy, server, now) for now in (sunday - MINUTE, sunday)] == [0, 1]


def test_what_is_not_wanted_any_more_does_not_go(busy: Site, server: MailServer) -> None:
    server.sink.after_data = lambda _: "450 busy"
    tick(busy, server, MORNING)
    want(busy, MORNING, addresses=ALSO)
    server.sink.after_data = lambda _: "250 taken"
    assert tick(busy, server, MORNING + 5 * MINUTE) == 0
    assert fates(busy) == [(date(2027, 3, 23), TO, "not needed")]
    with busy.database.write() as session:
        session.get(Staff, 1).active = False
    assert tick(busy, server, MORNING + DAY) == 0
    with pytest.raises(NotFoundError):
        want(busy)


def test_practice_alone_writes_to_test_addresses_and_staff(busy: Site, server: MailServer) -> None:
    with pytest.raises(InputError) as caught:
        want(busy, addresses="somebody@hospital.nl")
    assert digest.NOT_PRACTICE in caught.value.problems["addresses"]
    with busy.database.write() as session:
        study = session.scalars(select(Study)).one()
        study.mode = "live"
    want(busy, addresses="somebody@hospital.nl")
    with busy.database.write() as session:
        session.get(Study, study.id).mode = "practice"
    assert tick(busy, server, MORNING) == 0
    assert fates(busy)[0][1:] == ("somebody@hospital.nl", "refused")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"at": None}, "at"),
        ({"time_zone": "Amsterdam"}, "time_zone"),
        ({"addresses": " "}, "addresses"),
        ({"addresses": "nobody"}, "addresses"),
        ({"addresses": " ".join(f"a{n}@example.org" for n in range(11))}, "addresses"),
    ],
)
def test_a_wrong_wish_is_refused(staffed: Site, change: dict[str, object], field: str) -> None:
    with pytest.raises(InputError) as caught:
        want(staffed, **change)
    assert list(caught.value.problems) == [field]
    assert events(staffed, "digest set") == 0


def test_one_at_once_goes_to_who_asks_and_leaves_the_day_alone(
    busy: Site, server: MailServer
) -> None:
    by = {"actor": STAFF, "now": MORNING - 30 * MINUTE}
    said = digest_messages.send_now(busy, SmtpMailer(server.url), 1, **by)
    assert said == "To ada@example.org: handed to the mail server."
    assert tick(busy, server, MORNING) == 1
    assert [message["To"] for message in server.sink.messages] == ["ada@example.org", TO]
    hold(busy)
    with pytest.raises(InputError):
        digest_messages.send_now(busy, SmtpMailer(server.url), 1, **by)
    assert len(server.sink.messages) == 2


def test_prompts_go_first(busy: Site, server: MailServer) -> None:
    add_course(busy, "P-09", address="p09@example.org", dosing=DOSING + 14 * DAY)
    order: list[str] = []

    def note(to: str) -> str:
        order.append(to)
        return "250 OK"

    server.sink.answer = note
    due = datetime(2027, 3, 24, 10, tzinfo=ZONE).astimezone(UTC)
    assert tick(busy, server, due) == 2
    assert order == ["p09@example.org", TO]


def test_an_account_whose_zone_is_gone_stops_no_other(busy: Site, server: MailServer) -> None:
    with busy.database.write() as session:
        session.add(Staff(email="b@example.org", uniquifier="b", created_at=EVENING))
        session.flush()
    digest.save(busy, 2, replace(WISH, addresses=ALSO), actor="staff:2", now=EVENING)
    with busy.database.write() as session:
        session.get(Digest, 1).time_zone = "Middle/Nowhere"
    assert tick(busy, server, MORNING) == 1
    assert fates(busy) == [(date(2027, 3, 23), ALSO, "sent")]
