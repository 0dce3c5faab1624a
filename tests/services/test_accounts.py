"""The first staff account, its one-time link, and sessions that end."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from surveyapp.services import accounts, passwords
from surveyapp.services.errors import GoneError, InputError
from surveyapp.services.site import Site
from surveyapp.store import trail
from surveyapp.store.tables_access import Event
from tests.cheap import CheapHasher
from tests.conftest import NOON
from tests.waiting import at_once

PASSWORD = "a long enough one"


def test_first_account_has_a_link_that_stays_the_same(site: Site) -> None:
    first = accounts.ensure_first_account(site, "Ada@example.org", NOON)
    again = accounts.ensure_first_account(site, "bob@example.org", NOON + timedelta(days=1))
    assert first.token
    assert again == first


def test_ended_link_is_replaced(site: Site) -> None:
    first = accounts.ensure_first_account(site, "ada@example.org", NOON)
    later = NOON + accounts.INVITE_LIFE
    with pytest.raises(GoneError):
        accounts.invited_email(site, first.token, later)
    fresh = accounts.ensure_first_account(site, "ada@example.org", later)
    assert fresh.token != first.token
    assert accounts.invited_email(site, fresh.token, later) == "ada@example.org"


def test_link_sets_a_password_once(site: Site) -> None:
    token = accounts.ensure_first_account(site, "ada@example.org", NOON).token
    account = accounts.accept_invite(site, token, PASSWORD, NOON)
    assert account.password
    assert passwords.password_fits(account.password, PASSWORD)
    assert not passwords.password_fits(account.password, PASSWORD + "r")
    with pytest.raises(GoneError):
        accounts.accept_invite(site, token, "another long enough", NOON)
    assert accounts.ensure_first_account(site, "ada@example.org", NOON).token == ""


def test_a_link_that_is_used_twice_at_once_sets_one_password(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_hasher", CheapHasher())
    token = accounts.ensure_first_account(site, "ada@example.org", NOON).token
    tried = [f"a long enough one, the {number}." for number in range(4)]
    found = at_once(*[partial(accounts.accept_invite, site, token, one, NOON) for one in tried])
    assert sum(isinstance(one, GoneError) for one in found) == 3
    with site.database.read() as session:
        kinds = [event.kind for event in session.scalars(select(Event))]
    assert kinds.count("password set") == 1


@pytest.mark.parametrize("password", ["", "short", "x" * 201])
def test_weak_password_leaves_the_link_usable(site: Site, password: str) -> None:
    token = accounts.ensure_first_account(site, "ada@example.org", NOON).token
    with pytest.raises(InputError) as error:
        accounts.accept_invite(site, token, password, NOON)
    assert "password" in error.value.problems
    assert accounts.invited_email(site, token, NOON) == "ada@example.org"


def test_token_is_not_in_the_database(sqlite_site: Site) -> None:
    token = accounts.ensure_first_account(sqlite_site, "ada@example.org", NOON).token
    sqlite_site.database.close()
    folder = sqlite_site.database.url.database
    assert folder
    with Path(folder).open("rb") as file:
        assert token.encode() not in file.read()


def test_account_is_found_in_any_case(site: Site) -> None:
    token = accounts.ensure_first_account(site, "Ada@Example.org", NOON).token
    account = accounts.accept_invite(site, token, PASSWORD, NOON)
    assert accounts.find_by_email(site, " ada@example.ORG ") == account
    assert accounts.find_by_id(site, account.id) == account


def test_password_is_the_same_however_it_is_composed() -> None:
    assert passwords.password_fits(
        passwords.hash_password("café au lait é"), "cafe\u0301 au lait é"
    )


def test_wrong_address_is_refused(site: Site) -> None:
    with pytest.raises(InputError):
        accounts.ensure_first_account(site, "not an address", NOON)
    assert accounts.ensure_first_account(site, "admin@localhost", NOON).email == "admin@localhost"


def test_every_act_is_in_the_trail(site: Site) -> None:
    token = accounts.ensure_first_account(site, "ada@example.org", NOON).token
    accounts.accept_invite(site, token, PASSWORD, NOON)
    with site.database.read() as session:
        verified = trail.verify(session)
    assert verified.fault is None
    assert verified.events == 2
