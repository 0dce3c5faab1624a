"""The site: everything the services need, put together in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from ..config import Keys, Settings, SettingsError, contact_key_watch, load_keys
from ..reports.pdf import Renderer
from ..store import schema
from ..store.database import Database, DatabaseUnavailableError
from ..store.vault import Vault
from ..study.library import Library, load_library
from ..study.reading import FaultsFoundError
from .errors import SetupError


@dataclass(frozen=True)
class Site:
    """Settings, library, database, vault and keys of one installation."""

    settings: Settings
    library: Library
    database: Database
    vault: Vault
    keys: Keys = field(repr=False)

    @cached_property
    def link_key(self) -> bytes:
        """The key that links are made with."""
        return self.keys.derive("links")

    @cached_property
    def renderer(self) -> Renderer:
        """What draws PDFs: a process of its own, started with the first one."""
        return Renderer()


def assemble(settings: Settings, keys: Keys, database: Database, library: Library) -> Site:
    vault = Vault(keys.contact, keys.derive("contact look-up"), contact_key_watch(settings))
    return Site(settings, library, database, vault, keys)


def open_site(settings: Settings, *, checkpoints: bool = True) -> Site:
    """The installation that `settings` describe. Raises SetupError with a sentence.

    `checkpoints` is False in web processes, see `store.database`.
    """
    try:
        library = load_library(settings.instruments)
        keys = load_keys(settings)
        database = Database(settings.database, checkpoints=checkpoints)
        schema.require_current(database)
    except (SettingsError, FaultsFoundError, DatabaseUnavailableError) as error:
        raise SetupError(str(error)) from error
    return assemble(settings, keys, database, library)
