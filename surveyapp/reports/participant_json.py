"""The numbers of a participant's report as plain data, unrounded."""

from __future__ import annotations

from typing import Any

from ..study.instrument import Instrument
from ..study.record import Course, Dose, Event, Sheet
from ..study.trajectory import Line, ScaleChange
from .participant import CourseLines, ParticipantView
from .profile_chart import answered_sessions

Row = dict[str, Any]


def participant_json(view: ParticipantView) -> Row:
    """Keys: participant, data_as_of, courses, scores, changes, sessions, answers, events, missing,
    notices. Days count local dates from the dosing day."""
    courses = view.person.courses
    scores = [row for found in view.data for each in found.lines for row in _scores(found, each)]
    return {
        "participant": view.code,
        "data_as_of": view.foot.stamp,
        "courses": [_course(c) for c in courses],
        "scores": scores,
        "changes": [_change(found, c) for found in view.data for c in found.changes],
        "sessions": [row for i in view.session_instruments for row in _sessions(view, i)],
        "answers": [_answers(c, s) for c in courses for s in c.sheets],
        "events": [_event(c, e) for c in courses for e in c.events],
        "missing": list(view.missing),
        "notices": list(view.foot.notices),
    }


def _course(course: Course) -> Row:
    dosing = course.dosing_date
    return {
        "course": course.number,
        "retreat": course.retreat,
        "dosing_date": dosing.isoformat() if dosing else None,
        "anchors": {name: fact.date.isoformat() for name, fact in course.facts.anchors.items()},
        "doses": [_dose(d) for d in course.doses],
    }


def _dose(dose: Dose) -> Row:
    return {
        "anchor": dose.anchor,
        "kind": dose.kind,
        "status": dose.status,
        "mg": dose.mg,
        "minutes": dose.minutes,
        "reason": dose.reason,
    }


def _scores(found: CourseLines, line: Line) -> list[Row]:
    return [
        {
            "course": found.course.number,
            "timepoint": p.timepoint,
            "instrument": found.instrument.id,
            "scale": line.scale.id,
            "date": p.on.isoformat(),
            "day": p.day,
            "value": p.value,
            "answered": p.answered,
            "of": p.of,
            "estimated": p.estimated,
            "band": p.band,
            "marks": list(p.marks),
        }
        for p in line.points
    ]


def _change(found: CourseLines, change: ScaleChange) -> Row:
    reliable = change.change.reliable
    return {
        "course": found.course.number,
        "instrument": found.instrument.id,
        "scale": change.scale.id,
        "from": change.start.timepoint,
        "to": change.end.timepoint,
        "difference": change.change.difference,
        "percent": change.change.percent,
        "retest": change.retest,
        "index": reliable.index if reliable else None,
        "limit": reliable.limit if reliable else None,
        "verdict": reliable.verdict if reliable else None,
        "meaningful": change.change.meaningful,
    }


def _sessions(view: ParticipantView, instrument: Instrument) -> list[Row]:
    return [
        {
            "course": session.course.number,
            "timepoint": session.sheet.timepoint,
            "instrument": instrument.id,
            "scale": scale.id,
            "days_after": session.days,
            "percent": score.value,
            "answered": score.answered,
            "of": score.of,
            "estimated": score.estimated,
        }
        for session in answered_sessions(view.person, instrument)
        for scale in instrument.scales
        if (score := session.sheet.scores.get(scale.id)) is not None
    ]


def _answers(course: Course, sheet: Sheet) -> Row:
    return {
        "course": course.number,
        "timepoint": sheet.timepoint,
        "instrument": sheet.instrument,
        "mode": sheet.mode,
        "answers": dict(sheet.answers),
    }


def _event(course: Course, event: Event) -> Row:
    return {
        "course": course.number,
        "term": event.term,
        "started_at": event.started_at.isoformat(),
        "ended_at": event.ended_at.isoformat() if event.ended_at else None,
        "grade": event.grade,
        "serious": event.serious,
    }
