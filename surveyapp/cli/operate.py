"""`surveyapp init`, `serve`, `worker`: running an installation."""

from __future__ import annotations

import argparse

from .opening import now, set_up_faults, settings
from .parsing import Commands
from .saying import CommandError, result, say

BIND = "127.0.0.1:8000"
WORKERS = 2


def add(commands: Commands) -> None:
    _add_init(commands)
    serve = commands.add_parser("serve", help="run the web server (production)")
    serve.add_argument("--bind", default=BIND, metavar="HOST:PORT", help=f"default {BIND}")
    serve.add_argument("--workers", type=int, default=WORKERS, help=f"default {WORKERS}")
    serve.set_defaults(run=_serve)
    worker = commands.add_parser("worker", help="send due prompts, over and over (production)")
    worker.set_defaults(run=_worker)


def _add_init(commands: Commands) -> None:
    parser = commands.add_parser(
        "init",
        help="migrate the database, make keys, make the first staff account",
        description="Makes ready what is missing and changes nothing that is there. Prints the "
        "first staff account's one-time link until its password is set.",
    )
    parser.add_argument("--email", default="admin@localhost", help="of the first staff account")
    parser.set_defaults(run=_init)


def _init(arguments: argparse.Namespace) -> int:
    from ..services.stewardship import prepare
    from ..store.schema import MigrationFailedError

    with set_up_faults():
        try:
            done = prepare(settings(), arguments.email, now())
        except MigrationFailedError as error:
            raise CommandError(str(error), code=1) from error
    for line in done.said:
        say(line)
    if done.link:
        result(done.link)
    return 0


def _serve(arguments: argparse.Namespace) -> int:
    from ..logs import start_logging
    from ..store.database import sqlite_warning
    from ..web.server import serve

    start_logging()
    if warning := sqlite_warning():
        say(warning)
    with set_up_faults():
        serve(settings(), arguments.bind, arguments.workers)
    return 0


def _worker(_arguments: argparse.Namespace) -> int:
    from .. import worker
    from ..logs import start_logging

    start_logging()
    with set_up_faults():
        worker.run(settings())
    return 0
