"""The foot of every page: whose data, as of when, and what the data must not be taken for.

A report is dated by its data's last change, not by the moment of printing, so that the same data
give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from ..study.instrument import Instrument
from ..study.record import Course, Person
from ..texts import gettext, moment, spoken

_ = gettext

PRACTICE = _("Synthetic or test entries: practice study.")


@dataclass(frozen=True)
class Foot:
    """`about` is a study code or a retreat's name; `as_of` is local to the newest course; `runs`
    says which protocol and amendment the courses run under, each once."""

    about: str
    as_of: datetime
    notices: tuple[str, ...]
    runs: tuple[str, ...] = ()

    @property
    def dated(self) -> str:
        return _("Data as of {moment}").format(moment=moment(self.as_of))

    @property
    def stamp(self) -> str:
        """For the PDF's own dates, ISO 8601."""
        return self.as_of.isoformat(timespec="seconds")


def foot(
    about: str,
    people: Sequence[Person],
    instruments: Mapping[str, Instrument],
    as_of: datetime,
    *,
    practice: bool,
) -> Foot:
    """`as_of` is aware; it is shown in the zone of the newest course."""
    courses = [c for p in people for c in p.courses]
    zone = newest(courses).facts.zone if courses else "UTC"
    notices = [_(PRACTICE)] if practice else []
    notices += _placeholders(courses, instruments)
    runs = tuple(dict.fromkeys(map(_runs, courses)))
    return Foot(about, as_of.astimezone(ZoneInfo(zone)), tuple(notices), runs)


def _runs(course: Course) -> str:
    protocol = f"{course.protocol.id} {course.protocol.version}"
    if course.amendment is None:
        return _("Protocol {protocol}").format(protocol=protocol)
    words = _("Protocol {protocol}, amendment {number}")
    return words.format(protocol=protocol, number=course.amendment)


def newest(courses: Sequence[Course]) -> Course:
    """The course with the highest number. Raises ValueError when there is none."""
    return max(courses, key=lambda c: c.number)


def _placeholders(courses: Sequence[Course], instruments: Mapping[str, Instrument]) -> list[str]:
    """What must be said of the wordings that the answers were given to, each once."""
    used = {s.instrument for c in courses for s in c.sheets if s.placeholder}
    notices = [instruments[name].wording(spoken()).notice for name in sorted(used)]
    notices += sorted({s.told for c in courses for s in c.sheets})
    return list(dict.fromkeys(n for n in notices if n))
