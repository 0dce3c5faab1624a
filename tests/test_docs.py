"""The docs name every setting and command, their links lead somewhere, the front page is short."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from surveyapp.cli import parser
from surveyapp.config import Settings

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").glob("*.md"))
LINK = re.compile(r"\]\(([^)#\s]+)|src=\"([^\"]+)\"")
LONGEST_README = 60
LARGEST_PICTURE = 150_000


def all_text() -> str:
    return "\n".join(page.read_text("utf-8") for page in (README, *PAGES))


def commands(front: argparse.ArgumentParser) -> list[str]:
    """Every command as typed, the inner ones included."""
    found: list[str] = []
    for action in front._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                found += commands(inner) or [inner.prog]
    return found


@pytest.mark.parametrize("setting", sorted(Settings.model_fields))
def test_every_setting_is_explained_to_operators(setting):
    assert f"`SURVEYAPP_{setting.upper()}`" in (ROOT / "docs/operators.md").read_text("utf-8")


def test_no_setting_is_named_that_does_not_exist():
    named = set(re.findall(r"SURVEYAPP_([A-Z_]+)", all_text()))
    assert named <= {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize("command", [re.sub(r" [A-Z]+$", "", c) for c in commands(parser())])
def test_every_command_is_named(command):
    assert command in all_text()


@pytest.mark.parametrize("page", [README, *PAGES], ids=lambda page: page.name)
def test_links_and_pictures_are_there(page):
    found = [first or second for first, second in LINK.findall(page.read_text("utf-8"))]
    inner = [link for link in found if "://" not in link]
    assert [link for link in inner if not (page.parent / link).is_file()] == []


def test_the_front_page_is_one_screen_and_leads_to_every_page():
    text = README.read_text("utf-8")
    assert len(text.splitlines()) <= LONGEST_README
    assert [page.name for page in PAGES if f"docs/{page.name}" not in text] == []


def test_pictures_are_small():
    pictures = list((ROOT / "docs/pictures").iterdir())
    assert pictures
    assert all(picture.stat().st_size < LARGEST_PICTURE for picture in pictures)
