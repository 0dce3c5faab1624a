"""`surveyapp wording`: the texts that a site may use, and on what ground."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from . import shelf
from .opening import now, opened_site, set_up_faults
from .parsing import Commands
from .saying import CommandError, result, say

ACTOR = "command line"
BASES = ("licence", "written permission", "published for free use")


def add(commands: Commands) -> None:
    """Describe the commands."""
    command = commands.add_parser(
        "wording", help="install an instrument's own text, with its permission", allow_abbrev=False
    )
    actions = command.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add_template(actions)
    _add_install(actions)
    listing = actions.add_parser("list", help="what is installed, its permission and its uses")
    listing.set_defaults(run=run_list)


def _add_template(actions: Commands) -> None:
    template = actions.add_parser(
        "template",
        help="write the CSV to fill in",
        description="Writes item,position,value,text with a hint in place of each text. It cannot"
        " be installed before every hint is replaced.",
        allow_abbrev=False,
    )
    template.add_argument("instrument", metavar="INSTRUMENT")
    template.add_argument("--language", default="en", help="default en")
    template.add_argument("-o", "--output", metavar="FILE", type=Path, help="default stdout")
    template.set_defaults(run=run_template)


def _add_install(actions: Commands) -> None:
    install = actions.add_parser(
        "install",
        help="install a filled file with its permission",
        description="Installs the file with its permission, or, with one fault in either, nothing."
        " Courses that have begun keep the text they began with.",
        allow_abbrev=False,
    )
    install.add_argument("instrument", metavar="INSTRUMENT")
    install.add_argument("file", metavar="FILE", type=Path)
    install.add_argument("--language", required=True, help="of the text, such as en")
    install.add_argument("--basis", required=True, choices=BASES)
    install.add_argument("--holder", required=True, help="who gave it, or who published it")
    install.add_argument("--reference", required=True, help="number, letter or publication")
    install.add_argument("--electronic", required=True, choices=("yes", "no"))
    install.add_argument("--languages", required=True, help="that it covers, such as 'en nl'")
    install.add_argument("--reproduction", required=True, choices=("yes", "no"))
    install.add_argument("--expires", required=True, help="its last day, YYYY-MM-DD, or never")
    install.add_argument("--maximum", required=True, help="number of uses, or unlimited")
    install.add_argument("--dry-run", action="store_true", help="only judge it")
    install.set_defaults(run=run_install)


def run_template(arguments: argparse.Namespace) -> int:
    """To stdout, or to a file that is not there yet."""
    from ..study.wording import template

    text = template(shelf.instrument(arguments.instrument), arguments.language)
    if arguments.output is None:
        sys.stdout.write(text)
        return 0
    try:
        with arguments.output.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        raise CommandError(f"{arguments.output} cannot be written: {error.strerror}") from error
    say(f"wrote {arguments.output}; replace every <fill in …>")
    return 0


def run_install(arguments: argparse.Namespace) -> int:
    """Install it; every fault is on a line of its own."""
    from ..services import wordings

    raw = _read(arguments.file)
    typed = wordings.TypedPermission(
        basis=arguments.basis,
        holder=arguments.holder,
        reference=arguments.reference,
        electronic=arguments.electronic,
        languages=arguments.languages,
        reproduction=arguments.reproduction,
        expires=arguments.expires,
        maximum=arguments.maximum,
    )
    named: dict[str, Any] = {"actor": ACTOR, "now": now(), "dry_run": arguments.dry_run}
    with opened_site() as site, set_up_faults():
        done = wordings.install(site, arguments.instrument, raw, arguments.language, typed, **named)
        result(done.sentence(arguments.instrument))
    return 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from error


def run_list(_: argparse.Namespace) -> int:
    """One line for each wording of each instrument."""
    from ..services import wording_views

    with opened_site() as site:
        for line in wording_views.listed(site, now()):
            result(line.sentence)
    return 0
