"""PINs: who gets one, what a wrong try costs, and that two at once get no extra tries."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from surveyapp.services import people, pins, reaching
from surveyapp.services.errors import NotFoundError
from surveyapp.services.people import NewPerson
from surveyapp.services.pins import PinError
from surveyapp.services.reaching import Contacts
from surveyapp.services.site import Site
from surveyapp.store import trail
from surveyapp.store.tables import Participant
from surveyapp.store.tables_access import Event, EventPayload
from surveyapp.store.tables_entry import Pin
from tests.conftest import NOON
from tests.world import add_course

STAFF = "staff:1"


def person_id(site: Site, code: str) -> int:
    with site.database.read() as session:
        return session.scalars(select(Participant.id).where(Participant.code == code)).one()


def pin_of(site: Site, code: str) -> Pin | None:
    with site.database.read() as session:
        return session.get(Pin, person_id(site, code))


def wrong_of(site: Site, code: str) -> int:
    pin = pin_of(site, code)
    assert pin is not None
    return pin.wrong


def kinds(site: Site) -> list[str]:
    with site.database.read() as session:
        return list(session.scalars(select(Event.kind)))


def other(digits: str) -> str:
    return f"{(int(digits) + 1) % 1_000_000:06}"


@pytest.fixture
def digits(site: Site) -> str:
    """The PIN of P-01, who has just been given one."""
    add_course(site, "P-01")
    pins.give_pin(site, "P-01", asked=True, actor=STAFF, now=NOON)
    return pins.show_pin(site, "P-01", actor=STAFF, now=NOON)


def try_pin(site: Site, code: str, typed: str, now: datetime = NOON) -> PinError | None:
    try:
        pins.check(site, person_id(site, code), typed, now)
    except PinError as error:
        return error
    return None


# What a PIN is ----------------------------------------------------------------------------


def test_new_pins_have_six_digits_and_are_not_weak() -> None:
    made = {pins.new_pin() for _ in range(300)}
    assert len(made) > 250
    assert all(len(p) == 6 and p.isdecimal() and not pins.is_weak(p) for p in made)


@pytest.mark.parametrize(
    "weak",
    ["000000", "777777", "123456", "987654", "890123", "121212", "123123", "112211", "100000"],
)
def test_weak_pins_are_known(weak: str) -> None:
    assert pins.is_weak(weak)


def test_a_usual_pin_is_not_weak() -> None:
    assert not pins.is_weak("402917")


# The pause --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "minutes"), [(0, 0), (4, 0), (5, 1), (6, 2), (7, 4), (10, 32), (11, 60), (10**9, 60)]
)
def test_the_pause_doubles_up_to_an_hour(wrong: int, minutes: int) -> None:
    assert pins.pause(wrong) == timedelta(minutes=minutes)


@given(wrong=st.integers(0, 10_000), seconds=st.integers(0, 7200))
def test_a_pause_never_shrinks_and_always_ends(wrong: int, seconds: int) -> None:
    now = NOON + timedelta(seconds=seconds)
    assert pins.pause(wrong) <= pins.pause(wrong + 1) <= timedelta(hours=1)
    waits = pins.waits_until(wrong, NOON, now)
    assert (waits is not None) == (timedelta(seconds=seconds) < pins.pause(wrong))
    assert pins.waits_until(wrong, NOON, NOON + timedelta(hours=1)) is None
    assert pins.waits_until(wrong, None, now) is None


@given(st.text())
def test_whatever_is_typed_becomes_plain_digits(typed: str) -> None:
    assert set(pins.normal(typed)) <= set("0123456789")


def test_digits_of_every_script_and_blanks_are_understood() -> None:
    assert pins.normal(" 40 29-17") == pins.normal("٤٠٢٩١٧") == "402917"


# Tries ------------------------------------------------------------------------------------


def test_five_wrong_tries_then_a_pause_then_the_right_one(site: Site, digits: str) -> None:
    for _ in range(5):
        error = try_pin(site, "P-01", other(digits))
        assert error is not None
        assert error.minutes == 0
    refused = try_pin(site, "P-01", digits)
    assert refused is not None
    assert "Please wait 1 minute," in refused.sentence()
    assert wrong_of(site, "P-01") == 5
    assert try_pin(site, "P-01", digits, NOON + timedelta(seconds=60)) is None
    assert wrong_of(site, "P-01") == 0
    assert kinds(site).count("wrong PIN") == 5


def test_one_person_never_stops_another(site: Site, digits: str) -> None:
    add_course(site, "P-02", address=None)
    pins.give_pin(site, "P-02", asked=False, actor=STAFF, now=NOON)
    for _ in range(9):
        try_pin(site, "P-01", other(digits))
    theirs = pins.show_pin(site, "P-02", actor=STAFF, now=NOON)
    assert try_pin(site, "P-02", theirs) is None


def test_an_unknown_code_is_refused_alike_and_locks_nobody(site: Site, digits: str) -> None:
    wrong = try_pin(site, "P-01", other(digits))
    for _ in range(8):
        with pytest.raises(PinError) as caught:
            pins.refuse_unknown(site, NOON)
        assert wrong is not None
        assert caught.value.sentence() == wrong.sentence()
    assert try_pin(site, "P-01", digits) is None


def test_two_at_once_get_no_extra_try(site: Site, digits: str) -> None:
    errors: list[PinError | None] = []
    person = person_id(site, "P-01")

    def guess() -> None:
        try:
            pins.check(site, person, other(digits), NOON)
        except PinError as error:
            errors.append(error)

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = [error for error in errors if error and not error.minutes]
    assert (len(errors), len(taken), wrong_of(site, "P-01")) == (12, 5, 5)


# Staff ------------------------------------------------------------------------------------


def test_a_new_pin_forgets_wrong_tries_and_the_old_one(site: Site, digits: str) -> None:
    for _ in range(6):
        try_pin(site, "P-01", other(digits))
    pins.renew_pin(site, "P-01", actor=STAFF, now=NOON)
    fresh = pins.show_pin(site, "P-01", actor=STAFF, now=NOON)
    assert fresh != digits
    assert try_pin(site, "P-01", fresh) is None
    pin = pin_of(site, "P-01")
    assert pin is not None
    assert pin.asked


def test_giving_again_keeps_the_pin_and_changes_whether_it_is_asked(
    site: Site, digits: str
) -> None:
    pins.give_pin(site, "P-01", asked=False, actor=STAFF, now=NOON)
    assert pins.show_pin(site, "P-01", actor=STAFF, now=NOON) == digits
    pin = pin_of(site, "P-01")
    assert pin is not None
    assert not pin.asked


def test_no_pin_stands_in_the_trail_or_in_its_row(site: Site, digits: str) -> None:
    try_pin(site, "P-01", other(digits))
    with site.database.read() as session:
        payloads = " ".join(session.scalars(select(EventPayload.payload)))
        assert trail.verify(session).fault is None
    assert digits not in payloads
    pin = pin_of(site, "P-01")
    assert pin is not None
    assert digits not in pin.sealed
    assert {"PIN given", "contacts looked at"} <= set(kinds(site))


def test_everybody_of_a_retreat_gets_one_for_the_tablet(site: Site, digits: str) -> None:
    add_course(site, "P-02", address=None)
    add_course(site, "P-03", address=None)
    assert pins.without_pin(site, 1) == 2
    assert pins.give_everybody(site, 1, actor=STAFF, now=NOON) == 2
    assert (pins.without_pin(site, 1), pins.give_everybody(site, 1, actor=STAFF, now=NOON)) == (
        0,
        0,
    )
    assert pins.show_pin(site, "P-01", actor=STAFF, now=NOON) == digits


def test_nobody_and_no_pin_are_told_apart_for_staff(site: Site) -> None:
    add_course(site, "P-01")
    for code, say in (("P-01", "has no PIN"), ("P-09", "nobody")):
        with pytest.raises(NotFoundError, match=say):
            pins.show_pin(site, code, actor=STAFF, now=NOON)


# A shared address -------------------------------------------------------------------------


def test_a_shared_address_asks_both_for_a_pin(site: Site, digits: str) -> None:
    pins.give_pin(site, "P-01", asked=False, actor=STAFF, now=NOON)
    person = NewPerson("P-02", "P01@Example.org")
    assert people.SHARED_NOTE in people.preview_people(site, 1, [person], NOON)[0].note
    people.add_person(site, 1, person, actor=STAFF, now=NOON)
    for code in ("P-01", "P-02"):
        pin = pin_of(site, code)
        assert pin is not None
        assert pin.asked
    assert pins.show_pin(site, "P-01", actor=STAFF, now=NOON) == digits


def test_two_new_people_with_one_address_are_both_asked(site: Site) -> None:
    add_course(site, "P-01")
    pair = [NewPerson("P-02", "two@example.org"), NewPerson("P-03", "two@example.org")]
    notes = [planned.note for planned in people.add_people(site, 1, pair, actor=STAFF, now=NOON)]
    assert notes == [people.SHARED_NOTE] * 2
    assert pin_of(site, "P-01") is None
    assert all(pin_of(site, code) is not None for code in ("P-02", "P-03"))


def test_a_changed_address_that_is_shared_asks_both(site: Site) -> None:
    add_course(site, "P-01")
    add_course(site, "P-02", address=None)
    by = {"actor": STAFF, "now": NOON}
    assert reaching.set_contacts(site, "P-02", Contacts("own@example.org"), **by) == []
    assert pin_of(site, "P-02") is None
    assert reaching.set_contacts(site, "P-02", Contacts("P01@example.org"), **by) == [
        "P-01",
        "P-02",
    ]
    assert pin_of(site, "P-01") is not None


def test_the_same_person_coming_back_shares_with_nobody(site: Site) -> None:
    add_course(site, "P-01")
    add_course(site, "P-09", retreat="Autumn 2027", address=None)
    person = NewPerson("P-01", "p01@example.org")
    assert people.preview_people(site, 2, [person], NOON)[0].note == ""
    people.add_person(site, 2, person, actor=STAFF, now=NOON)
    assert pin_of(site, "P-01") is None
