"""Three dosing days: each confirmed by its own dose, each with a session of its own."""

from __future__ import annotations

from datetime import timedelta

from tests.journeys import desk, paper
from tests.journeys.demo import running_demo
from tests.journeys.plain import PlainBrowser

CODE, ADDRESS = "MD-01", "md-01@example.org"
DOSES = ("80", "120", "120")


def test_three_doses() -> None:
    with running_demo() as doors:
        laptop = PlainBrowser()
        desk.sign_in(laptop, doors)
        today = desk.today()
        first, second, third = (today + timedelta(days=3 + 6 * n) for n in range(3))
        desk.add_retreat(
            laptop,
            "Three days",
            "mdma",
            dosing_date=first.isoformat(),
            mdma__dosing_2=second.isoformat(),
        )
        assert "No third dosing day yet" in laptop.text
        desk.add_person(laptop, CODE, ADDRESS, today - timedelta(days=1))
        laptop.open("/staff/retreats")
        laptop.follow("Three days")
        laptop.follow("Set the third dosing day")
        laptop.press("Set the third dosing day", dosing_date=third.isoformat())

        link, days = desk.next_letter(laptop, ADDRESS, 0, 2)
        desk.answer(link, (14, 0), (2, 6))
        for number, mg in enumerate(DOSES, 1):
            desk.pass_days(laptop, 3 + 6 * (number - 1) - days)
            laptop.open(f"/staff/people/{CODE}/1/dose?anchor=dosing-{number}")
            laptop.press("Record the dose", mg=mg, at="00:00")
            assert f"The dose of {CODE} is recorded." in laptop.text
            had = len(desk.letters(laptop, ADDRESS))
            link, waited = desk.next_letter(laptop, ADDRESS, had, 2)
            desk.answer(link, (30, number))
            days = 3 + 6 * (number - 1) + waited

        text = paper.read(desk.session_pdf(laptop, CODE))
        for mg in ("80 mg", "120 mg"):
            assert mg in text
        for number in (1, 2, 3):
            assert f"{20 * number} %" in text, "each session's profile, answered with one option"
        laptop.open(f"/staff/people/{CODE}")
        assert laptop.text.count("Dose 120 mg") == 2
