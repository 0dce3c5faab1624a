"""Where the data that ships with the program lies. Apart from `config`, whose settings library
is too heavy for commands that need no settings."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """The folder of shipped data called `name`: inside the wheel, else in the checkout."""
    packed = PACKAGE / "_data" / name
    return packed if packed.is_dir() else PACKAGE.parent / name
