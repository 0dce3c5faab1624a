"""Signing in: tries that slow down and lock nobody out, and codes that count once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import structlog
from sqlalchemy import func, select

from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import (
    accounts,
    passwords,
    second_factor,
    signing_in,
    tries,
)
from surveyapp.services.accounts import Account
from surveyapp.services.errors import InputError
from surveyapp.services.rights import EVERYTHING
from surveyapp.services.site import Site
from surveyapp.services.tries import Origin, TooManyTriesError
from surveyapp.store.tables_access import EventPayload
from surveyapp.store.tables_signin import SignInTry
from tests.cheap import CheapHasher
from tests.conftest import NOON
from tests.waiting import at_once

EMAIL, PASSWORD, WRONG = "ada@example.org", "a long enough one", "a wrong password"
HOME = Origin("203.0.113.0/24", "Firefox on Linux")
AWAY = Origin("198.51.100.0/24", "Safari on iPhone")
STRANGER = Origin("192.0.2.0/24", "A browser")


def first(site: Site) -> Account:
    token = accounts.ensure_first_account(site, EMAIL, NOON).token
    return accounts.accept_invite(site, token, PASSWORD, NOON)


def check(site: Site, password: str = WRONG, origin: Origin = HOME, **more: object) -> bool:
    """Whether a try succeeds; raises TooManyTriesError."""
    email, now = str(more.get("email", EMAIL)), more.get("now", NOON)
    assert isinstance(now, datetime)
    return signing_in.check(site, email, password, origin, now) is not None


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes that passwords were compared with."""
    hasher = CheapHasher()
    monkeypatch.setattr(passwords, "_hasher", hasher)
    return hasher.seen


def known(account: Account, device: str = "d1") -> Origin:
    return Origin(HOME.network, HOME.agent, device, frozenset({account.id}))


def test_wrong_tries_slow_down_more_and_more(site: Site) -> None:
    first(site)
    now, waits = NOON, list[int]()
    for _ in range(9):
        try:
            check(site, now=now)
        except TooManyTriesError as error:
            waits.append(error.seconds)
            now += timedelta(seconds=error.seconds)
            check(site, now=now)
    assert waits == [30, 60, 120, 240]
    with pytest.raises(TooManyTriesError) as error:
        check(site, PASSWORD, now=now)
    assert "Wait 8 minutes" in str(error.value)
    assert check(site, PASSWORD, now=now + timedelta(minutes=8))
    for _ in range(5):
        check(site, now=now + timedelta(minutes=8))


def test_a_refused_try_is_neither_judged_nor_counted(sqlite_site: Site, quick: list[str]) -> None:
    first(sqlite_site)
    for _ in range(5):
        check(sqlite_site)
    quick.clear()
    for _ in range(20):
        with pytest.raises(TooManyTriesError):
            check(sqlite_site, PASSWORD)
    assert quick == []
    assert check(sqlite_site, PASSWORD, now=NOON + timedelta(seconds=30))


def test_a_hundred_tries_of_a_stranger_keep_nobody_out(sqlite_site: Site) -> None:
    account = first(sqlite_site)
    for second in range(100):
        now = NOON + timedelta(minutes=second)
        for origin in (STRANGER, HOME):
            try:
                check(sqlite_site, origin=origin, now=now)
            except TooManyTriesError:
                continue
    now = NOON + timedelta(minutes=100)
    with pytest.raises(TooManyTriesError):
        check(sqlite_site, PASSWORD, now=now)
    assert check(sqlite_site, PASSWORD, known(account), now=now)
    assert check(sqlite_site, PASSWORD, AWAY, now=now)


def test_a_known_device_is_counted_apart_and_only_for_its_account(sqlite_site: Site) -> None:
    account = first(sqlite_site)
    for _ in range(5):
        check(sqlite_site, origin=known(account))
    with pytest.raises(TooManyTriesError):
        check(sqlite_site, PASSWORD, known(account))
    assert check(sqlite_site, PASSWORD, known(account, "d2"))
    assert check(sqlite_site, PASSWORD, HOME)


def test_a_network_that_tries_many_addresses_is_slowed(sqlite_site: Site) -> None:
    first(sqlite_site)
    for n in range(tries.NETWORK_TRIES):
        check(sqlite_site, email=f"n{n}@example.org", origin=STRANGER)
    with pytest.raises(TooManyTriesError):
        check(sqlite_site, PASSWORD, STRANGER)
    assert check(sqlite_site, PASSWORD, HOME)


def test_success_does_not_clear_the_networks_count(sqlite_site: Site) -> None:
    first(sqlite_site)
    with pytest.raises(TooManyTriesError):  # noqa: PT012 (which of them stops does not matter)
        for n in range(2 * tries.NETWORK_TRIES):
            check(sqlite_site, email=f"n{n}@example.org", origin=STRANGER)
            check(sqlite_site, PASSWORD, STRANGER)


