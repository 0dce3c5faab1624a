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


@dataclass(frozen=True)
class Library:
    instruments: Mapping[str, Instrument]
    protocols: Mapping[str, Protocol]


def load_library(root: Path) -> Library:
    """Everything in `root` (`*/instrument.toml`, `protocols/*.toml`).

    Raises FaultsFoundError with the faults of every file, not of the first alone.
    """
    faults: list[Fault] = []
    instruments: dict[str, Instrument] = {}
    for path in sorted(root.glob("*/instrument.toml")):
        try:
            instruments[path.parent.name] = load_wordings(load_key(path.parent), path.parent)
        except FaultsFoundError as error:
            faults += error.faults
    if faults:
        raise FaultsFoundError(faults)
    if not instruments:
        raise FaultsFoundError([Fault(str(root), "", "holds no folder with instrument.toml")])
    protocols: dict[str, Protocol] = {}
    for path in sorted((root / "protocols").glob("*.toml")):
        try:
            protocols[path.stem] = load_protocol(path, instruments)
        except FaultsFoundError as error:
            faults += error.faults
    if faults:
        raise FaultsFoundError(faults)
    return Library(instruments, protocols)
