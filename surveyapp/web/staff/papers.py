"""The two PDFs, drawn on demand outside this process."""

from __future__ import annotations

from flask import Response

from ...services import overview, reporting
from ...services.reporting import Report
from .desk import Desk


def person_report(desk: Desk, code: str) -> Response:
    return _paper(desk, reporting.participant_report(desk.site, code, desk.now))


def retreat_report(desk: Desk, retreat_id: int) -> Response:
    name = overview.retreat_name(desk.site, retreat_id)
    return _paper(desk, reporting.retreat_report(desk.site, name, desk.now))


def _paper(desk: Desk, report: Report) -> Response:
    body = reporting.make_pdf(desk.site, report, **desk.by)
    shown = {"Content-Disposition": f'inline; filename="{report.filename}"'}
    return Response(body, mimetype="application/pdf", headers=shown)
