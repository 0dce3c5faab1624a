"""`surveyapp retention` and `copy`: what is kept for how long, and a person's own copy."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from .opening import now, opened_site
from .parsing import Commands
from .saying import CommandError, result, say

ACTOR = "command line"


def add(commands: Commands) -> None:
    """Describe the commands."""
    retention = commands.add_parser(
        "retention",
        help="count what is older than its period, or remove it",
        description="Prints for each kind of data its period in days and how many are older. With"
        " --apply they are removed; the worker does so daily. Periods are set on a staff page.",
        allow_abbrev=False,
    )
    retention.add_argument("--apply", action="store_true", help="remove what is older")
    retention.set_defaults(run=_retention)
    copy = commands.add_parser(
        "copy",
        help="write all that is held about a person to a ZIP for them",
        description="Writes everything that is held about a person, contacts included, as JSON and"
        " their report as PDF. The trail notes it.",
        allow_abbrev=False,
    )
    copy.add_argument("code", metavar="CODE")
    copy.add_argument("-o", "--output", metavar="FILE.zip", type=Path, required=True)
    copy.set_defaults(run=_copy)


def _retention(arguments: argparse.Namespace) -> int:
    from ..services import retention

    with opened_site() as site:
        if arguments.apply:
            for kind, count in retention.apply(site, actor=ACTOR, now=now()).items():
                result(f"{retention.KINDS[kind].name}: {count} removed")
            return 0
        for line in retention.lines(site, now()):
            period = f"{line.days} days {line.about.since}" if line.days else "no period"
            result(f"{line.about.name}: {period}, {line.older} older")
    say("nothing was changed; --apply removes what is older")
    return 0


def _copy(arguments: argparse.Namespace) -> int:
    from ..services.errors import RefusedError
    from ..services.owncopy import own_copy

    path: Path = arguments.output
    part = path.with_name(f".{path.name}.part")
    with opened_site() as site:
        try:
            body = own_copy(site, arguments.code, actor=ACTOR, now=now())
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as f:
                f.write(body)
            part.replace(path)
        except RefusedError as error:
            raise CommandError(str(error), code=1) from error
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}") from error
        finally:
            part.unlink(missing_ok=True)
            site.renderer.close()
    say(f"wrote {path}; it holds contact details: hand it over safely and delete it here")
    return 0
