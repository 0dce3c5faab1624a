"""The staff side: every page below /staff, each behind the guard but signing in and the welcome."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial, update_wrapper
from typing import Any

from flask import Blueprint, current_app, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError

from ...services.errors import GoneError, NotFoundError, RefusedError
from ...services.site import Site
from ...services.tries import TooManyTriesError
from .. import security
from . import (
    accounts,
    adding,
    alerts,
    analysis,
    backups,
    consenting,
    digest,
    entry,
    gathering,
    golive,
    keeping,
    messagetexts,
    moving,
    noting,
    own,
    papers,
    people,
    reaching,
    rehearsal,
    retreats,
    safety,
    sending,
    sheets,
    signing,
    slips,
    stopping,
    study,
    system,
    trail,
    versions,
    wordings,
)
from .desk import Desk, address, near_day
from .desk import people as counted
from .gate import dress, enforce

View = Callable[..., ResponseReturnValue]

PAGES: tuple[tuple[str, str, View], ...] = (
    ("/", "today", retreats.today),
    ("/retreats", "retreats", retreats.retreats),
    ("/retreats/<int:retreat_id>", "retreat", retreats.retreat),
    ("/retreats/<int:retreat_id>/report.pdf", "retreat_report", papers.retreat_report),
    (
        "/retreats/<int:retreat_id>/session-pdfs/progress",
        "session_pdfs_progress",
        papers.session_pdfs_progress,
    ),
    ("/retreats/<int:retreat_id>/session-pdfs.zip", "session_pdfs_zip", papers.session_pdfs_zip),
    ("/retreats/<int:retreat_id>/events", "retreat_events", safety.retreat_events),
    ("/retreats/<int:retreat_id>/events.csv", "retreat_events_csv", safety.retreat_events_csv),
    ("/retreats/<int:retreat_id>/day", "retreat_dosing_day", safety.dosing_day),
    ("/retreats/<int:retreat_id>/rehearsal", "retreat_rehearsal", rehearsal.retreat_rehearsal),
    ("/rehearsal", "rehearsal", rehearsal.rehearsal),
    ("/texts", "message_texts", messagetexts.message_texts),
    ("/people/<code>/report.pdf", "person_report", papers.person_report),
    ("/people", "people", people.people),
    ("/people/<code>", "person", people.person),
    ("/study", "studies", study.studies),
    ("/system", "system", system.system),
    ("/alerts", "alerts", alerts.alerts),
    ("/alerts/<int:alert_id>", "alert", alerts.alert),
    ("/accounts", "accounts", accounts.accounts),
    ("/analysis", "analysis", analysis.analysis),
    ("/export/progress", "export_progress", analysis.export_progress),
    ("/export/data.zip", "export_zip", analysis.export_zip),
    ("/retreats/<int:retreat_id>/consent", "signed_list", consenting.signed_list),
    ("/study/<int:study_id>/running", "study_running", versions.study_running),
    ("/trail", "trail", trail.trail),
    ("/people/<code>/trail", "person_trail", trail.person_trail),
    ("/system/backups", "backups", backups.backups),
    ("/erasures", "erasures", keeping.erasures),
    ("/wordings", "wordings", wordings.list_of),
    ("/wordings/<int:wording_id>", "wording", wordings.wording),
    ("/wordings/<int:wording_id>/screens", "wording_screens", wordings.screens),
    ("/wordings/<instrument>/<language>.csv", "wording_template", wordings.template),
)
ACTS: tuple[tuple[str, str, View], ...] = (
    ("/sign-in", "sign_in", signing.sign_in),
    ("/welcome/<token>", "welcome", signing.welcome),
    ("/sending", "sending", sending.sending),
    ("/texts/<channel>/<kind>/<language>", "message_text", messagetexts.message_text),
    ("/retreats/new", "add_retreat", retreats.add_retreat),
    ("/retreats/<int:retreat_id>/people", "add_people", adding.add_people),
    ("/retreats/<int:retreat_id>/dosing-day", "retreat_day", moving.retreat_day),
    ("/retreats/<int:retreat_id>/confirm", "confirm_retreat", retreats.confirm_retreat),
    ("/retreats/<int:retreat_id>/doses", "retreat_doses", retreats.retreat_doses),
    ("/retreats/<int:retreat_id>/version", "retreat_version", versions.retreat_version),
    ("/retreats/<int:retreat_id>/pins", "give_pins", entry.give_pins),
    ("/retreats/<int:retreat_id>/session-pdfs", "session_pdfs", papers.session_pdfs),
    ("/retreats/<int:retreat_id>/slips", "print_slips", slips.print_slips),
    ("/retreats/<int:retreat_id>/hand-over", "hand_over", entry.hand_over),
    ("/retreats/<int:retreat_id>/programme", "programme", gathering.programme),
    ("/retreats/<int:retreat_id>/sessions/<session>", "attendance", gathering.attendance),
    ("/people/<code>/pin", "pin", entry.pin),
    ("/people/<code>/pin/show", "show_pin", entry.show_pin),
    ("/people/<code>/contact", "contact", reaching.contact),
    ("/people/<code>/language", "language_and_zone", reaching.language_and_zone),
    ("/people/<code>/quiet-hours", "quiet_hours", stopping.quiet_hours),
    ("/people/<code>/<int:number>/stop", "stop", stopping.stop),
    ("/people/<code>/<int:number>/stop/<int:stop_id>/undo", "undo_stop", stopping.undo_stop),
    ("/people/<code>/<int:number>/consent", "consent", consenting.consent),
    ("/people/<code>/<int:number>/dosing-day", "dosing_day", moving.dosing_day),
    ("/people/<code>/<int:number>/confirm", "confirm_day", people.confirm_day),
    ("/people/<code>/<int:number>/dose", "dose", people.dose),
    ("/people/<code>/<int:number>/clear/<timepoint>", "clear", people.clear),
    ("/people/<code>/<int:number>/again/<timepoint>", "send_again", people.send_again),
    (
        "/people/<code>/<int:number>/sheet/<timepoint>/<instrument>",
        "sheet",
        sheets.sheet,
    ),
    (
        "/people/<code>/<int:number>/sheet/<timepoint>/<instrument>/sent",
        "correct_sheet",
        sheets.correct,
    ),
    (
        "/people/<code>/<int:number>/sheet/<timepoint>/<instrument>/second",
        "second_entry",
        sheets.second_entry,
    ),
    ("/people/<code>/<int:number>/note", "note", noting.note),
    (
        "/people/<code>/<int:number>/note/<int:note_id>/withdraw",
        "withdraw_note",
        noting.withdraw_note,
    ),
    ("/people/<code>/<int:number>/intention", "intention", noting.intention),
    ("/people/<code>/<int:number>/missing/<timepoint>", "missing_reason", noting.missing_reason),
    ("/people/<code>/<int:number>/event", "event", safety.event),
    ("/people/<code>/<int:number>/event/<int:event_id>", "change_event", safety.change_event),
    ("/people/<code>/<int:number>/checklist", "checklist", safety.checklist),
    ("/people/<code>/<int:number>/pressure", "blood_pressure", safety.blood_pressure),
    (
        "/people/<code>/<int:number>/pressure/<int:reading_id>/withdraw",
        "withdraw_reading",
        safety.withdraw_reading,
    ),
    ("/study/<int:study_id>", "study", study.study),
    ("/study/<int:study_id>/told", "responders", alerts.responders),
    ("/study/<int:study_id>/drill", "drill", alerts.drill),
    ("/digest", "digest", digest.digest),
    ("/alerts/<int:alert_id>/acknowledge", "acknowledge_alert", alerts.acknowledge_alert),
    ("/alerts/<int:alert_id>/outcome", "alert_outcome", alerts.alert_outcome),
    ("/alerts/<int:alert_id>/close", "close_alert", alerts.close_alert),
    ("/study/<int:study_id>/notice", "study_notice", study.notice),
    ("/sign-in/code", "code", signing.code),
    ("/account", "account", own.account),
    ("/account/password", "own_password", own.own_password),
    ("/account/second-factor", "second_factor", own.own_factor),
    ("/account/second-factor/off", "factor_off", own.factor_off),
    ("/account/second-factor/codes", "recovery_codes", own.recovery_codes),
    ("/accounts/new", "invite", accounts.invite),
    ("/accounts/<int:account_id>", "colleague", accounts.colleague),
    ("/accounts/<int:account_id>/invite", "invite_again", accounts.invite_again),
    ("/accounts/<int:account_id>/active", "colleague_active", accounts.colleague_active),
    ("/accounts/<int:account_id>/second-factor", "remove_factor", accounts.remove_factor),
    ("/export", "export", analysis.export),
    ("/study/<int:study_id>/consent", "consent_forms", consenting.consent_forms),
    ("/study/<int:study_id>/amendment", "study_version", versions.study_version),
    (
        "/people/<code>/<int:number>/consent/withdraw",
        "withdraw_consent",
        consenting.withdraw_consent,
    ),
    ("/people/<code>/contact/show", "show_contact", reaching.show_contact),
    ("/people/<code>/trail.csv", "person_trail_csv", trail.person_trail_csv),
    ("/system/backups/now", "backup_now", backups.backup_now),
    ("/people/<code>/erase", "erase", keeping.erase),
    ("/people/<code>/copy", "own_copy", keeping.own_copy),
    ("/retention", "retention", keeping.periods),
    ("/wordings/install", "install_wording", wordings.install),
    ("/wordings/<int:wording_id>/permission", "wording_permission", wordings.permission),
    ("/wordings/<int:wording_id>/override", "wording_override", wordings.override),
    ("/wordings/<int:wording_id>/retire", "retire_wording", wordings.retire),
    ("/study/new", "start_study", golive.start),
    ("/study/<int:study_id>/languages", "study_languages", golive.languages),
    ("/study/<int:study_id>/live", "go_live", golive.go_live),
)
FAULTS: dict[type[Exception], int] = {NotFoundError: 404, GoneError: 410, RefusedError: 409}


def make_blueprint(site: Site, clock: Callable[[], datetime]) -> Blueprint:
    """The staff pages over one site."""
    desk = Desk(site, clock)
    blueprint = Blueprint("staff", __name__, url_prefix="/staff")
    for rule, name, view in PAGES:
        blueprint.add_url_rule(rule, name, _bound(view, desk), methods=["GET"])
    for rule, name, view in ACTS:
        blueprint.add_url_rule(rule, name, _bound(view, desk), methods=["GET", "POST"])
    out = _bound(signing.sign_out, desk)
    blueprint.add_url_rule("/sign-out", "sign_out", out, methods=["POST"])
    blueprint.before_request(partial(_guard, desk))
    blueprint.context_processor(partial(_sending, desk))
    blueprint.app_template_filter("address")(address)
    blueprint.app_template_filter("people")(counted)
    blueprint.app_template_filter("near_day")(near_day)
    blueprint.register_error_handler(TooManyTriesError, _too_many)
    dress(blueprint)
    blueprint.register_error_handler(CSRFError, partial(_stale, desk))
    for kind, code in FAULTS.items():
        blueprint.register_error_handler(kind, partial(_fault, code))
    return blueprint


def _sending(desk: Desk) -> dict[str, object]:
    """Why prompts are not being sent, and who is signed in, on every page of theirs."""
    user = security.signed_in()
    if user is None:
        return {}
    found = desk.health()
    return {
        "not_sending": found.not_sending,
        "sending_held": bool(found.held),
        "own_address": user.email,
    }


def _guard(desk: Desk) -> ResponseReturnValue | None:
    """None where the request may go on: signed in, with the right, to something of theirs."""
    return security.guard() or enforce(desk.site)


def _bound(view: View, desk: Desk) -> View:
    return update_wrapper(partial(view, desk), view)


def _stale(desk: Desk, error: CSRFError) -> ResponseReturnValue:
    """A form without its token: the view refuses it too, and shows it again as it was typed."""
    del error
    g.csrf_refused = True
    assert request.endpoint is not None
    view: Any = current_app.view_functions[request.endpoint]
    try:
        return _guard(desk) or view(**(request.view_args or {}))
    except tuple(FAULTS) as fault:
        return _fault(FAULTS[type(fault)], fault)


def _too_many(error: TooManyTriesError) -> ResponseReturnValue:
    return _notice("Too many tries", str(error)), 429, {"Retry-After": str(error.seconds)}


def _notice(heading: str, sentence: str) -> str:
    signed_in = security.signed_in() is not None
    return render_template(
        "staff/notice.html", heading=heading, sentence=sentence, signed_in=signed_in
    )


def _fault(code: int, error: Exception) -> ResponseReturnValue:
    heading = {404: "Not found", 410: "This link has ended", 409: "Not like this"}[code]
    return _notice(heading, str(error)), code
