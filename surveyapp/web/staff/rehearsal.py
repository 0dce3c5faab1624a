"""Rehearsal: what a protocol would send, and what goes out next in a retreat. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from flask import render_template, request
from flask.typing import ResponseReturnValue

from ...services import overview
from ...services.enrolment import DEFAULT_PROTOCOL
from ...services.errors import InputError
from ...services.rehearsal import going_out, rehearse
from ...study.protocol import Protocol
from ...texts import LANGUAGES
from .desk import Desk
from .forms import DATE_FAULT

DAYS = (7, 30, 90)


def rehearsal(desk: Desk) -> ResponseReturnValue:
    """The calendar of a protocol for given dates and zone, with each message's text."""
    protocols = desk.site.library.protocols
    chosen = protocols.get(request.args.get("protocol", ""), protocols[DEFAULT_PROTOCOL])
    typed = {name: request.args.get(name, "").strip() for name in _names(chosen)}
    zone = request.args.get("time_zone", "").strip() or "Europe/Amsterdam"
    language = request.args.get("language", "en")
    problems: dict[str, str] = {}
    planned = []
    try:
        dates = _dates(typed)
        if dates:
            spoken = language if language in dict(LANGUAGES) else "en"
            settings, library = desk.site.settings, desk.site.library
            planned = rehearse(library, settings, chosen, dates, zone, spoken)
    except InputError as error:
        problems = dict(error.problems)
    return render_template(
        "staff/rehearsal.html",
        here="studies",
        protocols=protocols.values(),
        chosen=chosen,
        typed=typed,
        zone=zone,
        language=language,
        all_languages=LANGUAGES,
        planned=planned,
        problems=problems,
        price=_price(request.args.get("sms_price", "")),
    )


def _price(typed: str) -> float | None:
    """The price of one SMS segment, None where there is none to read."""
    try:
        return max(0.0, float(typed.replace(",", ".")))
    except ValueError:
        return None


def _names(protocol: Protocol) -> list[str]:
    return [anchor.id for anchor in protocol.anchors]


def _dates(typed: Mapping[str, str]) -> dict[str, date]:
    """The anchors' dates that were given. Raises InputError for what is no date."""
    found: dict[str, date] = {}
    for name, text in typed.items():
        try:
            found |= {name: date.fromisoformat(text)} if text else {}
        except ValueError as error:
            raise InputError({name: DATE_FAULT}) from error
    return found


def retreat_rehearsal(desk: Desk, retreat_id: int) -> ResponseReturnValue:
    """What goes out in the coming days in this retreat, to whom; what is held and why."""
    view = overview.retreat_view(desk.site, retreat_id, desk.now)
    days = request.args.get("days", type=int) or 30
    return render_template(
        "staff/rehearsal-retreat.html",
        here="retreats",
        practice=view.practice,
        out=going_out(desk.site, retreat_id, max(1, min(days, 400)), desk.now),
        days=days,
        choices=DAYS,
    )
