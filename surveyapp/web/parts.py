"""/staff/parts: every part of the staff pages on one page, to be looked at.

Registered by the demo alone. The colours are read from the style sheet and the charts are those of
somebody in the demo, so that the page cannot show what no page has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import get_args

from flask import Blueprint, render_template
from wtforms import RadioField, SelectMultipleField, StringField, TextAreaField
from wtforms.widgets import CheckboxInput

from ..services import overview, personal
from ..services.readmodels import ChartView, PromptState
from ..services.site import Site
from ..study.schedule import State
from .security import guard
from .staff.forms import DATE_FAULT, ActForm, DayField, options
from .tokens import Schemes, contrast, is_colour, read_tokens

USES = {
    "paper": "the ground of a page, and of fields",
    "card": "the ground of cards",
    "ink": "text",
    "muted": "text of less weight",
    "hair": "lines between parts; never alone in telling something",
    "edge": "the edge of controls",
    "accent": "links, the main button, the focus ring",
    "on-accent": "text on the accent",
    "tint": "the ground of what was said or chosen",
    "brown": "what is amiss or grave",
    "sand": "the ground of notes and faults",
    "edge-fade": "the edge of a table that goes on",
}


@dataclass(frozen=True)
class Colour:
    """A colour token; `contrasts` against paper in light, card in light, and both in dark."""

    name: str
    use: str
    light: str
    dark: str
    contrasts: tuple[float, float, float, float]


class SampleForm(ActForm):
    """A field of each kind, two of them with an error."""

    text = StringField("A line of text", description="A hint says what is wanted, and how.")
    on = DayField("A day", description="Year-month-day, for example 2027-03-20.")
    kind = RadioField("One of a few", choices=options(("a", "The first"), ("b", "The second")))
    many = SelectMultipleField(
        "Any of several",
        choices=options(("a", "M-01"), ("b", "M-02")),
        option_widget=CheckboxInput(),
    )
    words = TextAreaField("More than a line")


def make_blueprint(site: Site, clock: Callable[[], datetime]) -> Blueprint:
    """/staff/parts, for whoever is signed in."""
    blueprint = Blueprint("parts", __name__, url_prefix="/staff")
    blueprint.before_request(guard)

    @blueprint.get("/parts")
    def parts() -> str:  # pyright: ignore[reportUnusedFunction]
        found = read_tokens(_sheet())
        return render_template(
            "demo/parts.html",
            colours=_colours(found),
            sizes=_starting(found, "text-"),
            spaces=_starting(found, "space-"),
            states=dict.fromkeys((*get_args(State), *get_args(PromptState))),
            form=_wrong_form(),
            charts=_charts(site, clock()),
            practice=True,
        )

    return blueprint


def _sheet() -> str:
    return (Path(__file__).parent / "static" / "staff.css").read_text("utf-8")


def _colours(found: Schemes) -> list[Colour]:
    return [
        Colour(name, USES.get(name, ""), light, found.dark[name], _contrasts(found, name))
        for name, light in found.light.items()
        if is_colour(light)
    ]


def _contrasts(found: Schemes, name: str) -> tuple[float, float, float, float]:
    (a, b), (c, d) = (
        tuple(contrast(tokens[name], tokens[ground]) for ground in ("paper", "card"))
        for tokens in (found.light, found.dark)
    )
    return a, b, c, d


def _starting(found: Schemes, start: str) -> dict[str, str]:
    """Tokens of one kind, by what comes after it."""
    return {
        name.removeprefix(start): value
        for name, value in found.light.items()
        if name.startswith(start)
    }


def _wrong_form() -> SampleForm:
    form = SampleForm(formdata=None, data={"on": "27 March 2027", "kind": "a", "many": ["b"]})
    form.take({"on": DATE_FAULT, "words": "Say why: it is kept in the trail."})
    return form


def _charts(site: Site, now: datetime) -> Sequence[ChartView]:
    """The first figures that anybody in the demo has."""
    for line in overview.people(site, "", now):
        view = personal.person_view(site, line.code, now)
        if view.charts:
            return view.charts
    return ()
