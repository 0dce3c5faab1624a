"""`surveyapp rehearse`: every message a participant who never answers would get."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from datetime import UTC, date
from zoneinfo import ZoneInfo

from ..study.protocol import Protocol
from ..study.schedule import AnchorFact, Facts, Prompt, plan
from . import shelf
from .parsing import Commands
from .saying import CommandError, result, result_json, say

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def add(commands: Commands) -> None:
    """Describe the command."""
    command = commands.add_parser(
        "rehearse",
        help="list the messages of a protocol",
        description="Lists every message a participant who never answers would get, at its local"
        " hour, as if each anchor were confirmed.",
        allow_abbrev=False,
    )
    command.add_argument("protocol", metavar="PROTOCOL")
    command.add_argument(
        "--anchor",
        metavar="ID=YYYY-MM-DD",
        action="append",
        required=True,
        help="an anchor's date; may be repeated",
    )
    command.add_argument(
        "--time-zone", metavar="ZONE", required=True, help="for example Europe/Amsterdam"
    )
    command.add_argument("--json", action="store_true", help="print a JSON list")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the messages in time order."""
    protocol = shelf.protocol(arguments.protocol)
    anchors = _anchors(protocol, arguments.anchor)
    facts = Facts(zone=_zone(arguments.time_zone), anchors=anchors)
    try:
        prompts = plan(protocol, facts)
    except OverflowError:
        raise CommandError("that date is too far away to count from") from None
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
