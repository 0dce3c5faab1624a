"""`surveyapp import` and `export`: data come in from CSV files, and go out with a codebook."""

from __future__ import annotations

import argparse
from pathlib import Path

from .opening import now, opened_site
from .parsing import Commands
from .saying import CommandError, result

ACTOR = "command line"


def add(commands: Commands) -> None:
    """Describe the commands."""
    incoming = commands.add_parser(
        "import",
        help="take in participants.csv, responses.csv and adverse_events.csv",
        description="Takes a folder's participants.csv, responses.csv and, if it is there,"
        " adverse_events.csv into the protocol's practice study: all of it, or, with one bad row,"
        " nothing. The same data again change nothing.",
        allow_abbrev=False,
    )
    incoming.add_argument("folder", metavar="FOLDER", type=Path)
    incoming.set_defaults(run=run_import)
    outgoing = commands.add_parser(
        "export",
        help="write the data with a codebook and checksums",
        description="Writes every table as CSV, a codebook and checksums.sha256 to a new folder."
        " Codes and topics only: no question texts unless asked for, no contact details.",
        allow_abbrev=False,
    )
    outgoing.add_argument("folder", metavar="FOLDER", type=Path)
    outgoing.add_argument("--format", choices=("csv",), default="csv", help="default csv")
    outgoing.add_argument(
        "--with-wording",
        action="store_true",
        help="also the questionnaires' texts, where their permission covers that; it is recorded",
    )
    outgoing.set_defaults(run=run_export)


def run_import(arguments: argparse.Namespace) -> int:
    """Import a folder; each bad row is named on a line of its own."""
    from ..services.exchange import BadFilesError, import_folder

    with opened_site() as site:
        try:
            done = import_folder(site, arguments.folder, now(), ACTOR)
        except BadFilesError as error:
            listed = "\n".join(error.faults)
            raise CommandError(f"nothing was imported:\n{listed}") from error
    result(done.sentence())
    return 0


def run_export(arguments: argparse.Namespace) -> int:
    """Export to a folder that is new or empty."""
    from ..services.errors import RefusedError
    from ..services.exchange import Part, export_folder

    with opened_site() as site:
        try:
            done = export_folder(
                site, arguments.folder, now(), ACTOR, Part(with_wording=arguments.with_wording)
            )
        except RefusedError as error:
            raise CommandError(str(error)) from error
    result(done.sentence(arguments.folder))
    return 0
