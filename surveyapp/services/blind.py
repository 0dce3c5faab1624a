"""Blind: a person's page as somebody sees it who may not see everything of it.

Without `scores` there is no answer, score, chart or reason of an alert; without `contacts` no
address. States, dates and what staff wrote themselves stay.
"""

from __future__ import annotations

from dataclasses import replace

from .readmodels import CourseView, Happening, PersonView
from .rights import Rights


def person_for(view: PersonView, rights: Rights) -> PersonView:
    """What of a person's page is for somebody with these rights."""
    if not rights.may("scores"):
        courses = tuple(map(_without_scores, view.courses))
        view = replace(view, charts=(), notices=(), courses=courses)
    return view if rights.may("contacts") else replace(view, contacts=(), pin=None)


def _without_scores(course: CourseView) -> CourseView:
    return replace(course, scores=(), timeline=tuple(map(_without_rule, course.timeline)))


def _without_rule(line: Happening) -> Happening:
    """An alert's rule says what was answered."""
    if line.kind != "Alert":
        return line
    return replace(line, what=line.what.partition(":")[0])
