"""Slips of paper: for each person of a retreat the way to a check-in, to be cut out and given.

A slip names no treatment, condition or drug, and no name: the person is known by the study code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ..store import links, pins, roster, trail
from ..store.database import Session
from ..store.facts import CourseContext, course_contexts
from ..store.vault import CannotOpenError
from ..study.protocol import Timepoint
from ..study.schedule import state_of, window_of
from .enrolment import protocol_of, the_retreat
from .errors import InputError, RefusedError
from .site import Site
from .visits import OPEN_STATES


@dataclass(frozen=True)
class Slip:
    """One person's slip; `opens` and `closes` are local days, `pin` is empty unless asked for."""

    code: str
    language: str
    address: str
    opens: date
    closes: date
    minutes: int
    pin: str


def timepoints(site: Site, retreat_id: int, now: datetime) -> tuple[list[tuple[str, str]], str]:
    """Id and label of every timepoint of a retreat, and the one that is open or comes next."""
    with site.database.read() as session:
        protocol = protocol_of(session, site, the_retreat(session, retreat_id))
        contexts = _contexts(site, session, retreat_id)
    wanted = (*OPEN_STATES, "upcoming")
    coming = (t.id for t in protocol.timepoints if any(_is(c, t, now, wanted) for c in contexts))
    return [(t.id, t.label) for t in protocol.timepoints], next(coming, protocol.timepoints[0].id)


def make_slips(
    site: Site, retreat_id: int, timepoint: str, *, with_pins: bool, actor: str, now: datetime
) -> Sequence[Slip]:
    """Slips of everybody who has this timepoint still before them; on record as a look.

    Raises NotFoundError, InputError when there is nobody, RefusedError for an unreadable PIN.
    """
    with site.database.write() as session:
        retreat = the_retreat(session, retreat_id)
        contexts = [
            context
            for context in _contexts(site, session, retreat_id)
            if timepoint in {t.id for t in context.protocol.timepoints}
            and _is(context, context.protocol.timepoint(timepoint), now, (*OPEN_STATES, "upcoming"))
        ]
        if not contexts:
            raise InputError({"timepoint": "Nobody here has this check-in before them."})
        slips = [_slip(site, session, context, timepoint, with_pins) for context in contexts]
        payload = {
            "retreat": retreat.name,
            "timepoint": timepoint,
            "people": [slip.code for slip in slips],
            "pins": with_pins,
        }
        trail.append(session, trail.SYSTEM, "slips printed", actor, now, payload)
    return slips


def _contexts(site: Site, session: Session, retreat_id: int) -> list[CourseContext]:
    return course_contexts(session, site.library, roster.course_ids(session, retreat_id))


def _is(context: CourseContext, timepoint: Timepoint, now: datetime, states: Sequence[str]) -> bool:
    return state_of(timepoint, context.facts, now) in states


def _slip(
    site: Site, session: Session, context: CourseContext, timepoint: str, with_pins: bool
) -> Slip:
    window = window_of(context.protocol.timepoint(timepoint), context.facts)
    assert window is not None
    asked = context.protocol.timepoint(timepoint).instruments
    token = links.ensure_link(session, site.link_key, context.course_id, timepoint)
    return Slip(
        code=context.participant.code,
        language=context.participant.language,
        address=site.settings.link(f"s/{token}"),
        opens=window.opens,
        closes=window.closes,
        minutes=sum(context.instruments[name].minutes for name in asked),
        pin=_pin(site, session, context.participant.id) if with_pins else "",
    )


def _pin(site: Site, session: Session, participant_id: int) -> str:
    pin = pins.find_pin(session, participant_id)
    try:
        return pins.digits_of(site.vault, pin) if pin else ""
    except CannotOpenError as error:
        raise RefusedError("A PIN cannot be read with the keys given. Renew it.") from error
