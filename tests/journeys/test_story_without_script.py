"""The same story where no script runs: plain pages, links and forms, by phone and by laptop.

The dose is recorded for the person alone, and the others' dosing day is confirmed without one.
The baseline is answered in two sittings, the second on another phone.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable

import pytest

from tests.journeys import paper
from tests.journeys.demo import Doors, running_demo
from tests.journeys.plain import PlainBrowser, text_of

PERSON, ADDRESS = "M-01", "m-01@example.org"
FIRST, LAST, FOUR_OF_FIVE = 0, 3, 4
LOOK, LATER = "Look through my answers", "Save and finish later"
NEXT_DATE = r"Your next check-in is planned for \w+day \d+ \w+ \d{4}"


@pytest.fixture
def doors() -> Generator[Doors]:
    with running_demo() as doors:
        yield doors


def begin(phone: PlainBrowser, link: str, button: str = "I have read this. Start") -> None:
    phone.open(link)
    assert "Your answers are read by the two facilitators" in phone.text
    phone.press(button)


def answer(phone: PlainBrowser, items: Iterable[int], option: int, button: str) -> None:
    form = phone.form(button)
    for item in items:
        form.choose(f"a-{item}", option)
    phone.press(button, form)


def send(phone: PlainBrowser) -> None:
    assert phone.heading == "Your answers"
    assert "still open" not in phone.text
    phone.press("Send my answers")


def expect_thanks(phone: PlainBrowser) -> None:
    assert phone.heading == "Thank you"
    assert re.search(NEXT_DATE, phone.text)


def answer_in_two_sittings(doors: Doors) -> None:
    bus, home = PlainBrowser(), PlainBrowser()
    begin(bus, doors.participant)
    answer(bus, range(1, 6), FIRST, LATER)
    assert bus.heading == "Your answers are saved"
    begin(home, doors.participant, "Continue")
    kept = [name for name in home.form(LOOK).values if name.startswith("a-")]
    assert kept == [f"a-{item}" for item in range(1, 6)]
    answer(home, range(6, 15), FIRST, LOOK)
    send(home)
    expect_thanks(home)


def sign_in(laptop: PlainBrowser, doors: Doors) -> None:
    laptop.open(doors.staff)
    laptop.press("Sign in", email=doors.email, password=doors.password)
    assert laptop.heading == "Today"


def open_person(laptop: PlainBrowser) -> None:
    laptop.open(f"/staff/people?q={PERSON}")
    assert laptop.heading == PERSON


def let_the_dosing_day_pass(laptop: PlainBrowser) -> None:
    """One day after another, until the day that stands on the person's page is over."""
    open_person(laptop)
    while "· day 1 " not in f"{laptop.text} ":
        laptop.press("+1 day")
        open_person(laptop)


def record_the_dose(laptop: PlainBrowser) -> None:
    laptop.follow("Record dose")
    laptop.press("Record the dose", mg="35", at="10:00")
    assert f"The dose of {PERSON} is recorded." in laptop.text


def confirm_the_others(laptop: PlainBrowser) -> None:
    laptop.follow("Open it")
    laptop.follow("Confirm the dosing day")
    laptop.press("Confirm the dosing day")
    assert "The dosing day is confirmed for 3 people." in laptop.text


def work_off_the_alert(laptop: PlainBrowser) -> None:
    """Depression 12 lies in the case range: the named person was told, without a word of it."""
    laptop.press("+1 day")
    laptop.follow("Inbox")
    told = [text_of(row) for row in laptop.rows() if "on-call@example.org" in text_of(row)]
    assert len(told) == 1
    assert not re.search(rf"{PERSON}|[Dd]epression|HADS", told[0])
    laptop.open("/staff/")
    assert "12 at Day 8; the case range starts at 11" in laptop.text
    laptop.follow("Open the alert")
    laptop.press("Acknowledge: I have it")
    laptop.follow("Write action and outcome")
    laptop.press("Save", action="Called at 10:20.", outcome="Sees the doctor on Thursday.")
    laptop.follow("Close it")
    laptop.press("Close it")
    laptop.open("/staff/")
    assert "the case range" not in laptop.text
    open_person(laptop)
    assert re.search(r"Alert: case range\s*closed", laptop.text)


def letters(laptop: PlainBrowser) -> list[str]:
    """The links of the person's messages, newest first."""
    laptop.follow("Inbox")
    rows = [row for row in laptop.rows() if ADDRESS in text_of(row)]
    links = [a for row in rows for a in row.iterfind(".//a") if text_of(a).startswith("Open as")]
    return [str(a.get("href")) for a in links]


def session_pdf(laptop: PlainBrowser) -> bytes:
    open_person(laptop)
    laptop.follow("Session PDF")
    return laptop.body


def test_a_study_without_a_line_of_script(doors: Doors) -> None:
    answer_in_two_sittings(doors)

    laptop, phone = PlainBrowser(), PlainBrowser()
    sign_in(laptop, doors)
    let_the_dosing_day_pass(laptop)
    record_the_dose(laptop)
    confirm_the_others(laptop)
    before = letters(laptop)
    laptop.press("Day 8")
    assert "It is now" in laptop.text
    assert len(letters(laptop)) == len(before) + 1

    begin(phone, letters(laptop)[0], "Start")
    answer(phone, range(1, 15), LAST, LOOK)
    send(phone)
    answer(phone, range(1, 31), FOUR_OF_FIVE, LOOK)
    send(phone)
    expect_thanks(phone)
    work_off_the_alert(laptop)
    paper.check(session_pdf(laptop))

    open_person(laptop)
    before = letters(laptop)
    laptop.press("Week 24")
    assert "Week 24 waits for 4 people" in laptop.text
    assert letters(laptop) == before, "held: nobody has said that the person is well enough"
    open_person(laptop)
    laptop.follow("Confirm for Week 24")
    laptop.press("Confirm for Week 24")
    assert f"{PERSON} is confirmed for Week 24." in laptop.text
    laptop.press("Next prompt")
    after = letters(laptop)
    assert len(after) > len(before)
    begin(phone, after[0], "Start")
    assert "14 questions" in phone.text
