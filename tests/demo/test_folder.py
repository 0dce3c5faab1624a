"""The demo's settings: nothing of a real installation is left in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyapp.config import Settings
from surveyapp.demo.folder import demo_settings

KEPT = {"instruments_dir", "paper", "backup_hours"}
"""What a demo may take from the environment: the shelf that is shown, and what reaches nobody."""


def test_no_real_server_folder_or_key_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in Settings.model_fields.keys() - KEPT:
        value = "7" if name == "trusted_proxies" else "/real/place"
        monkeypatch.setenv(f"SURVEYAPP_{name.upper()}", value)
    demo = demo_settings(tmp_path, "http://127.0.0.1:8000", "smtp://127.0.0.1:2525")
    assert "/real/place" not in str(demo.model_dump())
    assert demo.trusted_proxies == 0
    assert demo.ledger_folder.is_relative_to(tmp_path)
