"""Acts on alerts: acknowledge, write down what was done and what came of it, close; and the drill.

What was raised at once is acted on together (see `alerts`). Messages that still wait are dropped
with the acknowledgement: somebody has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ..store import alerts, trail
from ..store.database import Session
from ..store.facts import CourseContext, course_context
from ..store.tables import Course
from ..store.tables_care import Alert, Responder
from ..store.windows import lock_courses
from ..study.alerting import Finding
from .addresses import fault_of
from .alert_messages import ACKNOWLEDGED
from .alerts import DEPUTY, DRILL, FIRST, raise_one, tell
from .enrolment import the_study
from .errors import InputError, NotFoundError, StaleError
from .invitations import practice_allows
from .site import Site

LONGEST = 1000
LONGEST_NAME = 200
MOST_MINUTES = 3 * 24 * 60
NO_ALERT = "There is no such alert."
NOBODY_YET = "This study has nobody in a retreat yet, and a drill needs a course to be about."
NO_RESPONDER = "Say first who is told, so that the drill has somewhere to go."


@dataclass(frozen=True)
class Done:
    """What was done and what came of it, as typed; `edition` is the one the form was made from."""

    action: str
    outcome: str
    edition: int


@dataclass(frozen=True)
class NewResponders:
    """Who is told, as typed; `minutes` is how long the first has before the deputy is told, None
    when it cannot be read. `edition` is what the form was made from, None: whatever stands."""

    name: str
    email: str
    minutes: int | None
    deputy_name: str = ""
    deputy_email: str = ""
    edition: int | None = None


def acknowledge(site: Site, alert_id: int, *, actor: str, now: datetime) -> bool:
    """Somebody has it; False when somebody had it already. Raises NotFoundError."""
    with site.database.write() as session:
        group, course = _locked(session, alert_id)
        waiting = [alert for alert in group if alert.acknowledged_at is None]
        for alert in waiting:
            _take(alert, actor, now)
        _drop_messages(session, group, now)
        if waiting:
            _note(session, course, "alert acknowledged", group, actor, now, {})
        return bool(waiting)


def record(site: Site, alert_id: int, done: Done, *, actor: str, now: datetime) -> None:
    """Write down action and outcome; whoever does has acknowledged it. Raises InputError."""
    action, outcome = done.action.strip(), done.outcome.strip()
    with site.database.write() as session:
        group, course = _locked(session, alert_id)
        _check_edition(group[0], done.edition)
        if problems := _too_long({"action": action, "outcome": outcome}):
            raise InputError(problems)
        for alert in group:
            _take(alert, actor, now)
            alert.action, alert.outcome = action, outcome
            alert.edition += 1
        _drop_messages(session, group, now)
        payload: dict[str, object] = {"action": action, "outcome": outcome}
        _note(session, course, "alert acted on", group, actor, now, payload)


def close(site: Site, alert_id: int, why: str, edition: int, *, actor: str, now: datetime) -> None:
    """Close it; without an action on record, `why` is needed and becomes the outcome.

    Raises InputError, NotFoundError.
    """
    why = why.strip()
    with site.database.write() as session:
        group, course = _locked(session, alert_id)
        _check_edition(group[0], edition)
        if group[0].closed_at is not None:
            raise InputError({"reason": "It is closed already."})
        if problems := _too_long({"reason": why}):
            raise InputError(problems)
        if not group[0].action and not why:
            raise InputError({"reason": "No action is on record: say why none is needed."})
        for alert in group:
            _take(alert, actor, now)
            alert.closed_at, alert.closed_by = now, actor
            alert.outcome = "\n".join(line for line in (alert.outcome, why) if line)
            alert.edition += 1
        _drop_messages(session, group, now)
        _note(session, course, "alert closed", group, actor, now, {"reason": why})


def drill(site: Site, study_id: int, *, actor: str, now: datetime) -> int:
    """Raise a drill about the study's newest course; the alert's id. Raises InputError."""
    with site.database.write() as session:
        study = the_study(session, study_id)
        people = alerts.responders(session, study.id)
        if not people:
            raise InputError({"drill": NO_RESPONDER})
        course = alerts.newest_course(session, study.id)
        if course is None:
            raise InputError({"drill": NOBODY_YET})
        lock_courses(session, [course.id])
        context = _context(session, site, course.id)
        finding = Finding(DRILL, "", "", now.isoformat())
        alert = raise_one(session, context, finding, actor, now, drill=True)
        tell(session, alert, people, now)
        return alert.id


def set_responders(
    site: Site, study_id: int, wish: NewResponders, *, actor: str, now: datetime
) -> None:
    """Keep who is told; whoever is new is told of what nobody has acknowledged.

    Raises InputError by field, StaleError when somebody else changed it since, NotFoundError.
    """
    with site.database.write() as session:
        study = the_study(session, study_id)
        practice = study.mode == "practice"
        _check_responders(alerts.responders(session, study_id), wish)
        if problems := _problems(session, wish, practice=practice):
            raise InputError(problems)
        _put(session, study_id, FIRST, (wish.name, wish.email), wish.minutes or 0, actor, now)
        _put(session, study_id, DEPUTY, (wish.deputy_name, wish.deputy_email), 0, actor, now)
        people = alerts.responders(session, study_id)
        for alert in _leads(alerts.unacknowledged(session, study_id)):
            tell(session, alert, people, now)
        payload: dict[str, object] = {"study": study_id, "places": [p.place for p in people]}
        trail.append(session, trail.SYSTEM, "responders set", actor, now, payload)


def edition_of(people: Sequence[Responder]) -> int:
    """When they were last set, in milliseconds; 0 while there is nobody."""
    return max((round(p.set_at.timestamp() * 1000) for p in people), default=0)


def _check_responders(people: Sequence[Responder], wish: NewResponders) -> None:
    """Raises StaleError."""
    standing = edition_of(people)
    if wish.edition in (None, standing):
        return
    told = "; ".join(f"{p.name}, {p.email}" for p in sorted(people, key=lambda p: p.place))
    raise StaleError(
        f"Somebody else changed it since you opened this. On record now: {told or 'nobody'}. What "
        "you typed is still here: press the button to put it in its place.",
        standing,
    )


def _context(session: Session, site: Site, course_id: int) -> CourseContext:
    context = course_context(session, site.library, course_id)
    assert context is not None
    return context


def _leads(found: Sequence[Alert]) -> list[Alert]:
    """The first of each group, which its message is about."""
    first: dict[tuple[int, datetime, bool], Alert] = {}
    for alert in sorted(found, key=lambda a: a.id):
        first.setdefault((alert.course_id, alert.raised_at, alert.drill), alert)
    return list(first.values())


def _locked(session: Session, alert_id: int) -> tuple[list[Alert], Course]:
    """The alerts raised with this one, and their course, locked. Raises NotFoundError."""
    found = alerts.placed(session, alert_id)
    if found is None:
        raise NotFoundError(NO_ALERT)
    lock_courses(session, [found.course.id])
    group = alerts.together(session, found.alert)
    for alert in group:
        session.refresh(alert)
    return group, found.course


def _take(alert: Alert, actor: str, now: datetime) -> None:
    if alert.acknowledged_at is None:
        alert.acknowledged_at, alert.acknowledged_by = now, actor


def _drop_messages(session: Session, group: Sequence[Alert], now: datetime) -> None:
    for row in alerts.messages(session, [alert.id for alert in group]):
        if row.status == "waiting":
            row.status, row.reason, row.next_at = "not needed", ACKNOWLEDGED, None
            row.updated_at = now
    session.flush()


def _note(
    session: Session,
    course: Course,
    kind: str,
    group: Sequence[Alert],
    actor: str,
    now: datetime,
    payload: dict[str, object],
) -> None:
    ids: dict[str, object] = {"alerts": [alert.id for alert in group]}
    trail.append(session, course.chain, kind, actor, now, {**ids, **payload})


def _check_edition(alert: Alert, edition: int) -> None:
    if alert.edition == edition:
        return
    now = f"action “{alert.action or 'none'}”, outcome “{alert.outcome or 'none'}”"
    closed = ", and it is closed" if alert.closed_at else ""
    sentence = f"Somebody else changed it meanwhile. It now says: {now}{closed}."
    told = f"{sentence} Press the button again to put yours in its place."
    raise StaleError(told, alert.edition)


def _too_long(fields: dict[str, str]) -> dict[str, str]:
    long = (name for name, text in fields.items() if len(text) > LONGEST)
    return {name: f"Use at most {LONGEST} characters." for name in long}


def _put(
    session: Session,
    study_id: int,
    place: int,
    who: tuple[str, str],
    minutes: int,
    actor: str,
    now: datetime,
) -> None:
    name, email = (" ".join(text.split()) for text in who)
    if not email:
        alerts.remove_responder(session, study_id, place)
        return
    row = Responder(
        study_id=study_id, place=place, name=name, email=email, set_by=actor, set_at=now
    )
    row.within_minutes = minutes
    alerts.put_responder(session, row)


def _problems(session: Session, wish: NewResponders, *, practice: bool) -> dict[str, str]:
    problems = _person_problems(session, "", wish.name, wish.email, practice=practice)
    if wish.deputy_name.strip() or wish.deputy_email.strip():
        problems |= _person_problems(
            session, "deputy_", wish.deputy_name, wish.deputy_email, practice=practice
        )
        if wish.deputy_email.strip().lower() == wish.email.strip().lower():
            problems["deputy_email"] = "The deputy is somebody else, with an address of their own."
    if wish.minutes is None or not 1 <= wish.minutes <= MOST_MINUTES:
        problems["minutes"] = f"Write whole minutes from 1 to {MOST_MINUTES}."
    return problems


def _person_problems(
    session: Session, field: str, name: str, email: str, *, practice: bool
) -> dict[str, str]:
    problems: dict[str, str] = {}
    if not name.strip():
        problems[f"{field}name"] = "Write a name, so that staff know who was told."
    elif len(name) > LONGEST_NAME:
        problems[f"{field}name"] = f"Use at most {LONGEST_NAME} characters."
    if fault := fault_of(email.strip()):
        problems[f"{field}email"] = fault
    elif practice and not practice_allows(session, email.strip()):
        problems[f"{field}email"] = "A practice study sends only to staff and to test addresses."
    return problems
