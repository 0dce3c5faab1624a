"""The shelf: the instruments and protocols that commands work with, without any other set-up."""

from __future__ import annotations

import os
from pathlib import Path

from ..resources import resource
from ..study.instrument import Instrument
from ..study.library import Library, load_library
from ..study.protocol import Protocol
from .saying import CommandError


def folder() -> Path:
    """SURVEYAPP_INSTRUMENTS_DIR, else the folder that ships with the program."""
    chosen = os.environ.get("SURVEYAPP_INSTRUMENTS_DIR")
    return Path(chosen) if chosen else resource("instruments")


def library() -> Library:
    """Raises FaultsFoundError naming file, key and fault."""
    return load_library(folder())


def instrument(name: str) -> Instrument:
    """Raises CommandError for a name that is not on the shelf."""
    known = library().instruments
    if name not in known:
        raise CommandError(f"there is no instrument {name!r}; there are {', '.join(known)}")
    return known[name]


def protocol(name: str) -> Protocol:
    """Raises CommandError for a name that is not on the shelf."""
    known = library().protocols
    if name not in known:
        listed = ", ".join(known) or "none"
        raise CommandError(f"there is no protocol {name!r}; there are {listed}")
    return known[name]
