"""Rehearsal: what a protocol would send, and what goes out next in a retreat. Changes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from flask import render_template, request
from flask.typing import ResponseReturnValue

from ...services import overview
from ...services.enrolment import DEFAULT_PROTOCOL, zone_fault
from ...services.errors import InputError
from ...services.rehearsal import Planned, going_out, rehearse, site_texts
from ...study.protocol import Protocol
from ...texts import LANGUAGES
from .desk import Desk
from .forms import DATE_FAULT, read_day

DAYS = (7, 30, 90)
PRICE = re.compile(r"[0-9]{0,6}[.,]?[0-9]{1,6}")
PRICE_FAULT = "Write the price as a number, for example 0.08."


def rehearsal(desk: Desk) -> ResponseReturnValue:
    """The calendar of a protocol for given dates and zone, with each message's text."""
    protocols = desk.site.library.protocols
    chosen = protocols.get(request.args.get("protocol", ""), protocols[DEFAULT_PROTOCOL])
    typed = _typed(chosen)
    problems, planned = _problems(chosen, typed), list[Planned]()
    if not problems:
        try:
            planned = _planned(desk, chosen, typed)
        except InputError as error:
            problems = error.problems
    return render_template(
        "staff/rehearsal.html",
        here="studies",
        protocols=protocols.values(),
        chosen=chosen,
        typed=typed,
        all_languages=LANGUAGES,
        planned=planned,
        problems=problems,
        labels=_labels(chosen),
        price=_price(typed["sms_price"]),
    )


def _labels(protocol: Protocol) -> dict[str, str]:
    """The fields that can be wrong, with their labels."""
    days = {anchor.id: anchor.label for anchor in protocol.anchors}
    return {**days, "time_zone": "Time zone", "sms_price": "Price of one SMS"}


def _typed(protocol: Protocol) -> dict[str, str]:
    """What the address says of every field, as it was typed."""
    typed = {name: request.args.get(name, "").strip() for name in _labels(protocol)}
    language = request.args.get("language", "")
    typed["language"] = language if language in dict(LANGUAGES) else "en"
    typed["time_zone"] = typed["time_zone"] or "Europe/Amsterdam"
    return typed


def _problems(protocol: Protocol, typed: Mapping[str, str]) -> Mapping[str, str]:
    """Everything that cannot be read, by field."""
    wrong = [a.id for a in protocol.anchors if typed[a.id] and read_day(typed[a.id]) is None]
    problems = dict.fromkeys(wrong, DATE_FAULT)
    if fault := zone_fault(typed["time_zone"]):
        problems["time_zone"] = fault
    if typed["sms_price"] and _price(typed["sms_price"]) is None:
        problems["sms_price"] = PRICE_FAULT
    return problems


def _price(typed: str) -> float | None:
    """The price of one SMS segment, None where there is none to read."""
    return float(typed.replace(",", ".")) if PRICE.fullmatch(typed) else None


def _planned(desk: Desk, protocol: Protocol, typed: Mapping[str, str]) -> list[Planned]:
    """Every message for the days that were given. Raises InputError."""
    read = {anchor.id: read_day(typed[anchor.id]) for anchor in protocol.anchors}
    days: dict[str, date] = {name: day for name, day in read.items() if day}
    if not days:
        return []
    library, settings = desk.site.library, desk.site.settings
    known = site_texts(desk.site, protocol, desk.scope)
    return rehearse(library, settings, protocol, days, typed["time_zone"], typed["language"], known)


def retreat_rehearsal(desk: Desk, retreat_id: int) -> ResponseReturnValue:
    """What goes out in the coming days in this retreat, to whom; what is held and why."""
    view = overview.retreat_view(desk.site, retreat_id, desk.now)
    days = max(1, min(request.args.get("days", type=int) or 30, 400))
    return render_template(
        "staff/rehearsal-retreat.html",
        here="retreats",
        practice=view.practice,
        out=going_out(desk.site, retreat_id, days, desk.now),
        days=days,
        choices=DAYS,
    )
