"""A context that was kept equals one read anew, after each act that changes a fact."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from surveyapp.services import answering, dosing, enrolment, reaching, stopping, wishes
from surveyapp.services.site import Site
from surveyapp.store.facts import CourseContext, contexts_again, course_contexts
from surveyapp.store.links import ensure_link
from tests.world import DOSING, add_course

from .test_prompting import INVITATION

NOW = INVITATION + timedelta(hours=1)
BY: dict[str, Any] = {"actor": "staff:1", "now": NOW}
MOVED = DOSING + timedelta(days=1)


def token(site: Site, timepoint: str = "baseline") -> str:
    with site.database.write() as session:
        return ensure_link(session, site.link_key, 1, timepoint)


def stop(site: Site, kind: str) -> None:
    stopping.record_stop(site, "P-01", 1, stopping.NewStop(kind, reason="asked"), **BY)


ACTS: dict[str, Callable[[Site], object]] = {
    "consents to answers only": lambda site: enrolment.record_consent(
        site, "P-01", 1, date(2027, 1, 2), "answers only", **BY
    ),
    "the day moves": lambda site: dosing.set_dosing_day(site, "P-01", 1, MOVED, **BY),
    "the day is confirmed": lambda site: dosing.confirm_anchor(
        site, "P-01", 1, actor="staff:1", now=NOW + timedelta(days=30)
    ),
    "moves house": lambda site: reaching.set_language_and_zone(
        site, "P-01", "en", "Asia/Tokyo", **BY
    ),
    "quiet hours": lambda site: stopping.set_quiet_hours(site, "P-01", time(9), time(15), **BY),
    "stops messages": lambda site: stop(site, "messages stopped"),
    "dies": lambda site: stop(site, "died"),
    "pauses in a message": lambda site: stopping.from_message(site, token(site), "week", NOW),
    "begins": lambda site: answering.begin(site, token(site), NOW),
    "wishes a reminder": lambda site: wishes.wish(site, token(site), "evening", NOW),
}


def both(site: Site, kept: list[CourseContext]) -> tuple[list[CourseContext], list[CourseContext]]:
    with site.database.read() as session:
        again = contexts_again(session, site.library, kept)
    with site.database.read() as session:
        return again, course_contexts(session, site.library, [1])


@pytest.mark.parametrize("act", ACTS)
def test_a_kept_context_follows_what_changed(site: Site, act: str) -> None:
    add_course(site)
    with site.database.read() as session:
        kept = course_contexts(session, site.library, [1])
    ACTS[act](site)
    again, fresh = both(site, kept)
    assert again[0].facts == fresh[0].facts != kept[0].facts
    assert again[0].revisions == fresh[0].revisions
    assert again[0].touched == fresh[0].touched


def test_that_the_coordinator_cleared_a_person_is_followed(site: Site) -> None:
    add_course(site, confirmed=True)
    with site.database.read() as session:
        kept = course_contexts(session, site.library, [1])
    dosing.clear_timepoint(site, "P-01", 1, "week-24", **BY)
    again, fresh = both(site, kept)
    assert again[0].facts == fresh[0].facts != kept[0].facts


def test_where_nobody_touched_it_two_statements_do(sqlite_site: Site) -> None:
    add_course(sqlite_site)
    with sqlite_site.database.read() as session:
        kept = course_contexts(session, sqlite_site.library, [1])
    asked: list[str] = []

    def listen(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    with sqlite_site.database.read() as session:
        event.listen(sqlite_site.database.engine, "before_cursor_execute", listen)
        try:
            again = contexts_again(session, sqlite_site.library, kept)
        finally:
            event.remove(sqlite_site.database.engine, "before_cursor_execute", listen)
    assert len([statement for statement in asked if statement.startswith("SELECT")]) == 2
    assert again[0].facts == kept[0].facts
