"""Hanging: the rows that hang on a course and that facts are made of, read in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import NamedTuple

from ..study.consent import Signed
from .consents import signed
from .several import Rows, by_course
from .stops import holding
from .tables import Anchor, Assessment, Clearance, Consent
from .tables_consent import ConsentForm, ConsentWithdrawal, CourseAmendment
from .tables_entry import Wish
from .tables_reach import Stop
from .tables_wording import CourseWording

HANGING = (
    *(Anchor, Consent, Clearance, Assessment, Wish, Stop),
    *(ConsentForm, ConsentWithdrawal, CourseAmendment, CourseWording),
)
_id = attrgetter("id")


@dataclass(frozen=True)
class Hanging:
    """The rows that hang on a course, besides its prompts, and its study's consent forms; for
    reading. They change only together with its windows, see `windows.write_windows`. `wordings` is
    the hash of its set."""

    anchors: Sequence[Anchor]
    consents: Sequence[Consent]
    clearances: Sequence[Clearance]
    assessments: Sequence[Assessment]
    wishes: Sequence[Wish]
    stops: Sequence[Stop]
    forms: Sequence[ConsentForm]
    withdrawals: Sequence[ConsentWithdrawal]
    amendments: Sequence[CourseAmendment]
    wordings: str | None

    @property
    def signed(self) -> Signed | None:
        return signed(self.consents, self.withdrawals)

    def withdrawn_after(self, on: date) -> date | None:
        """The newest day after this one on which something was withdrawn."""
        days = (row.withdrawn_on for row in self.withdrawals)
        return max((day for day in days if day > on), default=None)


class Owner(NamedTuple):
    """A course with its person and its study, by their ids."""

    course: int
    person: int
    study: int


def by_owner(owners: Sequence[Owner], found: Rows) -> dict[int, Hanging]:
    """What hangs on these courses, by course; `found` has the rows of `HANGING`."""
    if not owners:
        return {}
    consents, sheets, withdrawals = (
        by_course(sorted(found[t], key=_id)) for t in (Consent, Assessment, ConsentWithdrawal)
    )
    anchors, clearances = by_course(found[Anchor]), by_course(found[Clearance])
    amendments, forms = by_course(found[CourseAmendment]), sorted(found[ConsentForm], key=_id)
    wishes = by_course(sorted(found[Wish], key=attrgetter("number")))
    stops = holding(found[Stop])
    wordings = {row.course_id: row.set_sha256 for row in found[CourseWording]}
    return {
        course: Hanging(
            anchors=anchors[course],
            consents=consents[course],
            clearances=clearances[course],
            assessments=sheets[course],
            wishes=wishes[course],
            stops=[s for s in stops[person] if s.course_id in (None, course)],
            forms=[form for form in forms if form.study_id == study],
            withdrawals=withdrawals[course],
            amendments=amendments[course],
            wordings=wordings.get(course),
        )
        for course, person, study in owners
    }
