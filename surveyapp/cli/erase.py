"""`surveyapp erase CODE --reason …`: a person goes from the live data."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import TYPE_CHECKING

from .opening import now, opened_site
from .parsing import Commands
from .saying import CommandError, result, say

if TYPE_CHECKING:
    from ..services.erasing import Wish
    from ..services.site import Site

ACTOR = "command line"
STILL_HELD = (
    "It is done, but another program still reads an older state, so the files still hold it. "
    "Run `surveyapp erase --replay` to try again; the worker tries every minute."
)


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "erase",
        help="remove a person from the live data",
        description="Removes everything about a person from the live files and says so in the"
        " trail and in a ledger outside the backups. It cannot be undone: use --preview first.",
        allow_abbrev=False,
    )
    parser.add_argument("code", metavar="CODE", nargs="?", help="the study code")
    parser.add_argument("--reason", default="", help="why; it is kept and must name nobody")
    only = "contact details and PIN alone; answers stay under the code"
    parser.add_argument("--contacts-only", action="store_true", help=only)
    counts = "keep doses and adverse events as counts of the study that name nobody"
    parser.add_argument("--keep-safety-counts", action="store_true", help=counts)
    look = "say what would go and what stays; change nothing"
    parser.add_argument("--preview", "--dry-run", action="store_true", help=look)
    again = "erase again whom the ledger names, after a restore or a crash, and check the ledger"
    parser.add_argument("--replay", action="store_true", help=again)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from ..services.erasing import Wish
    from ..services.errors import RefusedError
    from ..store.tables_keeping import CONTACTS, EVERYTHING

    _check(arguments)
    kind = CONTACTS if arguments.contacts_only else EVERYTHING
    wish = Wish(kind, arguments.reason, arguments.keep_safety_counts)
    with opened_site() as site:
        try:
            if arguments.replay:
                return _replay(site, now())
            if arguments.preview:
                return _preview(site, arguments.code, wish, now())
            return _erase(site, arguments.code, wish, now())
        except RefusedError as error:
            raise CommandError(str(error), code=1) from error


def _check(arguments: argparse.Namespace) -> None:
    if bool(arguments.code) == arguments.replay:
        raise CommandError("name a study code, or give --replay alone")
    if not (arguments.replay or arguments.preview or arguments.reason.strip()):
        raise CommandError("say why: --reason WORDS")


def _preview(site: Site, code: str, wish: Wish, at: datetime) -> int:
    from ..services.erasing import preview

    found = preview(site, code, wish, at)
    result(f"{found.code}: would go")
    for words, count in found.goes:
        result(f"  {count} {words}")
    result("stays")
    for sentence in found.stays:
        result(f"  {sentence}")
    if found.in_hand:
        say(f"messages being handed over just now, which cannot be called back: {found.in_hand}")
    return 0


def _erase(site: Site, code: str, wish: Wish, at: datetime) -> int:
    from ..services.cleaning import clean
    from ..services.erasing import OUTSIDE, erase

    late = erase(site, code, wish, actor=ACTOR, now=at)
    if late:
        say(f"messages being handed over just now, which cannot be called back: {late}")
    say(OUTSIDE)
    if not clean(site, at):
        say(STILL_HELD)
        return 1
    result("erased")
    return 0


def _replay(site: Site, at: datetime) -> int:
    from ..services.cleaning import clean
    from ..services.erasing import ledger_faults, replay

    count = replay(site, at)
    faults = ledger_faults(site)
    for sentence in faults:
        say(sentence)
    cleaned = clean(site, at)
    if not cleaned:
        say(STILL_HELD)
    result(f"erased again: {count}")
    return 0 if cleaned and not faults else 1
