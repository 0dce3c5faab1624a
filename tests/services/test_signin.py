"""Signing in: tries that slow down and lock nobody out, codes that count once, places that are new,
and mails about them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import (
    accounts,
    colleague_mail,
    colleagues,
    passwords,
    second_factor,
    sessions,
    signing_in,
    tries,
)
from surveyapp.services.accounts import Account
from surveyapp.services.colleagues import Wish
from surveyapp.services.errors import GoneError, InputError, NotFoundError
from surveyapp.services.rights import EVERYTHING
from surveyapp.services.site import Site
from surveyapp.services.tries import Origin, TooManyTriesError
from surveyapp.store import signin, staff, tables, trail
from surveyapp.store.tables_access import Event, Staff
from surveyapp.store.tables_signin import SignInTry, StaffMail
from tests.cheap import CheapHasher
from tests.conftest import NOON
from tests.world import MailServer, add_course

EMAIL, PASSWORD, WRONG = "ada@example.org", "a long enough one", "a wrong password"
HOME = Origin("203.0.113.0/24", "Firefox on Linux")
AWAY = Origin("198.51.100.0/24", "Safari on iPhone")
STRANGER = Origin("192.0.2.0/24", "A browser")
ADMIN = Wish(frozenset({"admin"}), False, True, frozenset())
BY = {"actor": "staff:1", "now": NOON}


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
    assert not any(word in repr(rows) for word in ("ada", "203.0.113"))
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


def at_once(*acts: Callable[[], object]) -> list[object]:
    """What each gives or raises, begun together."""
    found: list[object] = []
    gate = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        gate.wait()
        try:
            found.append(act())
        except Exception as error:
            found.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


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


# Places and mails ---------------------------------------------------------------------------


def mails(site: Site) -> list[tuple[str, str, str]]:
    with site.database.read() as session:
        rows = session.scalars(select(StaffMail).order_by(StaffMail.id))
        return [(row.kind, row.place, row.status) for row in rows]


def test_a_new_place_is_told_once_and_the_first_is_none(site: Site) -> None:
    account = first(site)
    for origin in (HOME, AWAY, HOME, AWAY):
        sessions.begin(site, account.id, origin, NOON)
    assert mails(site) == [("new place", AWAY.place, "waiting")]
    with MailServer() as server:
        mailer = SmtpMailer(server.url)
        colleague_mail.send_due(site, mailer, NOON)
        colleague_mail.send_due(site, mailer, NOON + timedelta(days=1))
        (message,) = server.sink.messages
    assert message["To"] == EMAIL
    text = message.get_body(("plain",)).get_content()
    assert "Safari on iPhone, network 198.51.100.0/24" in text
    assert "https://checkin.example.org/staff/account" in text
    assert mails(site)[0][2] == "sent"


def test_a_mail_waits_for_the_server_under_one_name(sqlite_site: Site) -> None:
    account = first(sqlite_site)
    for origin in (HOME, AWAY):
        sessions.begin(sqlite_site, account.id, origin, NOON)
    colleague_mail.send_due(sqlite_site, SmtpMailer("smtp://127.0.0.1:1"), NOON)
    assert mails(sqlite_site)[0][2] == "waiting"
    with MailServer() as server:
        server.sink.answer = lambda _to: "451 later"
        mailer = SmtpMailer(server.url)
        now = NOON + timedelta(minutes=1)
        colleague_mail.send_due(sqlite_site, mailer, now)
        server.sink.answer = lambda _to: "250 OK"
        colleague_mail.send_due(sqlite_site, mailer, now)
        assert server.sink.messages == []
        colleague_mail.send_due(sqlite_site, mailer, now + timedelta(minutes=1))
        assert len(server.sink.messages) == 1


def test_a_refused_mail_is_not_tried_again(sqlite_site: Site) -> None:
    account = first(sqlite_site)
    for origin in (HOME, AWAY):
        sessions.begin(sqlite_site, account.id, origin, NOON)
    with MailServer() as server:
        server.sink.answer = lambda _to: "550 unknown"
        colleague_mail.send_due(sqlite_site, SmtpMailer(server.url), NOON)
    assert mails(sqlite_site)[0][2] == "refused"


# Sessions -----------------------------------------------------------------------------------


def test_who_must_set_up_a_second_factor(site: Site) -> None:
    account = first(site)
    add_course(site)
    token = sessions.begin(site, account.id, HOME, NOON)

    def must(live: str, roles: str, *, everywhere: bool = True, member: bool = False) -> bool:
        with site.database.write() as session:
            study, row = session.get(tables.Study, 1), session.get(Staff, account.id)
            assert study
            assert row
            study.mode, row.roles, row.all_retreats = live, roles, everywhere
            staff.put_memberships(session, row.id, {1} if member else set())
        found = sessions.find(site, token, NOON)
        assert found is not None
        return found.must_set_up

    assert not must("practice", "clinician")
    assert must("live", "clinician")
    assert not must("live", "coordinator analyst admin")
    assert not must("live", "clinician", everywhere=False)
    assert must("live", "clinician", everywhere=False, member=True)


def test_old_sessions_go_but_the_last_of_each_account(site: Site) -> None:
    account = first(site)
    for days in (0, 1, 2):
        sessions.begin(site, account.id, HOME, NOON + timedelta(days=days))
    sessions.tidy(site, SmtpMailer("smtp://127.0.0.1:1"), NOON + timedelta(days=200))
    with site.database.read() as session:
        assert signin.last_sign_ins(session) == {account.id: NOON + timedelta(days=2)}
        assert len(signin.open_sessions(session, account.id, NOON - timedelta(days=1))) == 1


# Passwords and links ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "x" * 201,
        "aaaaaaaaaaaaaaaa",
        "ababababababab",
        "Correct horse battery staple",
        "Qwertyuiop-123",
        "ada@example.org",
        "ada@example.org1",
        "Check-ins-2027",
    ],
)
def test_bad_passwords_are_refused_with_a_sentence(sqlite_site: Site, password: str) -> None:
    token = accounts.ensure_first_account(sqlite_site, EMAIL, NOON).token
    with pytest.raises(InputError) as error:
        accounts.accept_invite(sqlite_site, token, password, NOON)
    assert error.value.problems["password"].endswith(".")


def test_a_fresh_link_ends_the_one_before_and_keeps_the_second_factor(sqlite_site: Site) -> None:
    account, _secret, _codes = with_factor(sqlite_site)
    by = {"actor": "operator", "now": NOON}
    _email, first_token = accounts.fresh_link(sqlite_site, EMAIL.upper(), unlock=False, **by)
    _email, token = accounts.fresh_link(sqlite_site, EMAIL, unlock=False, **by)
    with pytest.raises(GoneError):
        accounts.accept_invite(sqlite_site, first_token, "another long one", NOON)
    accounts.accept_invite(sqlite_site, token, "another long one", NOON)
    assert signing_in.passed(sqlite_site, account).needs_code
    accounts.fresh_link(sqlite_site, EMAIL, unlock=True, **by)
    assert not signing_in.passed(sqlite_site, account).needs_code
    with pytest.raises(NotFoundError):
        accounts.fresh_link(sqlite_site, "nobody@example.org", unlock=True, **by)


def invited(site: Site, email: str, wish: Wish = ADMIN) -> Account:
    found = colleagues.invite(site, email, wish, SmtpMailer("smtp://127.0.0.1:1"), **BY)
    return accounts.accept_invite(site, found.link.rpartition("/")[2], PASSWORD, NOON)


def test_two_admins_cannot_end_each_other(site: Site) -> None:
    ada = first(site)
    bob = invited(site, "bob@example.org")

    def end(one: Account, by: Account) -> None:
        actor = f"staff:{by.id}"
        colleagues.set_active(site, one.id, active=False, actor=actor, now=NOON)

    found = at_once(lambda: end(ada, bob), lambda: end(bob, ada))
    assert sum(isinstance(one, InputError) for one in found) == 1
    views = colleagues.listed(site, NOON)
    assert sum(view.active for view in views) == 1


def test_every_change_of_an_account_is_in_the_trail(sqlite_site: Site) -> None:
    ada = first(sqlite_site)
    bob = invited(sqlite_site, "bob@example.org")
    wish = Wish(frozenset({"analyst"}), False, True, frozenset())
    seen = colleagues.preview(sqlite_site, bob.id, wish, actor="staff:1").digest
    colleagues.change(sqlite_site, bob.id, wish, seen, **BY)
    colleagues.set_active(sqlite_site, bob.id, active=False, **BY)
    colleagues.set_active(sqlite_site, bob.id, active=True, **BY)
    token = sessions.begin(sqlite_site, ada.id, HOME, NOON)
    sessions.end(sqlite_site, token, NOON)
    with sqlite_site.database.read() as session:
        kinds = list(session.scalars(select(Event.kind).order_by(Event.seq)))
        assert trail.verify(session).fault is None
    assert kinds == [
        "staff account added",
        "password set",
        "staff account added",
        "colleague invited",
        "password set",
        "rights changed",
        "staff account deactivated",
        "staff account reactivated",
        "signed in",
        "signed out",
    ]
