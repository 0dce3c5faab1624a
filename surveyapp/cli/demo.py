"""`surveyapp demo`: a living study to try, on this machine alone."""

from __future__ import annotations

import argparse
import sys

from .opening import set_up_faults
from .parsing import Commands
from .saying import result, say

PORT = 8000


def add(commands: Commands) -> None:
    """Describe the command."""
    demo = commands.add_parser(
        "demo",
        help="live through a synthetic study, with a movable clock",
        description="Runs web server, worker and a mail server that delivers nothing, over a"
        " synthetic study whose clock you move. Prints a participant's link and the staff's"
        " address, e-mail and password. Uses no real database, keys or mail server.",
        allow_abbrev=False,
    )
    demo.add_argument("--port", type=int, default=PORT, metavar="N", help=f"default {PORT}")
    demo.add_argument("--no-seed", action="store_true", help="start with an empty study")
    demo.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run until stopped."""
    from ..demo import running
    from ..logs import start_logging

    start_logging(level=30)
    with set_up_faults():
        running.run(arguments.port, seeded=not arguments.no_seed, say=say, result=_at_once)
    return 0


def _at_once(line: str) -> None:
    """A line of the result for whoever waits for it, also through a pipe."""
    result(line)
    sys.stdout.flush()
