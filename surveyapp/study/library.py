"""The library: every instrument and protocol below one folder, loaded and checked together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .instrument import Instrument
from .keyfile import load_key
from .protocol import Protocol, load_protocol
from .reading import Fault, FaultsFoundError
from .wording import load_wordings

PROTOCOLS = "protocols"


@dataclass(frozen=True)
class Library:
    instruments: Mapping[str, Instrument]
    protocols: Mapping[str, Protocol]


def load_library(root: Path) -> Library:
    """Everything in `root` (`*/instrument.toml`, `protocols/*.toml`).

    Raises FaultsFoundError with the faults of every file, not of the first alone; protocols are
    looked at once the instruments they refer to are whole.
    """
    faults: list[Fault] = []
    instruments: dict[str, Instrument] = {}
    for folder in _folders(root):
        try:
            instruments[folder.name] = load_wordings(load_key(folder), folder)
        except FaultsFoundError as error:
            faults += error.faults
    if faults:
        raise FaultsFoundError(faults)
    if not instruments:
        raise FaultsFoundError([Fault(str(root), "", "holds no folder with instrument.toml")])
    protocols: dict[str, Protocol] = {}
    for path in sorted((root / PROTOCOLS).glob("*.toml")):
        try:
            protocols[path.stem] = load_protocol(path, instruments)
        except FaultsFoundError as error:
            faults += error.faults
    if faults:
        raise FaultsFoundError(faults)
    return Library(instruments, protocols)


def _folders(root: Path) -> list[Path]:
    """Every folder but `protocols` and hidden ones is meant to be an instrument."""
    found = [path for path in root.glob("*") if path.is_dir() and path.name != PROTOCOLS]
    return sorted(path for path in found if not path.name.startswith("."))