def test_known_and_unknown_addresses_cost_the_same(sqlite_site: Site, quick: list[str]) -> None:
    first(sqlite_site)
    costs: list[int] = []
    for email in (EMAIL, "nobody@example.org", EMAIL.upper(), "x" * 254):
        quick.clear()
        assert not check(sqlite_site, email=email, origin=AWAY)
        costs.append(len(quick))
    assert costs == [1, 1, 1, 1]


def test_the_hash_of_nobody_costs_what_a_real_one_does() -> None:
    real, nobody = passwords.hash_password(PASSWORD), passwords.nobodys()
    assert real.split("$")[1:4] == nobody.split("$")[1:4]
    assert [len(part) for part in real.split("$")] == [len(part) for part in nobody.split("$")]
    assert not passwords.password_fits(nobody, PASSWORD)


def test_an_account_without_password_or_deactivated_signs_nobody_in(sqlite_site: Site) -> None:
    accounts.ensure_first_account(sqlite_site, EMAIL, NOON)
    assert not check(sqlite_site, "")
    assert not check(sqlite_site, PASSWORD)


def test_counts_are_forgotten_and_hold_no_address(site: Site) -> None:
    first(site)
    for _ in range(5):
        check(site)
    with site.database.read() as session:
        rows = list(session.scalars(select(SignInTry)))
    assert len(rows) == 2
    assert not any(word in repr(rows) for word in ("ada@", "example", "203.0.113"))
    mailer = SmtpMailer("smtp://127.0.0.1:1")
    tries.tidy(site, mailer, NOON + timedelta(hours=23))
    later = NOON + timedelta(hours=25)
    assert not check(site, now=later - timedelta(seconds=1))
    tries.tidy(site, mailer, later + timedelta(days=1))
    with site.database.read() as session:
        assert session.scalar(select(func.count()).select_from(SignInTry)) == 0


def test_a_clock_that_ran_backwards_makes_nobody_wait_longer(sqlite_site: Site) -> None:
    first(sqlite_site)
    for _ in range(5):
        check(sqlite_site, now=NOON + timedelta(days=30))
    with pytest.raises(TooManyTriesError) as error:
        check(sqlite_site, PASSWORD)
    assert error.value.seconds == 30


def with_factor(site: Site) -> tuple[Account, str, tuple[str, ...]]:
    account = first(site)
    offered = second_factor.offer(site, account)
    code = second_factor.code_at(offered.secret, NOON)
    codes = second_factor.turn_on(site, account, offered.sealed, code, keep="", now=NOON)
    return account, offered.secret, codes


def test_one_code_twice_at_once_counts_once(site: Site) -> None:
    account, secret, codes = with_factor(site)
    later = NOON + timedelta(seconds=30)
    for code in (second_factor.code_at(secret, later), codes[0]):

        def use(typed: str = code) -> bool:
            return second_factor.check(site, account, typed, HOME, later)

        assert sorted(map(str, at_once(use, use, use))) == ["False", "False", "True"]


def test_codes_are_logged_as_right_or_wrong_and_never_themselves(sqlite_site: Site) -> None:
    account, secret, codes = with_factor(sqlite_site)
    later = NOON + timedelta(seconds=30)
    right = second_factor.code_at(secret, later)
    with structlog.testing.capture_logs() as lines:
        for code in ("wrong-wrong-wrong", codes[0], right):
            second_factor.check(sqlite_site, account, code, HOME, later)
        second_factor.renew_codes(sqlite_site, account, codes[1], HOME, later)
    judged = [line["right"] for line in lines if line["event"] == "code"]
    assert judged == [False, True, True, True]
    with sqlite_site.database.read() as session:
        said = repr(lines) + repr([row.payload for row in session.scalars(select(EventPayload))])
    assert not any(one in said for one in (secret, *codes, right, "wrong-wrong"))


def test_tries_at_once_are_all_counted(site: Site) -> None:
    first(site)
    found = at_once(*[lambda: check(site)] * 8)
    assert sum(isinstance(one, TooManyTriesError) for one in found) == 3


def test_codes_of_the_standard(sqlite_site: Site) -> None:
    """RFC 6238, appendix B, SHA-1: the last six of eight digits."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    for seconds, code in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        at = datetime.fromtimestamp(seconds, NOON.tzinfo)
        assert second_factor.code_at(secret, at) == code


def test_an_offer_of_one_account_is_worth_nothing_to_another(sqlite_site: Site) -> None:
    account = first(sqlite_site)
    offered = second_factor.offer(sqlite_site, account)
    other = Account(99, "b@example.org", None, True, "u", EVERYTHING)
    code = second_factor.code_at(offered.secret, NOON)
    for sealed in (offered.sealed, "", "x.y", "é.é"):
        with pytest.raises(InputError):
            second_factor.turn_on(sqlite_site, other, sealed, code, keep="", now=NOON)
    assert second_factor.offer(sqlite_site, account, offered.sealed).secret == offered.secret
