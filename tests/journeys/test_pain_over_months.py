"""Ratings week by week: a start that is no dosing day, and two weeks answered by phone."""

from __future__ import annotations

from datetime import timedelta

from tests.journeys import desk, paper
from tests.journeys.demo import running_demo
from tests.journeys.plain import PlainBrowser

CODE, ADDRESS = "PAIN-01", "pain-01@example.org"


def test_pain_over_months() -> None:
    with running_demo() as doors:
        laptop = PlainBrowser()
        desk.sign_in(laptop, doors)
        today = desk.today()
        start = (today + timedelta(days=2)).isoformat()
        desk.add_retreat(laptop, "Pain group", "chronic-pain", dosing_date=start)
        desk.add_person(laptop, CODE, ADDRESS, today - timedelta(days=1))
        laptop.follow("Pain group")
        assert "Record doses" not in laptop.text
        laptop.follow("Confirm the start")
        laptop.press("Confirm the start")
        assert "The start is confirmed for 1 person." in laptop.text

        had = 0
        for pain in (7, 6, 5):
            link, _days = desk.next_letter(laptop, ADDRESS, had, 11)
            desk.answer(link, (2, pain))
            # By day the invitation may have gone out just before the reminder.
            had = len(desk.letters(laptop, ADDRESS))

        laptop.open(f"/staff/people/{CODE}")
        assert "Week 1 Submitted" in laptop.text
        assert "Week 2 Submitted" in laptop.text
        assert "Dose" not in laptop.text
        text = paper.read(desk.session_pdf(laptop, CODE))
        assert "Week 1" in text
        assert "Week 2" in text
        assert "Pain 7 → 5" in text
