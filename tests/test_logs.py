"""Logs go to whatever stderr is now; one that was closed meanwhile harms nobody."""

from __future__ import annotations

import contextlib
import io
import json

import pytest
import structlog

from surveyapp.logs import start_logging


def test_a_closed_stderr_does_not_fail_the_next_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = structlog.get_config()
    try:
        closed = io.StringIO()
        with contextlib.redirect_stderr(closed):
            start_logging()
            structlog.get_logger("web").info("one")
        closed.close()
        structlog.get_logger("web").info("two", status=200)
    finally:
        structlog.configure(**before)
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["status"]) == ("two", 200)
