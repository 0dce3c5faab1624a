"""Around the demo: who attended which session, an intention, a note. All invented."""

from __future__ import annotations

from datetime import datetime

from ..services import attendance, notes, overview
from ..services.attendance import Attended
from ..services.programme import programme
from ..services.site import Site

ACTOR = "demo"
INTENTION = "To be less afraid of the evenings, and to talk with my daughter again."
NOTE = "Slept well after the session; would like to walk more before the next one."


def write_around(site: Site, now: datetime) -> None:
    """Attendance of every session that was held, with a few absences."""
    for line in overview.retreats(site):
        for session in programme(site, line.id).sessions:
            if session.on is not None and session.on < now.date():
                _attend(site, line.id, session.id, now)
    _write_notes(site, now)


def _attend(site: Site, retreat_id: int, session: str, now: datetime) -> None:
    sheet = attendance.attendance_sheet(site, retreat_id, session)
    typed = {who: _status(n, session) for n, who in enumerate(sheet.people)}
    attendance.record_attendance(site, retreat_id, session, typed, 0, actor=ACTOR, now=now)


def _status(place: int, session: str) -> Attended:
    """The same people miss the same sessions in every demo."""
    turn = (3 * place + 5 * len(session) + ord(session[-1])) % 17
    if "dosing" in session or turn > 1:
        return Attended("attended")
    return Attended("absent", "unwell") if turn == 0 else Attended("partly")


def _write_notes(site: Site, now: datetime) -> None:
    listed = overview.people(site, "", now)
    for person in listed[:1]:
        notes.set_intention(site, person.code, person.number, INTENTION, 0, actor=ACTOR, now=now)
        today = now.date()
        notes.add_note(site, person.code, person.number, NOTE, today, actor=ACTOR, now=now)
