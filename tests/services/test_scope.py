"""Scope: what an account with some retreats finds, on both databases, and what asking costs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import batch, duties, overview
from surveyapp.services.exchange import packing
from surveyapp.services.exchange.packing import Progress
from surveyapp.services.rights import EVERYTHING, Rights
from surveyapp.services.scope import sees, within
from surveyapp.services.site import Site
from surveyapp.store import roster, scopes
from surveyapp.store.dump import person_dumps
from tests.conftest import NOON
from tests.strangers import an_alert
from tests.world import add_course

HERE, THERE = frozenset({1}), frozenset({2})


def two_retreats(site: Site) -> None:
    """P-01 in the first retreat, P-02 in the second, P-03 in both; an alert in the second."""
    add_course(site, "P-01", retreat="Here")
    add_course(site, "P-03", retreat="Here", address="p03@example.org")
    add_course(site, "P-03", retreat="There", address=None, number=2)
    course = add_course(site, "P-02", retreat="There", address="p02@example.org")
    with site.database.write() as session:
        session.add(an_alert(course))


def test_what_is_found_within_a_scope(site: Site) -> None:
    two_retreats(site)
    assert [r.name for r in overview.retreats(site, HERE)] == ["Here"]
    assert [(s.retreats, s.whole) for s in overview.studies(site, HERE)] == [(1, False)]
    assert [(s.retreats, s.whole) for s in overview.studies(site, HERE | THERE)] == [(2, True)]
    assert [(s.retreats, s.whole) for s in overview.studies(site)] == [(2, True)]
    assert overview.studies(site, frozenset()) == []
    assert [(p.code, p.number) for p in overview.people(site, "", NOON, HERE)] == [
        ("P-01", 1),
        ("P-03", 1),
    ]
    assert within(site, ["P-01", "P-02", "P-03"], HERE) == ["P-01", "P-03"]
    assert within(site, ["P-01", "P-02"], None) == ["P-01", "P-02"]
    with site.database.read() as session:
        assert scopes.of_mode(session, "practice") == HERE | THERE
        assert scopes.of_mode(session, "live") == set()
        dumps = {d.participant.code: d for d in person_dumps(session, site.library, THERE)}
        ids = roster.course_ids(session, 1) + roster.course_ids(session, 2)
        assert scopes.courses_within(session, ids, HERE) == roster.course_ids(session, 1)
    assert [*dumps] == ["P-02", "P-03"]
    assert [c.context.course.number for c in dumps["P-03"].courses] == [2]
    assert [c.number for c in dumps["P-03"].person.courses] == [1, 2]


NAMED: tuple[tuple[dict[str, object], bool, bool], ...] = (
    ({}, True, True),
    ({"token": "x", "language": "en"}, True, True),
    ({"retreat_id": 1, "session": "x"}, True, False),
    ({"retreat_id": 3}, False, False),
    ({"code": "P-01"}, True, False),
    ({"code": "P-03"}, True, True),
    ({"code": "P-03", "number": 1, "note_id": 1}, True, False),
    ({"code": "P-03", "number": 2}, False, True),
    ({"code": "p-01"}, False, False),
    ({"alert_id": 1}, False, True),
    ({"alert_id": 9}, False, False),
    ({"study_id": 1}, False, False),
    ({"number": 1}, False, False),
    ({"not_known_yet": 1}, False, False),
)


def test_what_an_address_names_is_asked_in_one_query(site: Site) -> None:
    two_retreats(site)
    asked: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(site.database.engine, "before_cursor_execute", note)
    for named, here, there in NAMED:
        for own, seen in ((HERE, here), (THERE, there)):
            asked.clear()
            assert sees(site, Rights(EVERYTHING.held, own), named) is seen, (named, own)
            assert len([s for s in asked if s.startswith("SELECT")]) <= 1, named
        asked.clear()
        assert sees(site, EVERYTHING, named)
        assert asked == []
    event.remove(site.database.engine, "before_cursor_execute", note)
    assert sees(site, Rights(EVERYTHING.held, HERE | THERE), {"study_id": 1})


@pytest.mark.parametrize(("hours", "left"), [(23, 2), (24, 0)])
def test_the_worker_deletes_what_was_there_to_be_fetched(
    sqlite_site: Site, hours: int, left: int
) -> None:
    batch.tell(sqlite_site, 1, batch.Progress(1, NOON.isoformat(), finished=True))
    folder = sqlite_site.settings.data_dir / "exports" / "7"
    folder.mkdir(parents=True)
    (folder / packing.ZIP).write_bytes(b"x")
    (folder / packing.aside.LOCK).touch()
    packing.aside.write_state(folder, vars(Progress(NOON.isoformat(), (1,), finished=True)))
    duties.attend(sqlite_site, SmtpMailer(""), NOON + timedelta(hours=hours))
    there = [*(sqlite_site.settings.data_dir / "session-pdfs").iterdir(), *folder.parent.iterdir()]
    assert len(there) == left
