"""`surveyapp instruments`: what is on the shelf, and whether it holds together."""

from __future__ import annotations

import argparse

from ..study.instrument import Instrument
from ..study.protocol import Protocol
from . import shelf
from .parsing import Commands
from .saying import result


def add(commands: Commands) -> None:
    """Describe the commands."""
    command = commands.add_parser(
        "instruments", help="check the instruments and protocols", allow_abbrev=False
    )
    actions = command.add_subparsers(title="actions", metavar="ACTION", required=True)
    check = actions.add_parser(
        "check",
        help="check every file and list what is there",
        description="Checks every instrument, wording and protocol in SURVEYAPP_INSTRUMENTS_DIR,"
        " or in the folder that ships with the program; each fault is named by file and key.",
        allow_abbrev=False,
    )
    check.set_defaults(run=run_check)


def run_check(_: argparse.Namespace) -> int:
    """List what is there; a fault anywhere ends with exit 2 and every fault by file and key."""
    library = shelf.library()
    for instrument in library.instruments.values():
        result(_instrument(instrument))
    for protocol in library.protocols.values():
        result(_protocol(protocol))
    return 0


def _instrument(instrument: Instrument) -> str:
    wordings = ", ".join(
        f"{w.language} (placeholder)" if w.placeholder else w.language
        for w in instrument.wordings.values()
    )
    counts = f"{len(instrument.items)} items, {len(instrument.scales)} scales"
    return f"instrument {instrument.id} {instrument.version}: {counts}; wording {wordings}"


def _protocol(protocol: Protocol) -> str:
    timepoints = ", ".join(t.id for t in protocol.timepoints)
    return f"protocol {protocol.id} {protocol.version}: timepoints {timepoints}"
