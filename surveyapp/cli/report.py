"""`surveyapp report participant CODE` and `report retreat NAME`: a PDF, or its numbers; with
`--all` every session PDF of a retreat."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .opening import now, opened_site
from .parsing import Commands
from .saying import CommandError, result_json, say

if TYPE_CHECKING:
    from ..services.batch import Progress
    from ..services.reporting import Report
    from ..services.site import Site


def add(commands: Commands) -> None:
    """Describe the commands."""
    report = commands.add_parser("report", help="write a report as PDF, or print its numbers")
    kinds = report.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for kind, name, about in (
        ("participant", "CODE", "one person's trajectory over all courses"),
        ("retreat", "NAME", "a retreat's people as a group, for staff"),
    ):
        parser = kinds.add_parser(kind, help=about, description=about, allow_abbrev=False)
        parser.add_argument("name", metavar=name)
        parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write the PDF here")
        language = "en, nl, de or es; without it the person's own"
        parser.add_argument("--language", metavar="LANG", default="", help=language)
        paper = "a4 or letter; without it SURVEYAPP_PAPER"
        parser.add_argument("--paper", choices=("a4", "letter"), help=paper)
        parser.add_argument("--json", action="store_true", help="print the numbers it shows")
        parser.set_defaults(run=_run, kind=kind, all=False)
    session = "the session it is made for, for example integration-1"
    kinds.choices["participant"].add_argument("--session", metavar="ID", default="", help=session)
    every = "write each person's session PDF, in one ZIP"
    kinds.choices["retreat"].add_argument("--all", action="store_true", help=every)


def _run(arguments: argparse.Namespace) -> int:
    from ..services.reporting import note_numbers, participant_report, retreat_report
    from ..texts import LANGUAGES

    if not arguments.output and not arguments.json:
        raise CommandError("say where to: -o FILE for the PDF, --json for the numbers")
    if arguments.language not in ("", *dict(LANGUAGES)):
        known = ", ".join(code for code, _name in LANGUAGES)
        raise CommandError(f"there are reports in {known}, not in {arguments.language!r}")
    if arguments.all:
        return _every_session(arguments)
    make: Any = retreat_report
    if arguments.kind == "participant":
        make = partial(participant_report, meeting=arguments.session)
    with opened_site() as site:
        report: Report = make(site, arguments.name, now(), arguments.language, arguments.paper)
        if arguments.output:
            _write(site, report, arguments.output)
        if arguments.json:
            result_json(note_numbers(site, report, actor="command", now=now()))
    return 0


def _every_session(arguments: argparse.Namespace) -> int:
    from ..services import batch

    if not arguments.output or arguments.json:
        raise CommandError("--all writes a ZIP: say -o FILE.zip, without --json")
    at = now()
    with opened_site() as site, batch.renderers() as pool:
        codes = batch.codes_of(site, arguments.name)
        wish = batch.Wish(codes, arguments.language, "command", at, arguments.paper)
        try:
            done = batch.make_zip(site, wish, arguments.output, pool, _tell)
        except OSError as error:
            raise CommandError(f"{arguments.output} cannot be written: {error.strerror}") from error
    for code, sentence in done.errors:
        say(f"{code}: {sentence}")
    say(f"wrote {arguments.output} with {done.made} of {done.total}")
    return 1 if done.errors else 0


def _tell(told: Progress) -> None:
    if told.making:
        say(f"{told.made} of {told.total}, making {', '.join(told.making)}")


def _write(site: Site, report: Report, path: Path) -> None:
    from ..services.errors import RefusedError
    from ..services.reporting import make_pdf

    try:
        # A file that is half written would look like a report.
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(make_pdf(site, report, actor="command", now=now()))
        part.replace(path)
    except RefusedError as error:
        raise CommandError(str(error), code=1) from error
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from error
    say(f"wrote {path}")
