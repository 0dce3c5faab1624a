"""`surveyapp keys …`: the contact keys, and the sheet that brings every key back."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from .opening import now, opened_site, set_up_faults, settings
from .parsing import Commands
from .saying import CommandError, result, say

ACTOR = "command line"


def add(commands: Commands) -> None:
    """Describe the commands."""
    keys = commands.add_parser("keys", help="contact keys: list, new, rotate, retire, on paper")
    kinds = keys.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, run, about in (
        ("list", _list, "print each contact key's version and how many fields it seals"),
        ("new", _new, "add a contact key in front of the others"),
        ("rotate", _rotate, "seal every field anew under the newest key, while all runs"),
        ("retire", _retire, "take out a key that seals nothing any more"),
        ("sheet", _sheet, "write every key to a PDF, to be printed and locked away"),
        ("restore-sheet", _restore, "read the sheet's lines from stdin and write the key files"),
    ):
        parser = kinds.add_parser(name, help=about, description=about, allow_abbrev=False)
        parser.set_defaults(run=run)
    kinds.choices["retire"].add_argument("version", metavar="VERSION", help="as `keys list` prints")
    sheet = kinds.choices["sheet"]
    sheet.add_argument("-o", "--output", metavar="FILE.pdf", type=Path, required=True)


def _list(_arguments: argparse.Namespace) -> int:
    from ..services.keys import listed

    with opened_site() as site:
        for line in listed(site):
            result(f"{line.version} {line.place} {line.fields}")
    return 0


def _new(_arguments: argparse.Namespace) -> int:
    from ..services.errors import RefusedError
    from ..services.keys import add_key

    with opened_site() as site:
        try:
            version = add_key(site, actor=ACTOR, now=now())
        except RefusedError as error:
            raise CommandError(str(error)) from error
    say("what is written from now on is sealed under the new key; processes that run see it")
    say("next: surveyapp keys rotate, then print a new sheet: surveyapp keys sheet -o FILE.pdf")
    result(version)
    return 0


def _rotate(_arguments: argparse.Namespace) -> int:
    from ..services.keys import rotate

    with opened_site() as site:
        done = rotate(
            site, actor=ACTOR, now=now(), tell=lambda count: say(f"{count} fields are sealed anew")
        )
        version = site.vault.newest
    if done.unreadable:
        say(f"{done.unreadable} fields cannot be read with the keys given and stay as they are")
    result(f"{done.fields} fields are sealed anew under {version}")
    return 1 if done.unreadable else 0


def _retire(arguments: argparse.Namespace) -> int:
    from ..services.errors import RefusedError
    from ..services.keys import retire

    with opened_site() as site:
        try:
            retire(site, arguments.version, actor=ACTOR, now=now())
        except RefusedError as error:
            raise CommandError(str(error), code=1) from error
    say(f"{arguments.version} is retired. Backups from before need it: keep its sheet with them.")
    return 0


def _sheet(arguments: argparse.Namespace) -> int:
    from ..config import load_keys
    from ..services.errors import RefusedError
    from ..services.keysheet import sheet_pdf

    with set_up_faults():
        found = settings()
        keys = load_keys(found)
    try:
        body = sheet_pdf(keys, found.site_name, now().date())
        _write_secret(arguments.output, body)
    except RefusedError as error:
        raise CommandError(str(error), code=1) from error
    except FileExistsError as error:
        raise CommandError(f"{arguments.output} is there already. Name a new file.") from error
    except OSError as error:
        raise CommandError(f"{arguments.output} cannot be written: {error.strerror}") from error
    say(f"wrote {arguments.output}. It holds every key: print it, lock it away, delete the file.")
    return 0


def _write_secret(path: Path, body: bytes) -> None:
    """A new file that only its owner can read; never another's in its place."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(body)
        os.link(part, path)
    finally:
        part.unlink(missing_ok=True)


def _restore(_arguments: argparse.Namespace) -> int:
    from ..services.errors import RefusedError
    from ..services.keysheet import read_lines, restore

    if sys.stdin.isatty():
        say("type the sheet's lines, those of S and of every letter; end with Ctrl-D")
    with set_up_faults():
        keys = read_lines(sys.stdin)
        try:
            names = restore(settings(), keys)
        except RefusedError as error:
            raise CommandError(str(error)) from error
    for name in names:
        result(name)
    return 0
