"""init, serve, worker, audit verify: what an operator meets, good and bad."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from surveyapp.cli import main
from tests.waiting import wait_for
from tests.world import free_port


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation's folder of its own; nothing set but the data folder and the address."""
    for name in [n for n in os.environ if n.startswith("SURVEYAPP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SURVEYAPP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SURVEYAPP_PUBLIC_URL", "http://127.0.0.1:8000")
    return tmp_path


def test_init_makes_everything_and_again_changes_nothing(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init"]) == 0
    first = capsys.readouterr()
    assert first.out.startswith("http://127.0.0.1:8000/staff/welcome/")
    keys = {p.name: p.read_bytes() for p in (home / "data-keys").iterdir()}
    assert set(keys) == {"secret_key", "contact_keys"}
    assert all(p.stat().st_mode & 0o077 == 0 for p in (home / "data-keys").iterdir())
    assert main(["init"]) == 0
    assert capsys.readouterr().out == first.out
    assert {p.name: p.read_bytes() for p in (home / "data-keys").iterdir()} == keys


def test_init_refuses_a_wrong_address(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--email", "not an address"]) == 2
    assert capsys.readouterr().out == ""


def test_the_way_back_in_is_a_fresh_link_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", "--email", "ada@example.org"])
    links = {capsys.readouterr().out}
    for way in ("link", "unlock"):
        assert main(["account", way, "ADA@example.org"]) == 0
        said = capsys.readouterr()
        assert said.out.startswith("http://127.0.0.1:8000/staff/welcome/")
        assert "ada@example.org" in said.err
        links.add(said.out)
    assert len(links) == 3
    assert main(["account", "link", "bob@example.org"]) == 2
    assert capsys.readouterr().out == ""
    assert main(["audit", "verify"]) == 0


def test_audit_verify_prints_a_head_or_the_first_bad_row(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init"])
    capsys.readouterr()
    assert main(["audit", "verify"]) == 0
    assert len(capsys.readouterr().out.strip()) == 64
    database = sqlite3.connect(home / "data" / "surveyapp.db")
    database.execute("DROP TRIGGER event_no_update")
    database.execute("UPDATE event SET actor = 'somebody else'")
    database.commit()
    database.close()
    assert main(["audit", "verify"]) == 1
    assert "its header was changed" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["audit", "verify"], ["serve"], ["worker"]])
def test_before_init_every_command_says_to_run_it(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command) == 2
    assert "surveyapp init" in capsys.readouterr().err


def test_a_missing_database_is_not_made_by_accident(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init"])
    (home / "data" / "surveyapp.db").unlink()
    assert main(["audit", "verify"]) == 2
    assert "There is no database" in capsys.readouterr().err
    assert not (home / "data" / "surveyapp.db").exists()


def test_a_newer_database_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init"])
    database = sqlite3.connect(home / "data" / "surveyapp.db")
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.commit()
    database.close()
    for command in (["init"], ["audit", "verify"]):
        assert main(command) == 2
        assert "newer than this program" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_without_a_public_address_the_two_processes_do_not_start(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init"])
    monkeypatch.delenv("SURVEYAPP_PUBLIC_URL")
    capsys.readouterr()
    assert main([command]) == 2
    assert "SURVEYAPP_PUBLIC_URL" in capsys.readouterr().err


def test_wrong_settings_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SURVEYAPP_TRUSTED_PROXIES", "many")
    assert main(["init"]) == 2
    assert "SURVEYAPP_TRUSTED_PROXIES is wrong" in capsys.readouterr().err
    monkeypatch.setenv("SURVEYAPP_TRUSTED_PROXIES", "1")
    monkeypatch.setenv("SURVEYAPP_SECRET_KEY", "short")
    assert main(["init"]) == 2
    assert "too short" in capsys.readouterr().err


def test_serve_and_worker_run_and_end_on_sigterm(home: Path) -> None:
    main(["init"])
    port = free_port()
    surveyapp = [
        sys.executable,
        "-c",
        "import sys; from surveyapp.cli import main; sys.exit(main())",
    ]
    with (home / "log").open("wb") as log:
        processes = [
            subprocess.Popen([*surveyapp, "serve", "--bind", f"127.0.0.1:{port}"], stderr=log),
            subprocess.Popen([*surveyapp, "worker"], stderr=log),
        ]
        try:
            wait_for(lambda: status(f"http://127.0.0.1:{port}/healthz?worker=1") == 200)
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
        assert [process.wait(10) for process in processes] == [0, 0]
    lines = (home / "log").read_text()
    assert '"route": "/healthz"' in lines
    assert "Traceback" not in lines


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0
