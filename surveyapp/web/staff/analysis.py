"""Analysis: an analyst's own page, and the export of pseudonymous data as a ZIP."""

from __future__ import annotations

from flask import render_template, send_file, url_for
from flask.typing import ResponseReturnValue
from wtforms import RadioField, SelectMultipleField
from wtforms.widgets import CheckboxInput

from ...services import overview
from ...services.exchange import packing
from ...services.readmodels import RetreatLine
from .desk import Act, Desk, account_id, perform
from .forms import ActForm, options

WHAT = {
    "practice": "Practice studies: every retreat of them that you may see",
    "live": "Live studies: every retreat of them that you may see",
    "picked": "The retreats that are ticked below",
}


class ExportForm(ActForm):
    what = RadioField("What", choices=options(*WHAT.items()), default="picked")
    retreats = SelectMultipleField("Retreats", option_widget=CheckboxInput(), coerce=int)


def analysis(desk: Desk) -> ResponseReturnValue:
    """The retreats, each with its report, and the way to the export."""
    found = overview.retreats(desk.site, desk.scope)
    return render_template("staff/analysis.html", here="analysis", retreats=found)


def export(desk: Desk) -> ResponseReturnValue:
    """What to export; made aside, because a large one takes longer than a request should."""
    found = overview.retreats(desk.site, desk.scope)
    form = _form(found)
    act = Act(
        heading="Export data",
        button="Make the export",
        back=url_for("staff.export_progress"),
        back_words="Exports",
        will=[
            "Makes a ZIP of CSV files with a codebook and checksums. You can go on meanwhile.",
            "People are known by study code. There is no address and no free note in it.",
            "Only you can fetch it, for a day. The trail notes what you exported.",
        ],
        template="staff/export.html",
        more={"here": "analysis"},
    )

    def do() -> str:
        picked = form.retreats.data or []
        wanted = packing.chosen(desk.site, form.what.data or "", picked, desk.scope)
        begun = packing.start(desk.site, account_id(), wanted, **desk.by)
        return "It is being made." if begun else "One is being made already."

    return perform(act, form, do)


def _form(found: list[RetreatLine]) -> ExportForm:
    form = ExportForm()
    form.retreats.choices = [(r.id, r.name) for r in found]
    return form


def export_progress(desk: Desk) -> ResponseReturnValue:
    """How far it is; the page loads itself again until it is done."""
    told = packing.progress(desk.site, account_id(), desk.now)
    return render_template("staff/export-progress.html", here="analysis", told=told)


def export_zip(desk: Desk) -> ResponseReturnValue:
    path = packing.zip_of(desk.site, account_id(), desk.scope, desk.now)
    return send_file(
        path.resolve(), "application/zip", as_attachment=True, download_name="export.zip"
    )
