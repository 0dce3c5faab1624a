"""Wished reminders: "Remind me this evening", "tomorrow", and taking that back; or staff who send
the check-in again at once, because somebody asked for it on the phone.

Of the person's own one is open at a time; a new one takes the place of the one before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from .. import texts
from ..store import trail
from ..store.database import Session
from ..store.facts import CourseContext
from ..store.tables_entry import Wish
from ..store.windows import lock_courses, refresh_windows
from ..store.wishes import drop_coming, wishes_of
from ..study.protocol import Timepoint
from ..study.schedule import barrier, is_answered, window_of
from ..study.wishes import When, choices
from ..texts import day
from .enrolment import the_course
from .errors import InputError, NotFoundError, RefusedError
from .invitations import Route, Ways
from .phonepages import Wishes
from .site import Site
from .visits import context_of_token, link_of

PERSON = "participant"
MOST = 5
APART = timedelta(minutes=10)
NOT_NOW = texts.marked("This reminder cannot be set any more. Please start when it suits you.")
ENOUGH = texts.marked("You have had all the reminders we send. Please start when it suits you.")


@dataclass(frozen=True)
class _Place:
    context: CourseContext
    timepoint: Timepoint

    @property
    def key(self) -> tuple[int, str]:
        return self.context.course_id, self.timepoint.id


def at_door(site: Site, token: str, now: datetime) -> Wishes:
    """What the start page offers, and what was asked for. Raises NotFoundError."""
    with site.database.read() as session:
        return _wishes(session, site, _Place(*context_of_token(site, session, token)), now)


def _wishes(session: Session, site: Site, place: _Place, now: datetime) -> Wishes:
    """Nothing is offered to somebody who cannot be written to."""
    context, timepoint = place.context, place.timepoint
    offered = choices(timepoint, context.facts, now)
    if offered and not isinstance(Ways.of(session, site, [context]).route(context), Route):
        offered = {}
    coming = [w.at for w in wishes_of(session, *place.key) if w.at > now]
    local = [at.astimezone(context.zone) for at in coming]
    return Wishes(tuple(offered.items()), local[-1] if local else None)


def wish(site: Site, token: str, when: str, now: datetime) -> None:
    """Remind the person then. Raises NotFoundError, InputError, RefusedError."""
    with site.database.write() as session:
        place = _place(site, session, token)
        offered = dict(_wishes(session, site, place, now).offered)
        if when not in offered:
            raise InputError({"when": NOT_NOW})
        drop_coming(session, *place.key, now)
        past = wishes_of(session, *place.key)
        if len(past) >= MOST:
            raise RefusedError(ENOUGH)
        at = offered[_known(when)]
        number = past[-1].number + 1 if past else 1
        course_id, timepoint = place.key
        session.add(
            Wish(course_id=course_id, timepoint=timepoint, number=number, at=at, wished_at=now)
        )
        _note(session, place, "reminder wished", {"at": at.isoformat()}, now)
        refresh_windows(session, site.library, [course_id])


def take_back(site: Site, token: str, now: datetime) -> None:
    """No reminder after all. Raises NotFoundError."""
    with site.database.write() as session:
        place = _place(site, session, token)
        if drop_coming(session, *place.key, now):
            _note(session, place, "reminder taken back", {}, now)
            refresh_windows(session, site.library, [place.context.course_id])


def send_again(
    site: Site, code: str, number: int, timepoint: str, *, actor: str, now: datetime
) -> None:
    """Send an open check-in once more: at once, or when the person's night is over.

    Raises NotFoundError, RefusedError with the reason where nothing may or need be sent.
    """
    with site.database.write() as session:
        context = the_course(session, site, code, number)
        lock_courses(session, [context.course_id])
        place = _Place(context, _open(context, timepoint, now))
        route = Ways.of(session, site, [context]).route(context)
        if not isinstance(route, Route):
            raise RefusedError(f"Nothing can be sent: {route.reason}.")
        past = wishes_of(session, *place.key)
        if past and now - past[-1].wished_at < APART:
            raise RefusedError(
                f"One was asked for at {_local(past[-1], context)}. It is on its way."
            )
        following = past[-1].number + 1 if past else 1
        course_id, named = place.key
        session.add(
            Wish(course_id=course_id, timepoint=named, number=following, at=now, wished_at=now)
        )
        payload = {"timepoint": timepoint}
        trail.append(session, context.course.chain, "sent again", actor, now, payload)
        refresh_windows(session, site.library, [context.course_id])


def _open(context: CourseContext, timepoint: str, now: datetime) -> Timepoint:
    """Raises NotFoundError, RefusedError."""
    point = next((t for t in context.protocol.timepoints if t.id == timepoint), None)
    if point is None:
        raise NotFoundError("There is no such timepoint.")
    if is_answered(point, context.facts):
        raise RefusedError(f"{point.label} is answered already.")
    window = window_of(point, context.facts)
    if window is None or not window.opens_at <= now < window.closes_at:
        raise RefusedError(f"{point.label} is not open: nothing can be answered there now.")
    barred = barrier(point, context.facts)
    if barred is not None:
        raise RefusedError(f"Nothing can be sent: {barred.reason}.")
    paused = context.facts.paused_until
    if paused is not None and now.astimezone(context.zone).date() < paused:
        raise RefusedError(f"Messages are paused until {day(paused)}. Undo that first.")
    return point


def _local(wish: Wish, context: CourseContext) -> str:
    return f"{wish.wished_at.astimezone(context.zone):%H:%M}"


def _known(when: str) -> When:
    return "evening" if when == "evening" else "tomorrow"


def _place(site: Site, session: Session, token: str) -> _Place:
    lock_courses(session, [link_of(session, token).course_id])
    return _Place(*context_of_token(site, session, token))


def _note(
    session: Session, place: _Place, kind: str, more: dict[str, object], now: datetime
) -> None:
    payload = {"timepoint": place.timepoint.id, **more}
    trail.append(session, place.context.course.chain, kind, PERSON, now, payload)
