"""Answers arrive one by one, are never half-saved, and are locked and scored when they are sent."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event, select

from surveyapp.services import answering, visits
from surveyapp.services.answering import Opened, Tap
from surveyapp.services.errors import GoneError, InputError, NotFoundError
from surveyapp.services.site import Site
from surveyapp.store import trail
from surveyapp.store.facts import course_context
from surveyapp.store.links import ensure_link
from surveyapp.store.records import load_person
from surveyapp.store.tables import Answer, Assessment, WindowRow
from surveyapp.store.tables_access import Event
from tests.world import add_course

DOSING = date(2027, 3, 20)
BEFORE = datetime(2027, 3, 13, 9, tzinfo=UTC)
DAY_8 = datetime(2027, 3, 28, 9, tzinfo=UTC)
AFTER_CLOSING = datetime(2027, 4, 10, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TOP = [3, 0, 3, 0, 3, 3, 0, 3, 0, 3, 3, 0, 3, 0]
"""HADS with every top option: anxiety 15, depression 9."""


def link(site: Site, timepoint: str = "day-8", course: int | None = None) -> str:
    course_id = course or add_course(site, confirmed=True, dosing=DOSING)
    with site.database.write() as session:
        return ensure_link(session, site.link_key, course_id, timepoint)


def opened(site: Site, now: datetime = DAY_8) -> Opened:
    return answering.begin(site, link(site), now)


def save(site: Site, at: Opened, *taps: Tap, now: datetime = DAY_8) -> int:
    return answering.save(site, at.visit, visits.write_capability(at.read_secret), taps, now)


def send(site: Site, at: Opened, instrument: str, now: datetime = DAY_8) -> None:
    write = visits.write_capability(at.read_secret)
    answering.send(site, at.visit, write, instrument, now)


def draft(site: Site, at: Opened, instrument: str = "hads", now: datetime = DAY_8):
    page = visits.questionnaire(site, at.visit, at.read_secret, instrument, now)
    return page and {q.item: q.answer for q in page.questions if q.answer is not None}


def rows(site: Site) -> dict[str, Answer]:
    with site.database.read() as session:
        return {row.item: row for row in session.scalars(select(Answer))}


def events(site: Site, kind: str) -> int:
    with site.database.read() as session:
        return len(session.scalars(select(Event).where(Event.kind == kind)).all())


def hads(*values: int | None) -> list[Tap]:
    return [Tap("hads", str(n), value) for n, value in enumerate(values, 1)]


def test_a_tap_is_kept_and_the_draft_shows_it(site: Site):
    at = opened(site)
    assert save(site, at, Tap("hads", "3", 2), Tap("hads", "4", None)) == 2
    assert draft(site, at) == {"3": 2, "4": "skip"}
    assert rows(site)["4"].skip == "declined"


def test_another_phone_continues_the_same_draft(site: Site):
    token = link(site)
    first = answering.begin(site, token, DAY_8)
    save(site, first, Tap("hads", "1", 3))
    second = answering.begin(site, token, DAY_8 + MINUTE)
    assert second.visit != first.visit
    assert draft(site, second) == {"1": 3}
    with site.database.read() as session:
        assert len(session.scalars(select(Assessment)).all()) == 2
    assert events(site, "check-in started") == 1


def test_repeating_a_delivery_changes_nothing(site: Site):
    at = opened(site)
    tap = Tap("hads", "1", 3, MINUTE)
    save(site, at, tap)
    first = rows(site)["1"]
    for later in range(1, 4):
        assert save(site, at, tap, now=DAY_8 + later * MINUTE) == 1
    assert rows(site)["1"].given_at == first.given_at
    assert events(site, "answers saved") == 1


def test_the_answer_given_later_wins_whichever_arrives_first(site: Site):
    at = opened(site)
    save(site, at, Tap("hads", "1", 3, MINUTE))
    save(site, at, Tap("hads", "1", 2, 5 * MINUTE))
    assert draft(site, at) == {"1": 3}
    save(site, at, Tap("hads", "1", 1))
    assert draft(site, at) == {"1": 1}


def test_of_two_answers_in_one_delivery_the_younger_counts(site: Site):
    at = opened(site)
    save(site, at, Tap("hads", "1", 0), Tap("hads", "1", 3, MINUTE))
    assert draft(site, at) == {"1": 0}


def test_a_wrong_phone_clock_does_no_harm(site: Site):
    at = opened(site)
    save(site, at, Tap("hads", "1", 0, 3 * MINUTE), Tap("hads", "2", 0, -900 * MINUTE))
    found = rows(site)
    assert found["1"].given_at == DAY_8 - 3 * MINUTE
    assert found["2"].given_at == DAY_8
    assert {row.received_at for row in found.values()} == {DAY_8}


@pytest.mark.parametrize(
    "wrong",
    [
        Tap("hads", "1", 4),
        Tap("hads", "1", -1),
        Tap("hads", "15", 0),
        Tap("hads", "1", True),
        Tap("ratings", "pain", 3),
        Tap("nothing", "1", 0),
    ],
)
def test_a_wrong_answer_is_refused_with_everything_that_came_with_it(site: Site, wrong: Tap):
    at = opened(site)
    save(site, at, Tap("hads", "1", 3))
    with pytest.raises(InputError):
        save(site, at, Tap("hads", "1", 0), Tap("hads", "2", 0), wrong, now=DAY_8 + MINUTE)
    assert draft(site, at) == {"1": 3}


def test_only_the_capability_writes_and_only_the_secret_reads(site: Site):
    at = opened(site)
    write = visits.write_capability(at.read_secret)
    for visit, key in ((at.visit, at.read_secret), (at.visit, ""), ("unknown", write)):
        with pytest.raises(NotFoundError):
            answering.save(site, visit, key, [Tap("hads", "1", 0)], DAY_8)
    for visit, key in ((at.visit, write), (at.visit, ""), ("unknown", at.read_secret)):
        with pytest.raises(NotFoundError):
            visits.questionnaire(site, visit, key, "hads", DAY_8)


def test_sending_scores_the_sheet_and_locks_it(site: Site):
    at = opened(site)
    save(site, at, *hads(*TOP))
    send(site, at, "hads")
    with site.database.read() as session:
        person = load_person(session, site.library, "P-01")
        key_version = site.library.instruments["hads"].version
        sheet = session.scalars(select(Assessment).where(Assessment.instrument == "hads")).one()
    assert person is not None
    scores = person.courses[0].sheets[0].scores
    assert {name: scores[name].value for name in ("anxiety", "depression")} == {
        "anxiety": 15,
        "depression": 9,
    }
    assert sheet.submitted_at == DAY_8
    assert sheet.instrument_version == key_version
    assert sheet.placeholder
    with pytest.raises(GoneError):
        save(site, at, Tap("hads", "1", 0))
    assert draft(site, at) is None


def test_what_was_left_open_is_kept_as_such(site: Site):
    at = opened(site)
    save(site, at, *hads(3, None))
    send(site, at, "hads")
    found = rows(site)
    assert [found[str(n)].skip for n in (1, 2, 3, 14)] == [None, "declined", *["left open"] * 2]


def test_sending_twice_changes_nothing(site: Site):
    at = opened(site)
    save(site, at, *hads(*TOP))
    send(site, at, "hads")
    send(site, at, "hads", DAY_8 + MINUTE)
    assert events(site, "answers sent") == 1


def test_what_a_phone_still_holds_of_the_next_part_is_not_lost(site: Site):
    at = opened(site)
    send(site, at, "hads")
    assert save(site, at, Tap("hads", "1", 0), Tap("meq30", "1", 5)) == 1
    assert draft(site, at, "meq30") == {"1": 5}


def test_parts_follow_each_other_and_then_thanks(site: Site):
    at = opened(site)
    key = (at.visit, at.read_secret, DAY_8)
    assert visits.current_instrument(site, *key) == "hads"
    send(site, at, "hads")
    assert visits.current_instrument(site, *key) == "meq30"
    assert visits.thanks(site, *key) is None
    send(site, at, "meq30")
    assert visits.current_instrument(site, *key) is None
    thanks = visits.thanks(site, *key)
    assert thanks is not None
    assert thanks.next == DOSING + timedelta(days=168)
    assert thanks.other is None


def test_the_session_is_named_by_its_date(site: Site):
    page = visits.questionnaire(site, *_pair(opened(site)), "meq30", DAY_8)
    assert page is not None
    assert page.recall == "During your session on 20 March"
    assert (page.part, page.parts) == (2, 2)


def _pair(at: Opened) -> tuple[str, str]:
    return at.visit, at.read_secret


def test_thanks_offers_the_other_open_check_in(site: Site):
    course = add_course(site, dosing=DOSING, confirmed=True)
    add_course(site, dosing=date(2027, 4, 3), retreat="Another", number=2)
    at = answering.begin(site, link(site, course=course), DAY_8)
    send(site, at, "hads")
    send(site, at, "meq30")
    thanks = visits.thanks(site, at.visit, at.read_secret, DAY_8)
    assert thanks is not None
    assert thanks.other is not None
    assert thanks.other.closes == date(2027, 4, 2)
    assert visits.knock(site, thanks.other.token, DAY_8).timepoint == "baseline"


def test_the_window_hears_of_start_and_sending(site: Site):
    token = link(site)

    def next_prompt() -> datetime | None:
        with site.database.read() as session:
            return session.get_one(WindowRow, (1, "day-8")).next_prompt

    assert next_prompt() is not None
    at = answering.begin(site, token, DAY_8)
    send(site, at, "hads")
    assert next_prompt() is not None
    send(site, at, "meq30")
    assert next_prompt() is None


def test_closing_stops_starting_only(site: Site):
    token = link(site)
    at = answering.begin(site, token, DAY_8)
    save(site, at, Tap("hads", "1", 3), now=AFTER_CLOSING)
    send(site, at, "hads", AFTER_CLOSING)
    send(site, at, "meq30", AFTER_CLOSING)
    with site.database.read() as session:
        context = course_context(session, site.library, 1)
    assert context is not None
    assert visits.knock(site, token, AFTER_CLOSING).state == "late"
    with pytest.raises(GoneError):
        answering.begin(site, link(site, "baseline", 1), DAY_8)


def test_sixty_days_after_closing_nothing_more_is_taken(site: Site):
    at = opened(site)
    closed = datetime(2027, 4, 4, tzinfo=UTC) - timedelta(hours=2)
    end = closed + timedelta(days=60)
    assert save(site, at, Tap("hads", "1", 3), now=end - MINUTE) == 1
    for act in (
        lambda: save(site, at, Tap("hads", "2", 3), now=end),
        lambda: send(site, at, "hads", end),
        lambda: draft(site, at, now=end),
    ):
        with pytest.raises(GoneError):
            act()


def test_a_check_in_does_not_begin_before_its_time(site: Site):
    with pytest.raises(GoneError):
        answering.begin(site, link(site), BEFORE)
    assert visits.knock(site, link(site, "day-8", 1), BEFORE).state == "upcoming"


def test_an_unknown_link_is_unknown(site: Site):
    for act in (visits.knock, answering.begin):
        with pytest.raises(NotFoundError):
            act(site, "x" * 22, DAY_8)


def test_the_trail_names_every_changed_answer_and_stays_whole(site: Site):
    at = opened(site)
    save(site, at, Tap("hads", "1", 3), Tap("hads", "2", 0))
    save(site, at, Tap("hads", "1", 3), Tap("hads", "2", 1), now=DAY_8 + MINUTE)
    send(site, at, "hads", DAY_8 + 2 * MINUTE)
    assert events(site, "answers saved") == 2
    with site.database.read() as session:
        assert trail.verify(session).fault is None


def test_one_answer_takes_at_most_six_statements(site: Site):
    at = opened(site)
    seen: list[str] = []

    def count(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.upper().startswith(("BEGIN", "COMMIT", "PRAGMA")):
            seen.append(statement)

    event.listen(site.database.engine, "before_cursor_execute", count)
    save(site, at, Tap("hads", "1", 3))
    event.remove(site.database.engine, "before_cursor_execute", count)
    assert 0 < len(seen) <= 6


def test_two_phones_at_once_lose_nothing(site: Site):
    token = link(site)
    phones: list[Opened] = []
    start = threading.Barrier(4)

    def use(number: int) -> None:
        start.wait()
        at = answering.begin(site, token, DAY_8)
        phones.append(at)
        for item in range(1, 31):
            save(site, at, Tap("meq30", str(item), number), now=DAY_8 + item * MINUTE)

    threads = [threading.Thread(target=use, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(phones) == 4
    found = draft(site, phones[0], "meq30")
    assert found is not None
    assert len(found) == 30
    with site.database.read() as session:
        assert trail.verify(session).fault is None
