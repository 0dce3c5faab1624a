"""docs/security.md has a row for every requirement of both levels, and names tests that exist.

The numbers are those of the OWASP Application Security Verification Standard 5.0.0, levels 1 and 2.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOC = (ROOT / "docs" / "security.md").read_text("utf-8")
ROW = re.compile(
    r"^\| (\d+\.\d+\.\d+)(?: to (\d+\.\d+\.\d+))? \| (.*?) \| (.*?) \| (.*?) \| (.*?) ?\|$"
)
TEST = re.compile(r"`(tests/[\w./]+\.py)(?:::(\w+))?`")
METS = {"yes", "partly", "no", "not ours", "does not apply"}
# Section: how many of its requirements, counted from 1, are of level 1 or 2. The rest is level 3.
LEVELS_1_AND_2 = {
    **{"1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2},
    **{"2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1},
    **{"3.2": 2, "3.3": 4, "3.4": 6, "3.5": 5, "3.7": 2},
    **{"4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4},
    **{"5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3},
    **{"6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4},
    **{"7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2},
    **{"8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1},
    **{"9.1": 3, "9.2": 4},
    **{"10.1": 2, "10.2": 2, "10.3": 4, "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3},
    **{"11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1},
    **{"12.1": 3, "12.2": 2, "12.3": 4},
    **{"13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5},
    **{"14.1": 2, "14.2": 4, "14.3": 3},
    **{"15.1": 3, "15.2": 3, "15.3": 7},
    **{"16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3},
    **{"17.1": 1, "17.2": 4, "17.3": 2},
}
WANTED = {f"{section}.{n + 1}" for section, count in LEVELS_1_AND_2.items() for n in range(count)}


def rows() -> list[re.Match[str]]:
    return [found for line in DOC.splitlines() if (found := ROW.match(line))]


def numbers(row: re.Match[str]) -> list[str]:
    section, _, first = row[1].rpartition(".")
    last = (row[2] or row[1]).rpartition(".")[2]
    return [f"{section}.{n}" for n in range(int(first), int(last) + 1)]


def test_every_requirement_has_one_row() -> None:
    found = Counter(number for row in rows() for number in numbers(row))
    assert sorted(WANTED - found.keys()) == []
    assert sorted(found.keys() - WANTED) == []
    assert [number for number, times in found.items() if times > 1] == []
    assert len(WANTED) == 253  # 70 of level 1 and 183 of level 2


def test_every_row_says_whether_and_how() -> None:
    assert {row[4] for row in rows()} <= METS
    assert [row[1] for row in rows() if len(row[5]) < 5] == []


@pytest.mark.parametrize("kind", ["no"])
def test_what_is_not_met_is_told_at_the_top(kind: str) -> None:
    top = DOC.partition("## How attacks")[0]
    assert [row[1] for row in rows() if row[4] == kind and row[1] not in top] == []


def test_every_test_that_is_named_exists() -> None:
    missing: list[str] = []
    for path, name in TEST.findall(DOC):
        file = ROOT / path
        if not file.exists() or (name and f"def {name}(" not in file.read_text("utf-8")):
            missing.append(f"{path}::{name}")
    assert sorted(set(missing)) == []
