"""The trail's head goes out once a day, to a folder and to a real mail server."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import instance, trailheads
from surveyapp.services.headkeeping import keep_head, kept_heads
from surveyapp.services.site import Site
from tests.conftest import NOON
from tests.world import MailServer, add_course

FILE = "trail-head-2027-03-01.json"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def kept_outside(site: Site, folder: Path | None, mail: str = "dpo@example.org") -> Site:
    settings = site.settings.model_copy(update={"head_dir": folder, "head_mail": mail})
    add_course(site)
    return dataclasses.replace(site, settings=settings)


def test_one_file_and_one_message_a_day(site: Site, server: MailServer, tmp_path: Path) -> None:
    here, mailer = kept_outside(site, tmp_path / "outside"), SmtpMailer(server.url)
    for minutes in (0, 1, 90):
        keep_head(here, mailer, NOON + timedelta(minutes=minutes))
    assert [p.name for p in (tmp_path / "outside").iterdir()] == [FILE]
    (message,) = server.sink.messages
    heads = trailheads.read_file(tmp_path / "outside" / FILE)
    assert message["To"] == "dpo@example.org"
    assert f"Head: {heads.head}" in message.get_content()
    assert f"File: {FILE}" in message.get_content()
    assert trailheads.verify(here, heads).fault is None
    keep_head(here, mailer, NOON + timedelta(days=1))
    assert len(server.sink.messages) == 2
    assert [h.mailed_at is not None for h in kept_heads(here)] == [True, True]
    assert "P-01" not in (tmp_path / "outside" / FILE).read_text() + message.as_string()


def test_nothing_is_done_where_nothing_is_set(sqlite_site: Site, server: MailServer) -> None:
    keep_head(sqlite_site, SmtpMailer(server.url), NOON)
    assert kept_heads(sqlite_site) == []


def test_a_message_is_tried_until_it_is_taken(
    sqlite_site: Site, server: MailServer, tmp_path: Path
) -> None:
    here, mailer = kept_outside(sqlite_site, tmp_path / "outside"), SmtpMailer(server.url)
    server.sink.answer = lambda _: "451 later"
    keep_head(here, mailer, NOON)
    keep_head(here, mailer, NOON + timedelta(minutes=1))
    assert "not mailed" in kept_heads(here)[0].trouble
    server.sink.answer = lambda _: "250 OK"
    keep_head(here, mailer, NOON + timedelta(minutes=11))
    assert len(server.sink.messages) == 1
    assert kept_heads(here)[0].trouble == ""


def test_a_folder_that_cannot_be_written_is_told_and_tried_again(
    sqlite_site: Site, server: MailServer, tmp_path: Path
) -> None:
    folder = tmp_path / "outside"
    folder.write_text("a file stands here")
    here, mailer = kept_outside(sqlite_site, folder, mail=""), SmtpMailer(server.url)
    keep_head(here, mailer, NOON)
    (kept,) = kept_heads(here)
    assert (kept.file, "cannot be written" in kept.trouble) == ("", True)
    folder.unlink()
    keep_head(here, mailer, NOON + timedelta(minutes=11))
    (kept,) = kept_heads(here)
    assert (kept.file, kept.trouble) == (FILE, "")


def test_a_file_that_is_there_is_never_written_over(
    sqlite_site: Site, server: MailServer, tmp_path: Path
) -> None:
    (tmp_path / FILE).write_text("from elsewhere")
    here = kept_outside(sqlite_site, tmp_path, mail="")
    keep_head(here, SmtpMailer(server.url), NOON)
    assert (tmp_path / FILE).read_text() == "from elsewhere"
    assert json.loads((tmp_path / "trail-head-2027-03-01-2.json").read_text())["events"] == 1


def test_a_restored_copy_that_is_held_mails_nothing(
    sqlite_site: Site, server: MailServer, tmp_path: Path
) -> None:
    here, mailer = kept_outside(sqlite_site, tmp_path / "outside"), SmtpMailer(server.url)
    instance.hold(here, "by hand", "restored", actor="staff:1", now=NOON)
    keep_head(here, mailer, NOON)
    assert server.sink.messages == []
    assert "messages are held" in kept_heads(here)[0].trouble


@pytest.mark.parametrize("mail", ["no address", "x@y@z", "a\r\nBcc: b@example.org"])
def test_an_address_that_is_none_is_told(sqlite_site: Site, server: MailServer, mail: str) -> None:
    here = kept_outside(sqlite_site, None, mail)
    keep_head(here, SmtpMailer(server.url), NOON)
    assert "SURVEYAPP_HEAD_MAIL" in kept_heads(here)[0].trouble
    assert server.sink.messages == []
