"""backup, backup-key, restore, drill: what an operator types, good and bad."""

from __future__ import annotations

import os
import signal
import stat
import tempfile
from pathlib import Path

import pytest

from surveyapp.cli import main
from surveyapp.services.backup import drill
from surveyapp.services.backup.own import bech32

Out = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation that was set up, in a folder of its own."""
    for name in [n for n in os.environ if n.startswith("SURVEYAPP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SURVEYAPP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SURVEYAPP_KEYS_DIR", str(tmp_path / "keys"))
    assert main(["init"]) == 0
    return tmp_path


@pytest.fixture
def identity(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out) -> Path:
    capsys.readouterr()
    assert main(["backup-key", "new", "-o", str(home / "identity.txt")]) == 0
    monkeypatch.setenv("SURVEYAPP_BACKUP_KEY", capsys.readouterr().out.strip())
    return home / "identity.txt"


def test_a_key_is_made_once_outside_the_data_for_its_owner_alone(home: Path, capsys: Out) -> None:
    path = home / "identity.txt"
    capsys.readouterr()
    assert main(["backup-key", "new", "-o", str(path)]) == 0
    public = capsys.readouterr().out.strip()
    assert public.startswith("age1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_text()
    assert f"# public key: {public}\nAGE-SECRET-KEY-1" in before
    assert main(["backup-key", "new", "-o", str(path)]) == 2
    assert path.read_text() == before
    assert main(["backup-key", "new", "-o", str(home / "data" / "identity.txt")]) == 2
    assert not (home / "data" / "identity.txt").exists()
    assert main(["backup-key", "new", "-o", str(home / "nowhere" / "identity.txt")]) == 1
    assert "No such file" in capsys.readouterr().err


def test_backup_and_restore_elsewhere(
    home: Path, identity: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    file = str(home / "b.age")
    assert main(["backup", file]) == 0
    told = capsys.readouterr()
    assert len(told.out.strip()) == 64
    assert "1 events" in told.err
    assert main(["drill", "--identity", str(identity), file]) == 0
    assert "restored whole" in capsys.readouterr().out
    assert main(["restore", file, "--identity", str(identity)]) == 2
    assert "There is: " in capsys.readouterr().err
    monkeypatch.setenv("SURVEYAPP_DATA_DIR", str(home / "new"))
    assert main(["restore", file]) == 2
    assert main(["restore", file, "--identity", str(identity)]) == 0
    told = capsys.readouterr()
    assert len(told.out.strip()) == 64
    assert "messages are held" in told.err
    assert main(["audit", "verify"]) == 0
    assert "3 events" in capsys.readouterr().err


def test_without_a_key_the_installation_s_own_opens_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    file = home / "b"
    assert main(["backup", str(file)]) == 0
    assert "only this installation's own keys" in capsys.readouterr().err
    assert file.read_bytes().startswith(b"age-encryption.org/")
    monkeypatch.setenv("SURVEYAPP_DATA_DIR", str(home / "new"))
    other = "another secret key of more than 32 characters"
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("SURVEYAPP_SECRET_KEY", other)
        assert main(["restore", str(file)]) == 2
    assert "--identity" in capsys.readouterr().err
    assert main(["restore", str(file)]) == 0
    assert main(["audit", "verify"]) == 0


def test_a_backup_may_be_left_unencrypted(home: Path) -> None:
    assert main(["backup", str(home / "b"), "--unencrypted"]) == 0
    assert (home / "b").read_bytes()[:2] == b"\x1f\x8b"


def test_bytes_are_written_as_bech32_is_published() -> None:
    """The valid strings of BIP 173."""
    assert bech32("a", b"") == "a12uel5l"
    words = bytes.fromhex("00443214c74254b635cf84653a56d7c675be77df")
    assert bech32("abcdef", words) == "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw"


@pytest.mark.parametrize(
    ("key", "words"),
    [("age1nonsense", "begins with age1"), ("AGE-SECRET-KEY-1X", "That is the private key")],
)
def test_a_wrong_public_key(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out, key: str, words: str
) -> None:
    monkeypatch.setenv("SURVEYAPP_BACKUP_KEY", key)
    assert main(["backup", str(home / "b")]) == 2
    assert words in capsys.readouterr().err


def test_a_damaged_file_and_a_wrong_place(
    home: Path, identity: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    file = home / "b.age"
    assert main(["backup", str(file)]) == 0
    assert main(["backup", str(file)]) == 2
    assert main(["backup", str(home / "nowhere" / "b")]) == 2
    file.write_bytes(file.read_bytes()[:-1])
    monkeypatch.setenv("SURVEYAPP_DATA_DIR", str(home / "new"))
    for command in ("restore", "drill"):
        assert main([command, "--identity", str(identity), str(file)]) == 1
        assert "cut short" in capsys.readouterr().err
    assert not (home / "new").exists()
    assert main(["restore", "--identity", str(file), str(file)]) == 2


def test_lost_keys_must_be_said(
    home: Path, identity: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    file = str(home / "b.age")
    assert main(["backup", file]) == 0
    monkeypatch.setenv("SURVEYAPP_DATA_DIR", str(home / "new"))
    monkeypatch.setenv("SURVEYAPP_KEYS_DIR", str(home / "new-keys"))
    assert main(["restore", file, "--identity", str(identity)]) == 2
    assert "Put the keys back first" in capsys.readouterr().err
    assert main(["restore", file, "--identity", str(identity), "--other-keys"]) == 0
    assert "no longer work" in capsys.readouterr().err


def test_a_drill_that_is_ended_leaves_nothing(
    home: Path, identity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies in its folder is not encrypted."""
    file = str(home / "b.age")
    assert main(["backup", file]) == 0
    (home / "while").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(home / "while"))

    def ended(*_given: object) -> None:
        assert list((home / "while").rglob("database"))
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(drill, "check", ended)
    with pytest.raises(SystemExit) as left:
        main(["drill", "--identity", str(identity), file])
    assert left.value.code == 128 + signal.SIGTERM
    assert list((home / "while").iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_the_database_is_its_owner_s_alone(
    home: Path, identity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in a folder that somebody made for all to read."""
    (home / "open").mkdir(mode=0o755)
    monkeypatch.setenv("SURVEYAPP_DATA_DIR", str(home / "open"))
    assert main(["init"]) == 0
    assert main(["backup", str(home / "b.age")]) == 0
    (home / "new").mkdir(mode=0o755)
    monkeypatch.setenv("SURVEYAPP_DATA_DIR", str(home / "new"))
    assert main(["restore", str(home / "b.age"), "--identity", str(identity)]) == 0
    for name in ("open", "new"):
        mode = (home / name / "surveyapp.db").stat().st_mode
        assert stat.S_IMODE(mode) == 0o600, name


def test_the_newest_is_drilled(
    home: Path, identity: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    assert main(["drill", "--identity", str(identity)]) == 2
    assert "SURVEYAPP_BACKUP_DIR" in capsys.readouterr().err
    monkeypatch.setenv("SURVEYAPP_BACKUP_DIR", str(home / "backups"))
    assert main(["drill", "--identity", str(identity)]) == 1
    (home / "backups").mkdir()
    assert main(["drill", "--identity", str(identity)]) == 2
    assert "There is no backup in" in capsys.readouterr().err
    for day in (1, 2):
        name = f"surveyapp-2027030{day}T020000Z.age"
        assert main(["backup", str(home / "backups" / name)]) == 0
    capsys.readouterr()
    assert main(["drill", "--identity", str(identity)]) == 0
    assert capsys.readouterr().out.startswith("surveyapp-20270302T020000Z.age restored whole")
