"""Opening the installation for a command; what hinders it becomes a sentence and exit 2."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .saying import CommandError

if TYPE_CHECKING:
    from ..config import Settings
    from ..services.site import Site


def settings() -> Settings:
    """Settings from the environment. Raises CommandError."""
    from ..config import SettingsError, load_settings

    try:
        return load_settings()
    except SettingsError as error:
        raise CommandError(str(error)) from error


@contextlib.contextmanager
def set_up_faults() -> Generator[None]:
    """Turn what is wrong with the installation or the input into a CommandError."""
    from ..config import SettingsError
    from ..services.errors import InputError, NotFoundError, SetupError
    from ..store.database import DatabaseUnavailableError

    try:
        yield
    except (SettingsError, SetupError, DatabaseUnavailableError, NotFoundError) as error:
        raise CommandError(str(error)) from error
    except InputError as error:
        raise CommandError("\n".join(error.problems.values())) from error


@contextlib.contextmanager
def opened_site(*, checkpoints: bool = True) -> Generator[Site]:
    """The site that the environment describes, closed at the end. Raises CommandError."""
    from ..services.site import open_site

    with set_up_faults():
        site = open_site(settings(), checkpoints=checkpoints)
        try:
            yield site
        finally:
            site.database.close()


def now() -> datetime:
    """Commands read the clock here; services are given it."""
    return datetime.now(UTC)
