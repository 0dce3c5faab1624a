"""The trail's pages: by person, of the system, and a person's as a file."""

from __future__ import annotations

from flask import Response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ...services import headkeeping, trailreading
from ...services.trailreading import Filter
from .. import security
from .desk import Act, Desk, show
from .forms import ActForm, read_day

NUMERALS = 6


def trail(desk: Desk) -> ResponseReturnValue:
    """What is about no single person, and what was last kept outside."""
    wish = _wish()
    return render_template(
        "staff/trail.html",
        here="system",
        trail=trailreading.system_trail(desk.site, wish, security.rights()),
        wish=wish,
        code="",
        heads=headkeeping.kept_heads(desk.site),
        keeps=bool(desk.site.settings.head_dir or desk.site.settings.head_mail),
    )


def person_trail(desk: Desk, code: str) -> ResponseReturnValue:
    """Everything that was done about a person."""
    wish = _wish()
    return render_template(
        "staff/trail.html",
        here="people",
        trail=trailreading.person_trail(desk.site, code, wish, security.rights()),
        wish=wish,
        code=code,
    )


def person_trail_csv(desk: Desk, code: str) -> ResponseReturnValue:
    """The same as a file, on a POST; that it was taken is on record."""
    form = ActForm()
    trailreading.person_trail(desk.site, code, Filter(), security.rights())
    act = Act(
        heading=f"The trail of {code} as a file",
        button="Make the file",
        back=url_for("staff.person_trail", code=code),
        back_words=f"Trail of {code}",
        will=["Makes a table (CSV) of every event.", "The trail notes that you took it."],
        more={"here": "people"},
    )
    if not form.is_submitted() or not form.validate():
        return show(act, form), 400 if form.is_submitted() else 200
    body = trailreading.export_person(desk.site, code, security.rights(), **desk.by)
    named = {"Content-Disposition": 'attachment; filename="trail.csv"'}
    return Response(body, mimetype="text/csv", headers=named)


def _wish() -> Filter:
    """What the address asks for; what cannot be read asks for nothing."""
    asked = {name: text for name, text in request.args.items() if text.isprintable()}
    page = asked.get("page", "")
    return Filter(
        kind=asked.get("kind", ""),
        actor=asked.get("actor", ""),
        since=read_day(asked.get("since", "")),
        until=read_day(asked.get("until", "")),
        page=int(page) if page.isascii() and page.isdigit() and len(page) <= NUMERALS else 1,
    )
