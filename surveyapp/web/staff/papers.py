"""The two PDFs, drawn on demand outside this process, and a retreat's session PDFs in one ZIP."""

from __future__ import annotations

from flask import Response, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from ...services import batch, overview, reporting
from ...services.reporting import Report
from ...texts import ENGLISH, LANGUAGES
from .desk import Act, Desk, people, show
from .forms import SessionPdfsForm, options


def person_report(desk: Desk, code: str) -> Response:
    meeting, now = request.args.get("session", ""), desk.now
    report = reporting.participant_report(desk.site, code, now, _language(), meeting=meeting)
    return _paper(desk, report)


def retreat_report(desk: Desk, retreat_id: int) -> Response:
    name = overview.retreat_name(desk.site, retreat_id)
    return _paper(desk, reporting.retreat_report(desk.site, name, desk.now, _language() or ENGLISH))


def _language() -> str:
    """The one that the address names, if there are reports in it."""
    wanted = request.args.get("language", "")
    return wanted if wanted in dict(LANGUAGES) else ""


def _paper(desk: Desk, report: Report) -> Response:
    body = reporting.make_pdf(desk.site, report, **desk.by)
    shown = {"Content-Disposition": f'inline; filename="{report.filename}"'}
    return Response(body, mimetype="application/pdf", headers=shown)


def session_pdfs(desk: Desk, retreat_id: int) -> ResponseReturnValue:
    """How many there would be, and the button that makes them all."""
    form = SessionPdfsForm()
    form.language.choices = options(("", "Each person's own"), *LANGUAGES)
    view = overview.retreat_view(desk.site, retreat_id, desk.now)
    name, count = view.name, len(batch.codes(desk.site, retreat_id))
    act = Act(
        heading="All session PDFs",
        button="Make them",
        back=url_for("staff.retreat", retreat_id=retreat_id),
        back_words=name,
        will=[
            f"Makes the session PDFs of {people(count)}, in one ZIP. You can go on meanwhile.",
            "The file can be fetched for a day, by staff only, and is then deleted here.",
            "The trail notes each report that is made.",
        ],
        practice=view.practice,
        more={"here": "retreats"},
    )
    if not form.is_submitted():
        return show(act, form)
    if not count or not form.validate():
        return show(act, form), 400
    batch.start(desk.site, retreat_id, form.language.data or "", **desk.by)
    return redirect(url_for("staff.session_pdfs_progress", retreat_id=retreat_id), 303)


def session_pdfs_progress(desk: Desk, retreat_id: int) -> ResponseReturnValue:
    """How far it is; the page loads itself again until it is done."""
    view = overview.retreat_view(desk.site, retreat_id, desk.now)
    return render_template(
        "staff/session-pdfs.html",
        here="retreats",
        retreat_id=retreat_id,
        name=view.name,
        practice=view.practice,
        told=batch.progress(desk.site, retreat_id, desk.now),
    )


def session_pdfs_zip(desk: Desk, retreat_id: int) -> ResponseReturnValue:
    path = batch.take_zip(desk.site, retreat_id, **desk.by)
    name = reporting.filename(overview.retreat_name(desk.site, retreat_id), "zip")
    return send_file(path.resolve(), "application/zip", as_attachment=True, download_name=name)
