"""Contacts: unreadable without the key, bound to their person, found by a keyed hash."""

from __future__ import annotations

import dataclasses
import secrets
from pathlib import Path

import pytest

from surveyapp.services.site import Site
from surveyapp.store import contacts
from surveyapp.store.vault import CannotOpenError, Vault, normal_form
from tests.world import add_course

OLD, NEW = secrets.token_bytes(32), secrets.token_bytes(32)
LOOKUP = secrets.token_bytes(32)
SEEDED = "somebody.special@example.org"


def test_a_sealed_field_opens_again() -> None:
    vault = Vault([NEW], LOOKUP)
    sealed = vault.seal(SEEDED, "participant 1")
    assert SEEDED not in sealed.text
    assert vault.open(sealed, "participant 1") == SEEDED


def test_the_same_field_never_looks_the_same() -> None:
    vault = Vault([NEW], LOOKUP)
    assert vault.seal(SEEDED, "p").text != vault.seal(SEEDED, "p").text


def test_an_older_key_still_opens_and_a_lost_one_does_not() -> None:
    sealed = Vault([OLD], LOOKUP).seal(SEEDED, "p")
    assert Vault([NEW, OLD], LOOKUP).open(sealed, "p") == SEEDED
    with pytest.raises(CannotOpenError, match="is not configured"):
        Vault([NEW], LOOKUP).open(sealed, "p")


def test_a_field_moved_to_another_person_does_not_open() -> None:
    vault = Vault([NEW], LOOKUP)
    with pytest.raises(CannotOpenError, match="was changed"):
        vault.open(vault.seal(SEEDED, "participant 1"), "participant 2")


def test_a_changed_field_does_not_open() -> None:
    vault = Vault([NEW], LOOKUP)
    sealed = vault.seal(SEEDED, "p")
    changed = dataclasses.replace(sealed, text=sealed.text[:-6] + "AAAAAA")
    with pytest.raises(CannotOpenError):
        vault.open(changed, "p")


def test_lookup_ignores_case_blanks_and_unicode_form() -> None:
    vault = Vault([NEW], LOOKUP)
    assert vault.lookup(" Zoe\u0308@Example.ORG") == vault.lookup("zo\u00eb@example.org")
    assert normal_form("A@b.C ") == "a@b.c"
    assert vault.lookup(SEEDED) != Vault([NEW], NEW).lookup(SEEDED)


def test_two_people_may_share_an_address(site: Site) -> None:
    add_course(site, "P-01", address=SEEDED)
    add_course(site, "P-02", address=SEEDED.upper())
    with site.database.read() as session:
        assert len(contacts.participants_sharing(session, site.vault, SEEDED)) == 2
        assert contacts.contact_of(session, site.vault, 1, contacts.EMAIL) == contacts.Known(SEEDED)
        assert contacts.contact_of(session, site.vault, 99, contacts.EMAIL) is None


def test_a_seeded_address_is_nowhere_in_the_database_files(sqlite_site: Site) -> None:
    add_course(sqlite_site, address=SEEDED)
    name = sqlite_site.database.url.database
    assert name is not None
    for path in Path(name).parent.glob(Path(name).name + "*"):
        assert b"somebody.special" not in path.read_bytes()
