"""The documents stay true: settings and commands are named, links lead somewhere."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from surveyapp.cli import parser
from surveyapp.config import Settings

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
TEXT = "\n".join(page.read_text("utf-8") for page in PAGES)
ONE_SCREEN = 45


def commands(front: argparse.ArgumentParser) -> list[str]:
    """The names of the top commands."""
    found = [a for a in front._actions if isinstance(a, argparse._SubParsersAction)]
    return list(found[0].choices)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented(name: str) -> None:
    assert f"SURVEYAPP_{name.upper()}" in (ROOT / "docs" / "operators.md").read_text("utf-8")


@pytest.mark.parametrize("name", commands(parser()))
def test_every_command_is_documented(name: str) -> None:
    assert re.search(rf"surveyapp {name}\b|make {name}\b|`{name}", TEXT)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_the_readme_fits_one_screen_and_starts_with_the_commands() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) <= ONE_SCREEN
    assert any("make demo" in line for line in lines[:10])
