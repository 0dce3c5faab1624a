"""The house plan: imports go downwards, each library has one owner, no room is too large.

Rows from the bottom up; a room may import the rooms of lower rows and, in its own row, only what
MAY_IMPORT grants. The checker takes (file, source) pairs, so that it can be shown what it must
find.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "surveyapp"
LONGEST = 400

ROWS = (
    {"study", "config", "resources", "texts", "catalogues", "logs"},
    {"store", "delivery", "reports"},
    {"services"},
    {"cli", "web", "worker", "demo"},
)
MAY_IMPORT = {
    "cli": {"web", "worker", "demo"},
    "demo": {"web", "worker"},
    "config": {"resources"},
    "texts": {"resources", "catalogues"},
}
OWNERS = {
    "sqlalchemy": {"store"},
    "sqlmodel": {"store"},
    "alembic": {"store"},
    "psycopg": {"store"},
    "weasyprint": {"reports"},
    "smtplib": {"delivery"},
    "flask": {"web"},
    "wtforms": {"web"},
    "apscheduler": {"worker", "demo"},
}
LAZY = ("cli", "reports", "services/exchange")
"""Where heavy libraries may be imported inside a function, to stay out of start-up."""

Source = tuple[str, str]


def sources(*folders: str) -> list[Source]:
    """Every Python file below the folders: its path from the root, and its text."""
    files = (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))
    return [(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in files]


def room_of(file: str) -> str:
    """`surveyapp/web/app.py` and `surveyapp/web.py` are both in `web`; `surveyapp/__init__.py`
    in none."""
    room = file.split("/")[1].removesuffix(".py")
    return "" if room == "__init__" else room


def row_of(room: str) -> int:
    return next((n for n, row in enumerate(ROWS) if room in row), -1)


def imported(file: str, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """The full names of the modules that one statement imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif not node.level:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    else:
        package = file.removesuffix(".py").split("/")[: -node.level]
        base = ".".join([*package, node.module] if node.module else package)
        yield from (f"{base}.{alias.name}" for alias in node.names)


def imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    return (n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom))


