"""The fuller rehearsals: with texts and prices, of many participants, of a running retreat."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..study.protocol import Protocol
from ..study.schedule import Facts, Prompt
from .opening import set_up_faults, settings
from .saying import CommandError, result, result_json, say

if TYPE_CHECKING:
    from ..services.rehearsal import Next, Planned

MOST_PARTICIPANTS, MOST_DAYS = 1_000_000, 400
PRICE = re.compile(r"[0-9]{0,6}[.,]?[0-9]{1,6}")


def price_of(text: str) -> float:
    """The price of one SMS segment, as typed. Raises CommandError."""
    if not PRICE.fullmatch(text):
        raise CommandError(f"--sms-price takes a number such as 0.08, not {text!r}")
    return float(text.replace(",", "."))


def with_texts(
    protocol: Protocol,
    facts: Facts,
    arguments: argparse.Namespace,
    as_json: Callable[[Prompt], dict[str, object]],
) -> int:
    """Each message with what it says, and what the texts would cost as SMS."""
    from ..services.rehearsal import rehearse
    from ..study.library import load_library
    from ..texts import LANGUAGES

    price = None if arguments.sms_price is None else price_of(arguments.sms_price)
    if arguments.language not in dict(LANGUAGES):
        raise CommandError(f"--language takes {', '.join(dict(LANGUAGES))}")
    with set_up_faults():
        found, library = settings(), load_library(settings().instruments)
        dates = {name: fact.date for name, fact in facts.anchors.items()}
        planned = rehearse(library, found, protocol, dates, facts.zone, arguments.language)
    if arguments.json:
        result_json([{**as_json(p.prompt), **_said(p)} for p in planned])
        return 0
    for one in planned if arguments.texts else ():
        kind = "reminder" if one.prompt.number else "invitation"
        local = one.prompt.local
        result(f"{local:%a} {local.isoformat(' ', 'minutes')}  {one.label}, {kind}")
        result(f"  {one.said.subject}\n{_indented(one.said.text)}")
        result(f"  SMS ({_segments(one.said.segments)}): {one.said.sms}\n")
    _price(planned, price)
    return 0


def _said(planned: Planned) -> dict[str, object]:
    said = planned.said
    return {
        "subject": said.subject,
        "text": said.text,
        "sms": said.sms,
        "sms_segments": said.segments,
    }


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())


def _segments(count: int) -> str:
    return f"{count} segment{'' if count == 1 else 's'}"


def _price(planned: list[Planned], price: float | None) -> None:
    total = sum(p.said.segments for p in planned)
    cost = f", {total * price:.2f} at {price:g} each" if price is not None else ""
    result(f"As SMS: {len(planned)} messages, {_segments(total)}{cost} for one participant.")


def many(protocol: Protocol, arguments: argparse.Namespace) -> int:
    """What so many participants would get, and how much at once."""
    from ..services.rehearsal import simulate

    count = arguments.participants
    if not 1 <= count <= MOST_PARTICIPANTS:
        raise CommandError(f"--participants takes 1 to {MOST_PARTICIPANTS}")
    began = time.perf_counter()

    def progress(done: int) -> None:
        say(f"{done} of {count}")

    load = simulate(protocol, count, datetime.now(UTC).date(), progress)
    spent = time.perf_counter() - began
    if arguments.json:
        dates = {
            "busiest_day": load.busiest_day.isoformat(),
            "busiest_minute": load.busiest_minute.isoformat(),
        }
        result_json({**asdict(load), **dates, "seconds": round(spent, 1)})
        return 0
    result(f"{protocol.label}: {load.participants} participants, {load.messages} messages")
    result(f"busiest day     {load.busiest_day} UTC: {load.on_busiest_day}")
    result(f"busiest minute  {load.busiest_minute:%Y-%m-%d %H:%M} UTC: {load.in_busiest_minute}")
    result(f"outside 08:00 to 20:00 local: {load.outside_hours}; sent twice: {load.doubled}")
    say(f"counted in {spent:.1f} s")
    return 0


def next_in_retreat(arguments: argparse.Namespace) -> int:
    """What goes out next in a retreat of the database, to whom, and what is held and why."""
    from ..services.rehearsal import going_out, retreat_named
    from ..services.site import open_site

    if not 1 <= arguments.days <= MOST_DAYS:
        raise CommandError(f"--days takes 1 to {MOST_DAYS}")
    with set_up_faults():
        site = open_site(settings())
        retreat = retreat_named(site, arguments.retreat)
        found = going_out(site, retreat, arguments.days, datetime.now(UTC))
    if arguments.json:
        result_json(
            {"going": [_next(n) for n in found.going], "held": [_next(n) for n in found.held]}
        )
        return 0
    result(f"{found.name}: {len(found.going)} messages in {arguments.days} days")
    for one in found.going:
        result(_row(one))
    result(f"held: {len(found.held)}")
    for one in found.held:
        result(_row(one))
    return 0


def _next(one: Next) -> dict[str, object]:
    line = one.line
    return {
        "participant": one.code,
        "timepoint": line.label,
        "number": line.number,
        "local": line.at.isoformat(),
        "state": line.state,
        "reason": line.reason,
    }


def _row(one: Next) -> str:
    line = one.line
    kind = f"reminder {line.number}" if line.number else "invitation"
    why = f"  {line.state}: {line.reason}" if line.reason else f"  {line.state}"
    return f"  {line.at:%a %Y-%m-%d %H:%M}  {one.code}  {line.label}, {kind}{why}"
