"""Two people with one form open: the second is told what the first saved, and loses nothing."""

from __future__ import annotations

import pytest

from .conftest import Browser
from .test_staff import act, value
from .test_staff import filled as filled
from .test_staff import staff as staff

PERSON = "/staff/people/S-01"
HELP = {"emergency": "112", "crisis_line": "0800", "phone": "1", "hours": "2", "readers": "a"}
FORMS: list[tuple[str, dict[str, str], dict[str, str], str]] = [
    (
        f"{PERSON}/contact",
        {"email": "new@example.org", "phone": "", "channels": "email"},
        {"email": "other@example.org", "phone": "", "channels": "email"},
        "On record: n…@example.org",
    ),
    (
        f"{PERSON}/language",
        {"language": "de", "time_zone": "Europe/Amsterdam"},
        {"language": "nl", "time_zone": "Europe/Amsterdam"},
        "Language: de",
    ),
    (
        f"{PERSON}/quiet-hours",
        {"start": "21:00", "end": "09:00"},
        {"start": "22:00", "end": "09:00"},
        "21:00",
    ),
    (
        "/staff/study/1",
        {**HELP, "read_when": "weekly"},
        {**HELP, "read_when": "daily"},
        "When they are read: weekly",
    ),
    (
        f"{PERSON}/1/dose",
        {"kind": "first", "status": "declined", "reason": "unwell"},
        {"kind": "first", "status": "given", "mg": "25", "on": "2027-03-28", "at": "00:00"},
        "Doses: Dose: declined (unwell)",
    ),
]


@pytest.mark.parametrize(("path", "first", "second", "told"), FORMS)
def test_the_second_is_told_and_may_go_on(
    filled: Browser, path: str, first: dict[str, str], second: dict[str, str], told: str
) -> None:
    opened = value(filled.get(path), "stood")
    assert act(filled, path, {**first, "stood": opened}).status == 200
    page = act(filled, path, {**second, "stood": opened})
    assert page.status == 400
    assert "Somebody changed this since you opened it." in page.text
    assert told in page.text
    assert act(filled, path, {**second, "stood": value(page, "stood")}).status == 200
