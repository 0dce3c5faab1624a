"""People from a CSV file: looked at before they are added, and nothing is lost on a wrong one."""

from __future__ import annotations

import io

import pytest

from .conftest import Browser
from .test_gathering import RETREAT
from .test_staff import filled as filled
from .test_staff import staff as staff
from .test_staff import value

PEOPLE = f"{RETREAT}/people"
ROWS = "code,email,language\nU-01,u1@example.org,de\nU-02,,\n"


def upload(browser: Browser, content: bytes, rows: str = "") -> dict[str, object]:
    token = value(browser.get(PEOPLE), "csrf_token")
    file = (io.BytesIO(content), "people.csv")
    return {"csrf_token": token, "do": "check", "rows": rows, "file": file}


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_file_is_previewed_and_then_added(filled: Browser, mark: bytes) -> None:
    page = filled.post(PEOPLE, upload(filled, mark + ROWS.encode()))
    assert "2 people. Nothing is saved until you press the button." in page.text
    assert "u1@example.org" in page.text
    assert "U-01" not in filled.get(RETREAT).text
    kept = {"csrf_token": value(page, "csrf_token"), "rows": value(page, "rows"), "do": "add"}
    assert "2 people added to Spring 2027." in filled.post(PEOPLE, kept).text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("Ümläut".encode("latin-1"), "save as “CSV UTF-8”"),
        (b"PK\x03\x04\x00\x00", "This is not a text file"),
        (b"\n", "Write one person a line"),
        (b"U-01,u1@example.org\nU-01,u2@example.org\n", "line"),
        (b"U-01,a@example.org,en,Europe/Lisbon,extra\n", "more than code"),
    ],
)
def test_a_wrong_file_adds_nobody_and_keeps_what_was_typed(
    filled: Browser, content: bytes, said: str
) -> None:
    page = filled.post(PEOPLE, upload(filled, content, rows="T-01, t1@example.org"))
    assert page.status == 400
    assert said in page.text
    if b"U-" not in content:
        assert "T-01" in page.tree.find(".//textarea").text or content == b"\n"
    assert "U-01" not in filled.get(RETREAT).text


def test_without_a_file_the_list_counts(filled: Browser) -> None:
    empty = {**upload(filled, b"", rows="T-01, t1@example.org"), "file": (io.BytesIO(b""), "")}
    assert "1 person. Nothing is saved" in filled.post(PEOPLE, empty).text
