"""`surveyapp rehearse`: every message a participant who never answers would get."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from datetime import UTC, date
from zoneinfo import ZoneInfo

from ..study.protocol import Protocol
from ..study.schedule import AnchorFact, Facts, Prompt, plan
from . import rehearsals, shelf
from .parsing import Commands
from .saying import CommandError, result, result_json, say

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def add(commands: Commands) -> None:
    """Describe the command."""
    command = commands.add_parser(
        "rehearse",
        help="list the messages of a protocol",
        description="Lists every message a participant who never answers would get, at its local"
        " hour, as if each anchor were confirmed. With --participants it counts what many would"
        " get; with --retreat it lists what goes out next there, and what is held and why.",
        allow_abbrev=False,
    )
    command.add_argument("protocol", metavar="PROTOCOL", nargs="?")
    command.add_argument(
        "--anchor",
        metavar="ID=YYYY-MM-DD",
        action="append",
        default=[],
        help="an anchor's date; may be repeated",
    )
    command.add_argument("--time-zone", metavar="ZONE", help="for example Europe/Amsterdam")
    command.add_argument("--texts", action="store_true", help="with what each message says")
    command.add_argument(
        "--language", metavar="LANG", default="en", help="of the texts: en, nl, de or es"
    )
    command.add_argument(
        "--sms-price", metavar="PRICE", help="of one SMS segment, to price the texts"
    )
    command.add_argument(
        "--participants", metavar="N", type=int, help="count the messages of so many over 24 weeks"
    )
    command.add_argument("--retreat", metavar="NAME", help="what goes out next in this retreat")
    command.add_argument("--days", metavar="N", type=int, default=30, help="with --retreat (30)")
    command.add_argument("--json", action="store_true", help="print a JSON list")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the messages in time order."""
    if arguments.retreat is not None:
        return rehearsals.next_in_retreat(arguments)
    if not arguments.protocol:
        raise CommandError("name a protocol, or --retreat")
    protocol = shelf.protocol(arguments.protocol)
    if arguments.participants is not None:
        return rehearsals.many(protocol, arguments)
    if not arguments.anchor or arguments.time_zone is None:
        raise CommandError("the following arguments are required: --anchor, --time-zone")
    anchors = _anchors(protocol, arguments.anchor)
    facts = Facts(zone=_zone(arguments.time_zone), anchors=anchors)
    try:
        prompts = plan(protocol, facts)
    except OverflowError:
        raise CommandError("that date is too far away to count from") from None
    if arguments.texts or arguments.sms_price is not None:
        return rehearsals.with_texts(protocol, facts, arguments, _as_json)
    if arguments.json:
        result_json([_as_json(prompt) for prompt in prompts])
    else:
        result(_table(protocol, prompts))
    return 0


def _anchors(protocol: Protocol, pairs: Sequence[str]) -> dict[str, AnchorFact]:
    known = [anchor.id for anchor in protocol.anchors]
    found: dict[str, AnchorFact] = {}
    for pair in pairs:
        name, equals, day = pair.partition("=")
        if not equals:
            raise CommandError(f"--anchor takes ID=YYYY-MM-DD, not {pair!r}")
        if name not in known:
            raise CommandError(f"{protocol.id} has no anchor {name!r}, only {', '.join(known)}")
        if name in found:
            raise CommandError(f"--anchor {name} was given twice")
        found[name] = AnchorFact(_date(day), confirmed=True)
    for name in known:
        if name not in found:
            say(f"anchor {name} has no date, so its messages are left out")
    return found


def _date(text: str) -> date:
    try:
        if DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise CommandError(f"{text!r} is not a date such as 2027-03-20")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise CommandError(f"there is no time zone {name!r}, such as Europe/Amsterdam") from None
    return name


def _as_json(prompt: Prompt) -> dict[str, object]:
    return {
        "timepoint": prompt.timepoint,
        "number": prompt.number,
        "local": prompt.local.isoformat(),
        "utc": prompt.utc.isoformat(),
    }


def _table(protocol: Protocol, prompts: Sequence[Prompt]) -> str:
    rows = [("timepoint", "number", "message", "local time", "UTC")]
    rows += [_cells(prompt) for prompt in prompts]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [f"{protocol.label}: {len(prompts)} messages"]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _cells(prompt: Prompt) -> tuple[str, str, str, str, str]:
    return (
        prompt.timepoint,
        str(prompt.number),
        "reminder" if prompt.number else "invitation",
        f"{prompt.local:%a} {prompt.local.isoformat(' ', 'minutes')}",
        f"{prompt.utc.astimezone(UTC):%Y-%m-%d %H:%M}",
    )
