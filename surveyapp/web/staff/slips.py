"""Slips with QR codes, eight to a sheet of A4, each in its person's language."""

from __future__ import annotations

import segno
from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from ... import texts
from ...services import overview, slips
from ...services.errors import InputError
from ...services.slips import Slip
from .desk import Act, Desk, show
from .forms import SlipsForm, options


def print_slips(desk: Desk, retreat_id: int) -> ResponseReturnValue:
    """Choose the check-in, then the sheets to print."""
    view = overview.retreat_view(desk.site, retreat_id, desk.now)
    found, coming = slips.timepoints(desk.site, retreat_id, desk.now)
    form = SlipsForm(timepoint=coming)
    form.timepoint.choices = options(*found)
    act = Act(
        heading="Print slips",
        button="Show the sheets",
        back=url_for("staff.retreat", retreat_id=retreat_id),
        back_words=view.name,
        will=[
            "Makes one slip for each person: study code, QR code, address, and until when.",
            "A slip opens that person's check-in. Hand it to nobody else.",
            "The trail notes that slips were printed.",
        ],
        practice=view.practice,
        more={"here": "retreats"},
    )
    if not form.is_submitted():
        return show(act, form)
    if form.validate():
        try:
            made = slips.make_slips(
                desk.site,
                retreat_id,
                form.timepoint.data,
                with_pins=bool(form.pins.data),
                **desk.by,
            )
            return render_template("staff/slips.html", back=act.back, slips=map(_drawn, made))
        except InputError as error:
            form.take(error.problems)
    return show(act, form), 400


def _drawn(slip: Slip) -> tuple[Slip, Markup, str]:
    """A slip, its QR code, and its words in the person's language."""
    code = segno.make(slip.address, error="m", micro=False)
    svg = code.svg_inline(omitsize=True, svgclass="qr", lineclass=None, border=2)
    with texts.speaking(slip.language):
        words = render_template("staff/slip.html", slip=slip, language=texts.spoken())
    return slip, Markup(svg), words  # noqa: S704 - drawn here, from our own address