def inside_functions(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    functions = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    for function in functions:
        yield from imports(function)


def wrong(room: str, name: str) -> str | None:
    """Why a file in `room` may not import `name`."""
    first, _, rest = name.partition(".")
    if first == PACKAGE:
        return wrong_inside(room, rest.split(".")[0])
    if room == "study" and first not in sys.stdlib_module_names and first != "__future__":
        return "study uses the standard library only"
    owned = next((library for library in OWNERS if belongs(first, library)), None)
    if owned and room not in OWNERS[owned]:
        return f"{owned} belongs to {' and '.join(sorted(OWNERS[owned]))}"
    return None


def belongs(module: str, library: str) -> bool:
    """flask_wtf belongs with flask."""
    return module == library or module.startswith(f"{library}_")


def wrong_inside(room: str, other: str) -> str | None:
    if row_of(other) < 0 or other == room:
        return None
    if row_of(other) < row_of(room) or other in MAY_IMPORT.get(room, ()):
        return None
    return f"{room} may not import {other}"


def wrong_imports(files: Iterable[Source]) -> list[str]:
    found: list[str] = []
    for file, text in files:
        room = room_of(file)
        for node in imports(ast.parse(text)):
            for name in imported(file, node):
                if room and (reason := wrong(room, name)):
                    found.append(f"{file}:{node.lineno} imports {name}: {reason}")
    return found


def hidden_imports(files: Iterable[Source]) -> list[str]:
    return [
        f"{file}:{node.lineno} imports inside a function"
        for file, text in files
        if not file.removeprefix(f"{PACKAGE}/").startswith(LAZY)
        for node in inside_functions(ast.parse(text))
    ]


def unknown_rooms(files: Iterable[Source]) -> set[str]:
    return {room for file, _ in files if (room := room_of(file)) and row_of(room) < 0}


def too_long(files: Iterable[Source]) -> list[str]:
    counts = ((file, len(text.splitlines())) for file, text in files)
    return [f"{file} has {lines} lines" for file, lines in counts if lines > LONGEST]


# The house itself -------------------------------------------------------------------------


def test_imports_go_downwards_and_libraries_have_one_owner():
    assert wrong_imports(sources(PACKAGE)) == []


def test_no_import_is_hidden_in_a_function():
    assert hidden_imports(sources(PACKAGE)) == []


def test_every_room_is_on_the_plan():
    assert unknown_rooms(sources(PACKAGE)) == set()


def test_no_file_has_two_subjects():
    assert too_long(sources(PACKAGE, "tests", "bench")) == []


# The checker ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("study/scoring.py", "import flask"),
        ("study/scoring.py", "from flask import Flask"),
        ("study/scoring.py", "import numpy"),
        ("study/scoring.py", "from ..store import tables"),
        ("study/scoring.py", "from surveyapp.texts import words"),
        ("study/scoring.py", "from .. import services"),
        ("study/scoring.py", "def f():\n    import flask"),
        ("study/scoring.py", "if TYPE_CHECKING:\n    from ..web.app import App"),
        ("texts.py", "from .study import scoring"),
        ("store/tables.py", "import surveyapp.reports.pdf"),
        ("store/migrations/env.py", "from ...services import site"),
        ("delivery/email.py", "from ..store import database"),
        ("services/answering.py", "from sqlmodel import select"),
        ("services/answering.py", "import sqlalchemy.orm as orm"),
        ("services/prompting.py", "import smtplib"),
        ("services/reporting.py", "import weasyprint"),
        ("services/site.py", "from ..web.app import create_app"),
        ("web/app.py", "from ..worker import run"),
        ("web/app.py", "import sqlalchemy"),
        ("worker.py", "import flask_wtf"),
        ("worker.py", "from .demo import seed"),
        ("cli/serve.py", "from apscheduler.schedulers import base"),
        ("cli/serve.py", "import flask"),
    ],
)
def test_the_checker_finds(file, line):
    assert len(wrong_imports([(f"{PACKAGE}/{file}", line)])) == 1


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("study/scoring.py", "import math\nfrom collections.abc import Mapping"),
        ("study/scoring.py", "from __future__ import annotations\nfrom .instrument import Item"),
        ("study/scoring.py", "from . import instrument"),
        ("texts.py", "from .resources import resource"),
        ("store/tables.py", "from sqlmodel import SQLModel\nfrom ..study.record import Dose"),
        ("store/migrations/env.py", "from ..tables import metadata"),
        ("services/site.py", "from ..store import database\nfrom . import errors"),
        ("web/staff/__init__.py", "from flask import Blueprint\nfrom ...services import overview"),
        ("worker.py", "import apscheduler\nfrom .services import prompting"),
        ("demo/__init__.py", "from ..web.app import create_app\nfrom ..worker import run"),
        ("cli/serve.py", "from ..web import app\nfrom ..worker import run\nfrom ..demo import go"),
        ("__init__.py", "from surveyapp.web import app"),
    ],
)
def test_the_checker_allows(file, line):
    assert wrong_imports([(f"{PACKAGE}/{file}", line)]) == []


@pytest.mark.parametrize(
    ("file", "hidden"),
    [
        ("study/scoring.py", True),
        ("services/site.py", True),
        ("web/app.py", True),
        ("services/exchange.py", False),
        ("reports/pdf.py", False),
        ("cli/serve.py", False),
    ],
)
def test_imports_inside_functions(file, hidden):
    text = "async def f():\n    def g():\n        from os import path"
    assert bool(hidden_imports([(f"{PACKAGE}/{file}", text)])) is hidden
    assert hidden_imports([(f"{PACKAGE}/{file}", "if True:\n    import os")]) == []


def test_a_room_off_the_plan_and_a_long_file_are_found():
    assert unknown_rooms([("surveyapp/helpers/a.py", "")]) == {"helpers"}
    assert too_long([("a.py", "\n" * LONGEST)]) == []
    assert too_long([("a.py", "\n" * (LONGEST + 1))]) == ["a.py has 401 lines"]
