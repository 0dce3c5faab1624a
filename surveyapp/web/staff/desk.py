"""The desk: what every staff page needs, and how an act is asked for, done and answered.

An act is a form page. Wrong input comes back with what was typed and a sentence (400); done, the
browser is sent on (303) and told so once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypedDict, TypeVar

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ...services.errors import InputError, NotFoundError
from ...services.health import Health, health
from ...services.readmodels import CourseAnchor, Place, RetreatAnchor
from ...services.site import Site
from ...texts import short_weekday
from ..security import actor, rights, signed_in
from .forms import ActForm

AnchorT = TypeVar("AnchorT", RetreatAnchor, CourseAnchor)


class By(TypedDict):
    """Who does something, and when; services take both by name."""

    actor: str
    now: datetime


@dataclass(frozen=True)
class Desk:
    site: Site
    clock: Callable[[], datetime]

    @property
    def now(self) -> datetime:
        return self.clock()

    def health(self) -> Health:
        """The installation's state, asked once for a request."""
        if "health" not in g:
            g.health = health(self.site, self.clock())
        return g.health

    @property
    def scope(self) -> frozenset[int] | None:
        """The retreats of whoever is signed in; None is every one."""
        return rights().retreats

    @property
    def by(self) -> By:
        return {"actor": actor(), "now": self.clock()}


@dataclass(frozen=True)
class Act:
    """One act's page. `will` says what it does, line by line; `back` is where one came from;
    `grave` marks what cannot be taken back lightly."""

    heading: str
    button: str
    back: str
    back_words: str
    will: Sequence[str] = ()
    practice: bool = False
    grave: bool = False
    template: str = "staff/act.html"
    more: dict[str, Any] = field(default_factory=dict[str, Any])


def account_id() -> int:
    """The account of whoever is signed in."""
    user = signed_in()
    assert user is not None
    return user.id


def perform(act: Act, form: ActForm, do: Callable[[], str]) -> ResponseReturnValue:
    """Show the act's page, or do it: `do` returns the sentence that says it was done."""
    if not form.is_submitted():
        return show(act, form)
    if form.validate():
        try:
            flash(do())
            return redirect(act.back, 303)
        except InputError as error:
            form.take(error.problems)
    return show(act, form), 400


def show(act: Act, form: ActForm) -> str:
    return render_template(
        act.template,
        form=form,
        heading=act.heading,
        button=act.button,
        back=act.back,
        back_words=act.back_words,
        will=act.will,
        practice=act.practice,
        grave=act.grave,
        **act.more,
    )


def address(place: Place) -> str:
    """The address of a page that a service named."""
    return url_for(f"staff.{place.page}", **place.args)  # pyright: ignore[reportArgumentType]


def near_day(on: date) -> str:
    """Sat 14 Feb, where the year stands elsewhere on the page."""
    return short_weekday(on)


def chosen(anchors: Sequence[AnchorT]) -> AnchorT:
    """The anchor that the address names, else the first. Raises NotFoundError."""
    wanted = request.args.get("anchor", "") or anchors[0].id
    for anchor in anchors:
        if anchor.id == wanted:
            return anchor
    raise NotFoundError("There is no such day.")


def people(count: int) -> str:
    """1 person, 13 people"""
    return "1 person" if count == 1 else f"{count} people"
