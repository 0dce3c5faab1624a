"""What is shipped: the wheel carries its data; no tracked file names a machine or a registry."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOT_OURS = {
    "a package index": re.compile(
        r"--(extra-)?index-url|--find-links|--trusted-host|://[^\s\"')]*/simple(/|\"|\s|$)"
    ),
    "a registry's host": re.compile(
        r"pypi\.org|pythonhosted\.org|registry\.npmjs|\"resolved\": \"http|registry = \"http"
    ),
    "a path of one machine": re.compile(r"(^|[^\w.])/(work|farm|root)/", re.MULTILINE),
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without a network and unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(folder), str(ROOT)],
        check=True,
        env={"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PATH": ""},
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


@pytest.mark.parametrize("name", ["instruments", "templates"])
def test_the_wheel_carries(installed, name):
    packed, own = installed / "surveyapp/_data" / name, ROOT / name
    files = {path.relative_to(own) for path in own.rglob("*") if path.is_file()}
    assert {path.relative_to(packed) for path in packed.rglob("*") if path.is_file()} == files


def test_the_wheel_carries_every_file_of_the_package(installed):
    tracked = git("ls-files", "surveyapp").split()
    assert [name for name in tracked if not (installed / name).is_file()] == []


def test_an_installed_copy_works_from_any_folder(installed, tmp_path):
    program = "import sys; from surveyapp.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", program, "score", "ratings", "--values", "3,4"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"},
        check=True,
    )
    assert json.loads(done.stdout)["scales"]["pain"]["value"] == 3


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("what", NOT_OURS)
def test_no_tracked_file_names(what):
    own = Path(__file__).name
    names = [n for n in git("ls-files", "-z").split("\0") if n and not n.endswith(own)]
    texts = {n: (ROOT / n).read_bytes() for n in names if (ROOT / n).is_file()}
    found = [n for n, raw in texts.items() if NOT_OURS[what].search(raw.decode("latin-1"))]
    assert found == []


def test_requirements_are_pinned_and_hashed():
    for name in ("requirements.txt", "requirements-dev.txt"):
        pins = (ROOT / name).read_text().replace("\\\n", " ").splitlines()
        lines = [line for line in pins if line and not line.startswith("#")]
        assert lines
        assert [x for x in lines if "==" not in x or "--hash=sha256:" not in x] == []
