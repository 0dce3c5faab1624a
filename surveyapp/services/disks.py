"""Disks: whether two folders lie on one, as far as a program can tell."""

from __future__ import annotations

from pathlib import Path

IN_CONTAINER = (Path("/.dockerenv"), Path("/run/.containerenv"))


def is_inside(folder: Path, other: Path) -> bool:
    """Whether `folder` is `other` or lies within it."""
    return folder.resolve().is_relative_to(other.resolve())


def same_disk(one: Path, other: Path) -> bool | None:
    """None where it cannot be told: a folder is not there, or a container hides the disks."""
    try:
        alike = _there(one).stat().st_dev == _there(other).stat().st_dev
    except OSError:
        return None
    if not alike and any(mark.exists() for mark in IN_CONTAINER):
        return None
    return alike


def _there(folder: Path) -> Path:
    """The folder, or the nearest above it that exists."""
    resolved = folder.resolve()
    return next((path for path in (resolved, *resolved.parents) if path.exists()), resolved)
