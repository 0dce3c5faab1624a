"""Colleagues: places and mails, sessions, links, and admins who cannot end each other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import (
    accounts,
    colleague_mail,
    colleagues,
    passwords,
    second_factor,
    sessions,
    signing_in,
)
from surveyapp.services.accounts import Account
from surveyapp.services.colleagues import Wish
from surveyapp.services.errors import GoneError, InputError, NotFoundError, RefusedError
from surveyapp.services.site import Site
from surveyapp.services.tries import Origin
from surveyapp.store import signin, staff, tables, trail
from surveyapp.store.tables_access import Event, Staff
from surveyapp.store.tables_signin import StaffMail
from tests.cheap import CheapHasher
from tests.conftest import NOON
from tests.waiting import at_once
from tests.world import MailServer, add_course

EMAIL, PASSWORD = "ada@example.org", "a long enough one"
HOME = Origin("203.0.113.0/24", "Firefox on Linux")
AWAY = Origin("198.51.100.0/24", "Safari on iPhone")
ADMIN = Wish(frozenset({"admin"}), False, True, frozenset())
BY = {"actor": "staff:1", "now": NOON}


@pytest.fixture(autouse=True)
def _cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", CheapHasher())


def first(site: Site) -> Account:
    token = accounts.ensure_first_account(site, EMAIL, NOON).token
    return accounts.accept_invite(site, token, PASSWORD, NOON)


def with_factor(site: Site) -> tuple[Account, str, tuple[str, ...]]:
    account = first(site)
    offered = second_factor.offer(site, account)
    code = second_factor.code_at(offered.secret, NOON)
    codes = second_factor.turn_on(site, account, offered.sealed, code, keep="", now=NOON)
    return account, offered.secret, codes


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


def test_two_sign_ins_at_once_from_a_new_place_are_told_once(site: Site) -> None:
    account = first(site)
    sessions.begin(site, account.id, HOME, NOON)
    found = at_once(*[lambda: sessions.begin(site, account.id, AWAY, NOON)] * 3)
    assert all(isinstance(one, str) for one in found)
    assert len(mails(site)) == 1


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
    assert must("live", "analyst")
    assert must("live", "admin")
    assert not must("live", "coordinator")
    assert not must("live", "analyst", everywhere=False)
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


def test_one_colleague_invited_twice_at_once_is_one(site: Site) -> None:
    first(site)
    found = at_once(*[lambda: invited(site, "bob@example.org")] * 2)
    assert sum(isinstance(one, InputError) for one in found) == 1
    assert len(colleagues.listed(site, NOON)) == 2


def test_a_second_factor_turned_on_twice_at_once_is_one(site: Site) -> None:
    account = first(site)
    offered = second_factor.offer(site, account)
    code = second_factor.code_at(offered.secret, NOON)

    def turn_on() -> object:
        return second_factor.turn_on(site, account, offered.sealed, code, keep="", now=NOON)

    found = at_once(turn_on, turn_on)
    assert sum(isinstance(one, RefusedError) for one in found) == 1
    assert second_factor.state(site, account.id).codes_left == 10


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
