"""`surveyapp audit verify` and `audit head`: whether the trail is whole, and its head to be kept
outside."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .opening import now, opened_site
from .parsing import Commands
from .saying import CommandError, result, say

if TYPE_CHECKING:
    from ..services.trailheads import Checked
    from ..store.trail import Heads

QUIET_SECONDS = 3.0


def add(commands: Commands) -> None:
    audit = commands.add_parser("audit", help="the audit trail")
    kinds = audit.add_subparsers(title="commands", metavar="COMMAND", required=True)
    verify = kinds.add_parser(
        "verify",
        help="check every chain of the trail; print a head over all of them",
        description="Checks every chain of the trail, and every sent questionnaire against it. "
        "Prints a head over all chains, or, with exit code 1, the first bad row.",
        allow_abbrev=False,
    )
    outside = "also compare with a head that was kept outside"
    verify.add_argument("--head", metavar="FILE", type=Path, help=outside)
    verify.set_defaults(run=_verify)
    head = kinds.add_parser(
        "head",
        help="write the trail's head to a file to be kept outside",
        description="Writes the last number and hash of every chain, and one hash over all, which "
        "it prints. Keep the file where whoever runs the database cannot change it.",
        allow_abbrev=False,
    )
    head.add_argument("-o", "--output", metavar="FILE", type=Path, required=True)
    head.set_defaults(run=_head)


def _verify(arguments: argparse.Namespace) -> int:
    from ..services.trailheads import verify

    known = _known(arguments.head) if arguments.head else None
    with opened_site() as site:
        checked = verify(site, known, _teller())
    if checked.fault:
        result(checked.fault)
        return 1
    _say_whole(checked)
    if known:
        say(f"It continues the {known.events} events of {arguments.head}, head {known.head}.")
    result(checked.trail.head)
    return 0


def _known(path: Path) -> Heads:
    from ..services.errors import RefusedError
    from ..services.trailheads import read_file

    try:
        return read_file(path)
    except RefusedError as error:
        raise CommandError(str(error)) from error


def _say_whole(checked: Checked) -> None:
    found = checked.trail
    say(f"{found.events} events in {found.chains} chains are whole.")
    say(f"{checked.sheets} sent questionnaires are as the trail says.")
    if checked.unsealed:
        say(f"{checked.unsealed} were sent before the trail kept their hash.")
    if found.gone:
        say(f"{found.gone} payloads are gone, as these erasures say:")
    for erasure in found.erasures:
        say(f"  {erasure.at} by {erasure.actor}: {erasure.named} payloads (event {erasure.uid})")


def _teller() -> Callable[[int], None]:
    """Says on a terminal how far it is, every few seconds."""
    told = time.monotonic()

    def tell(checked: int) -> None:
        nonlocal told
        if sys.stderr.isatty() and time.monotonic() - told > QUIET_SECONDS:
            told = time.monotonic()
            say(f"{checked} events checked")

    return tell


def _head(arguments: argparse.Namespace) -> int:
    from ..services.trailheads import as_text, heads_now, write_file

    with opened_site() as site:
        heads = heads_now(site)
    try:
        write_file(arguments.output, as_text(heads, now()))
    except OSError as error:
        raise CommandError(f"{arguments.output} cannot be written: {error.strerror}") from error
    say(f"wrote {arguments.output}: {heads.events} events in {len(heads.chains)} chains")
    result(heads.head)
    return 0
