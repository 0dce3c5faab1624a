"""docs/validation.md and docs/dpia.md name tests that exist, and leave no command out."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

from tests.test_docs import ROOT, commands, parser

VALIDATION = (ROOT / "docs/validation.md").read_text("utf-8")
DPIA = (ROOT / "docs/dpia.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", VALIDATION + DPIA)))
ROWS = [line for line in VALIDATION.splitlines() if re.match(r"\| ([A-Z]\d+|`surveyapp)", line)]
DEMANDED = ("init", "serve", "worker", "demo", "score", "rehearse", "import", "report", "export")


@cache
def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_each_test_that_is_named_exists() -> None:
    missing = [
        f"{path}::{name}"
        for path, name in NAMED
        if not (ROOT / "tests" / path).is_file() or name not in functions(ROOT / "tests" / path)
    ]
    assert len(NAMED) > 100
    assert missing == []


def test_every_row_names_a_proof_and_a_release() -> None:
    assert len(ROWS) > 50
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    version = tuple(int(part) for part in project["version"].split("."))
    for row in ROWS:
        *_, proof, since, _ = (cell.strip() for cell in row.split("|"))
        assert "::" in proof or proof == "`make bench`", row
        assert tuple(int(part) for part in since.split(".")) <= version, row


def test_numbers_come_once_and_in_order() -> None:
    found = [re.findall(r"[A-Z]|\d+", row.split("|")[1].strip()) for row in ROWS]
    numbers = [(parts[0], int(parts[1])) for parts in found if len(parts) == 2]
    for letter in {letter for letter, _ in numbers}:
        of_it = [number for its, number in numbers if its == letter]
        assert of_it == list(range(1, len(of_it) + 1))


def test_the_commands_that_stay_as_they_are_have_a_row() -> None:
    known = {command.split()[1] for command in commands(parser())}
    assert set(DEMANDED) <= known
    assert [name for name in DEMANDED if f"`surveyapp {name}" not in VALIDATION] == []


def test_a_measure_of_the_assessment_says_where_it_is() -> None:
    """Each line of the table of measures leads to a page, a command, a file or a test."""
    table = DPIA.partition("## 5.")[2].partition("## 6.")[0]
    rows = [line for line in table.splitlines() if re.match(r"\| M\d+", line)]
    assert len(rows) >= 15
    for row in rows:
        where = row.split("|")[-2]
        assert re.search(r"`[^`]+`|\*[^*]+\*|\]\(", where), row


def test_the_assessments_risks_are_multiplied_rightly_and_met_by_measures() -> None:
    table = DPIA.partition("## 4.")[2].partition("## 5.")[0]
    rows = [line for line in table.splitlines() if re.match(r"\| \d+ \|", line)]
    assert len(rows) >= 12
    known = set(re.findall(r"^\| (M\d+) \|", DPIA, re.M))
    for row in rows:
        sums = re.findall(r"(\d)×(\d) = (\d+)", row)
        assert [int(a) * int(b) for a, b, _ in sums] == [int(product) for *_, product in sums], row
        before, after = (int(product) for *_, product in sums)
        assert after < before, row
        assert after < 9, row
        measures = set(re.findall(r"\bM\d+\b", row))
        assert measures, row
        assert measures <= known, row
