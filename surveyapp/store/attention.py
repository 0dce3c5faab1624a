"""Attention: which courses may need somebody today.

A net that is too wide, never too narrow: Today judges each course that it brings. Days are counted
in instants with a day to spare, because every person has a zone of their own.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, exists, or_, select, union
from sqlalchemy.orm import Session
from sqlmodel import col

from .contacts import EMAIL
from .tables import (
    Anchor,
    Clearance,
    Consent,
    Contact,
    Course,
    Participant,
    PromptRow,
    Retreat,
    WindowRow,
)
from .tables_consent import ConsentForm
from .tables_reach import Stop

TO_SPARE = timedelta(days=1)
UNSETTLED = ("refused", "waiting", "held")


@dataclass(frozen=True)
class Reach:
    """How many days ahead Today looks: for a dosing day, a window's end, and a follow-up that
    needs the coordinator's word, at one of the timepoints `to_confirm`."""

    dosing: int
    closing: int
    confirm: int
    to_confirm: Collection[str]


def courses(session: Session, now: datetime, reach: Reach, by_person: str) -> list[int]:
    """Ids of courses with a window still to close, or none yet, that may need somebody;
    `by_person` is who recorded stops that people chose themselves. One statement."""
    found = union(
        _near_anchor(now, reach),
        _closing(now, reach),
        _to_clear(now, reach),
        _running(now).where(~exists().where(col(Consent.course_id) == col(Course.id))),
        _to_sign_anew(now),
        _messages(now),
        _running(now).join(Participant).where(or_(_no_mail(), _other_channel())),
        _running(now).where(_chose_to_stop(by_person)),
        select(col(Course.id)).where(~_has_window()),
    )
    return sorted(row[0] for row in session.execute(found))


def _has_window() -> Any:
    return exists().where(col(WindowRow.course_id) == col(Course.id))


def _running(now: datetime) -> Select[int]:
    ahead = select(col(WindowRow.course_id)).where(col(WindowRow.closes_at) > now)
    return select(col(Course.id)).where(col(Course.id).in_(ahead))


def _near_anchor(now: datetime, reach: Reach) -> Select[int]:
    """A day that has come and is not confirmed, or that comes soon."""
    soon = (now + timedelta(days=reach.dosing) + TO_SPARE).date()
    near = _running(now).join(Anchor, col(Anchor.course_id) == col(Course.id))
    came = col(Anchor.confirmed_at).is_(None) | (col(Anchor.date) >= (now - TO_SPARE).date())
    return near.where(col(Anchor.date) <= soon, came)


def _closing(now: datetime, reach: Reach) -> Select[int]:
    # An end at midnight belongs to the day before it.
    until = now + timedelta(days=reach.closing + 1) + TO_SPARE
    ends = col(WindowRow.closes_at)
    return select(col(WindowRow.course_id)).where(ends > now, ends <= until)


def _to_clear(now: datetime, reach: Reach) -> Select[int]:
    opens = now + timedelta(days=reach.confirm) + TO_SPARE
    same = col(Clearance.course_id) == col(WindowRow.course_id)
    cleared = exists().where(same, col(Clearance.timepoint) == col(WindowRow.timepoint))
    return select(col(WindowRow.course_id)).where(
        col(WindowRow.timepoint).in_(reach.to_confirm),
        col(WindowRow.opens_at) <= opens,
        col(WindowRow.closes_at) > now,
        ~cleared,
    )


def _to_sign_anew(now: datetime) -> Select[int]:
    """Of a study with a form that must be signed anew, and that one is not signed."""
    signed = exists().where(
        col(Consent.course_id) == col(Course.id),
        col(Consent.version) == col(ConsentForm.version),
    )
    return (
        _running(now)
        .join(Retreat, col(Retreat.id) == col(Course.retreat_id))
        .join(ConsentForm, col(ConsentForm.study_id) == col(Retreat.study_id))
        .where(col(ConsentForm.anew_from).is_not(None), ~signed)
    )


def _messages(now: datetime) -> Select[int]:
    """A message of an open window that was refused, waits or is held."""
    same = (
        col(WindowRow.course_id) == col(PromptRow.course_id),
        col(WindowRow.timepoint) == col(PromptRow.timepoint),
    )
    open_now = (col(WindowRow.opens_at) <= now, col(WindowRow.closes_at) > now)
    return select(col(PromptRow.course_id)).where(
        col(PromptRow.status).in_(UNSETTLED), exists().where(*same, *open_now)
    )


def _no_mail() -> Any:
    own = col(Contact.participant_id) == col(Course.participant_id)
    usable = (col(Contact.kind) == EMAIL, col(Contact.refused_why).is_(None))
    return ~exists().where(own, *usable)


def _other_channel() -> Any:
    return col(Participant.channels).is_not(None)


def _chose_to_stop(by_person: str) -> Any:
    own = col(Stop.participant_id) == col(Course.participant_id)
    return exists().where(own, col(Stop.recorded_by) == by_person, col(Stop.undone_at).is_(None))
