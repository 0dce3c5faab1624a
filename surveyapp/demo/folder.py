"""The demo's folder: its own, marked as such, and begun anew each time."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ..config import Settings
from ..services.errors import SetupError

MARKER = ".surveyapp-demo"


@contextmanager
def demo_folder(data_dir: Path | None) -> Generator[Path]:
    """`data_dir`/demo, emptied; without a data folder a temporary one that goes at the end.

    Raises SetupError for a folder that holds something and is not marked as a demo's, and for
    one that another demo is using.
    """
    if data_dir is None:
        with tempfile.TemporaryDirectory(prefix="surveyapp-demo-") as name:
            yield Path(name)
        return
    folder = data_dir / "demo"
    _refuse_foreign(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / MARKER).open("a") as marker:
        try:
            fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SetupError(f"Another demo is using {folder}.") from None
        _empty(folder)
        yield folder


def chosen_data_dir(environment: Mapping[str, str] = os.environ) -> Path | None:
    """DATA_DIR if it is set; a demo leaves nothing behind otherwise."""
    name = environment.get("SURVEYAPP_DATA_DIR")
    return Path(name) if name else None


def demo_settings(folder: Path, public_url: str, smtp_url: str) -> Settings:
    """Settings in which nothing of a real installation is left: no database, keys or servers."""
    return Settings(
        database_url=f"sqlite:///{folder / 'surveyapp.db'}",
        public_url=public_url,
        data_dir=folder,
        keys_dir=folder / "keys",
        secret_key="",
        contact_keys="",
        smtp_url=smtp_url,
        sms_url="",
        ping_url="",
        mail_from="checkin@example.org",
        site_name="Check-ins",
        trusted_proxies=0,
        backup_dir=None,
        backup_key="",
        drill_identity=None,
        head_mail="",
        head_dir=None,
        ledger_dir=folder / "ledger",
    )


def _refuse_foreign(folder: Path) -> None:
    if not folder.exists() or (folder / MARKER).is_file():
        return
    if not folder.is_dir() or any(folder.iterdir()):
        raise SetupError(
            f"{folder} holds something that is not a demo's. Move it away, or set"
            " SURVEYAPP_DATA_DIR to another folder."
        )


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != MARKER:
            path.unlink()
