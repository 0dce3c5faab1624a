"""Alerts: a worrying answer becomes a fact, and people are told at once, without its content.

Raised in the transaction that brought the answer, once for each rule, timepoint and subject; what
is corrected later takes no alert back. What one check-in raises at once belongs together: one
message, whose page shows all of it, and one acknowledgement. The first of the study's people is
told at once, the deputy when nobody has acknowledged in time. Nothing here claims to know how
somebody is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from ..store import alerts, trail
from ..store.database import Session
from ..store.facts import CourseContext, course_context, read_courses
from ..store.records import RECORDS, people_from
from ..store.tables import Study
from ..store.tables_care import Alert, AlertMessage, Responder
from ..study.alerting import Finding, found, has_rules, in_answers
from ..study.instrument import Instrument
from .site import Site

ACTOR = "rules"
DRILL = "drill"
FIRST, DEPUTY = 1, 2


def judge(session: Session, site: Site, course_id: int, now: datetime) -> int:
    """Judge what a course has sent, in the caller's transaction, which holds the course's lock;
    how many alerts were raised. Again, it raises none twice."""
    reading = read_courses(session, site.library, [course_id], RECORDS)
    raised = 0
    for context, person in zip(reading.contexts, people_from(reading), strict=True):
        findings = found(context.protocol, person.courses[0], context.instruments)
        raised += raise_new(session, context, findings, now)
    return raised


def judge_answers(
    session: Session,
    site: Site,
    course_id: int,
    timepoint: str,
    answers: Mapping[str, Mapping[str, int | None]],
    instruments: Mapping[str, Instrument],
    now: datetime,
) -> int:
    """Judge answers by instrument and item as they arrive, before they are sent: only items that
    are marked for safety, in `instruments`. No statement where none of them counts."""
    findings = [
        finding
        for name, given in answers.items()
        for finding in in_answers(instruments[name], timepoint, given)
    ]
    context = course_context(session, site.library, course_id) if findings else None
    return raise_new(session, context, findings, now) if context else 0


def raise_new(
    session: Session, context: CourseContext, findings: Sequence[Finding], now: datetime
) -> int:
    """Raise what is not raised yet; how many."""
    known = alerts.subjects(session, context.course_id) if findings else set[alerts.Subject]()
    fresh = [f for f in findings if (f.rule, f.timepoint, f.instrument, f.about) not in known]
    raised = [raise_one(session, context, finding, ACTOR, now) for finding in fresh]
    if raised:
        tell(session, raised[0], alerts.responders(session, context.study.id), now)
    return len(raised)


def raise_one(
    session: Session,
    context: CourseContext,
    finding: Finding,
    actor: str,
    now: datetime,
    *,
    drill: bool = False,
) -> Alert:
    """Write one alert and the course's trail."""
    alert = Alert(
        course_id=context.course_id,
        rule=finding.rule,
        timepoint=finding.timepoint,
        instrument=finding.instrument,
        about=finding.about,
        numbers=json.dumps(dict(finding.numbers), sort_keys=True),
        drill=drill,
        raised_at=now,
    )
    alerts.add(session, alert)
    payload: dict[str, object] = {
        "alert": alert.id,
        "rule": alert.rule,
        "timepoint": alert.timepoint,
        "instrument": alert.instrument,
        "about": alert.about,
        "drill": drill,
    }
    trail.append(session, context.course.chain, "alert raised", actor, now, payload)
    return alert


def tell(session: Session, alert: Alert, responders: Iterable[Responder], now: datetime) -> None:
    """A message for each place that has none yet, or whose person changed since and is still to be
    told. The deputy's waits until the first has had their time."""
    by_place = {row.place: row for row in responders}
    written = {row.place: row for row in alerts.messages(session, [alert.id])}
    first = by_place.get(FIRST)
    if first is None:
        return
    started = written[FIRST].updated_at if FIRST in written else now
    due = {FIRST: now, DEPUTY: max(now, started + timedelta(minutes=first.within_minutes))}
    for place, responder in sorted(by_place.items()):
        before = written.get(place)
        if before is None:
            alerts.add_message(session, _message(alert, responder, due[place], now))
        elif before.status != "sent" and before.email != responder.email:
            before.name, before.email, before.reason = responder.name, responder.email, ""
            before.status, before.next_at, before.tries = "waiting", due[place], 0
            before.message_id, before.updated_at = "", now
    session.flush()


def _message(alert: Alert, to: Responder, due: datetime, now: datetime) -> AlertMessage:
    return AlertMessage(
        alert_id=alert.id,
        place=to.place,
        name=to.name,
        email=to.email,
        status="waiting",
        next_at=due,
        updated_at=now,
    )


def protocol_raises(site: Site, study: Study) -> bool:
    """Whether answers of this study may raise an alert, as its protocol is installed."""
    protocol = site.library.protocols.get(study.protocol)
    return protocol is not None and has_rules(protocol, site.library.instruments)
