"""The demo as a newcomer meets it: two lines, a sign-in, the clock, the inbox, and its end."""

from __future__ import annotations

import http.cookiejar
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).parent / "surveyapp"


class Demo:
    """A running `surveyapp demo` and a browser without script."""

    def __init__(self, *arguments: str, **env: str) -> None:
        words = [str(COMMAND), "demo", "--port", "0", *arguments]
        self.process = subprocess.Popen(
            words, stdout=subprocess.PIPE, text=True, env={"PATH": os.environ["PATH"], **env}
        )
        assert self.process.stdout is not None
        self.lines: list[str] = []
        for line in self.process.stdout:
            self.lines.append(line.strip())
            if line.startswith("staff:"):
                break
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(cookies)

    @property
    def staff(self) -> tuple[str, str, str]:
        url, email, password = self.lines[-1].removeprefix("staff: ").split()
        return url, email, password

    def get(self, path: str) -> str:
        address = urllib.parse.urljoin(self.staff[0], path)
        with self._opener.open(address, timeout=30) as answer:
            return answer.read().decode()

    def post(self, page: str, path: str, **fields: str) -> str:
        """Send a form of a page with its CSRF token; the page it leads to."""
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(page))
        assert token is not None
        body = urllib.parse.urlencode({"csrf_token": token[1], **fields}).encode()
        address = urllib.parse.urljoin(self.staff[0], path)
        with self._opener.open(address, body, timeout=60) as answer:
            return answer.read().decode()

    def sign_in(self) -> str:
        url, email, password = self.staff
        return self.post("sign-in", f"{url}sign-in", email=email, password=password)

    def leap(self, target: str) -> str:
        return self.post("/staff/demo/inbox", "/staff/demo/leap", target=target, next="/staff/")

    def stop(self) -> float:
        """Ask it to end; the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=20)
        return time.monotonic() - began


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    nowhere = "postgresql+psycopg://nowhere.invalid/real"
    running = Demo(
        SURVEYAPP_DATA_DIR=str(folder),
        SURVEYAPP_DATABASE_URL=nowhere,
        SURVEYAPP_SECRET_KEY="a real key that the demo must not use",
    )
    yield running
    assert running.stop() < 10
    assert running.process.returncode == 0


def said(page: str) -> str:
    found = re.search(r'<div class="said"[^>]*>(.*?)</div>', page, re.DOTALL)
    return re.sub(r"<[^>]+>", "", found[1]).strip() if found else ""


def mails(page: str) -> int:
    found = re.search(r"Inbox \((\d+)\)", page)
    assert found is not None
    return int(found[1])


def test_it_prints_two_lines_and_the_link_works(demo: Demo) -> None:
    assert [line.partition(":")[0] for line in demo.lines] == ["participant", "staff"]
    assert "Start" in demo.get(demo.lines[0].partition(" ")[2])


def test_the_story_of_the_clock(demo: Demo) -> None:
    """Prompts are played on the way; what is held says why, and goes out once it is confirmed."""
    page = demo.sign_in()
    assert "Next prompt" in page
    assert "wait for the dosing day to be confirmed" in page

    page = demo.leap("prompt")
    first = mails(page)
    assert "4 messages were sent" in said(page)

    held = demo.leap("day-8")
    assert mails(held) == first + 4, "the last reminder of the baseline, on the way"
    stays = demo.leap("prompt")
    assert "the clock stays" in said(stays)

    retreat = re.search(r"/staff/retreats/\d+", held)
    assert retreat is not None
    demo.post(f"{retreat[0]}/confirm", f"{retreat[0]}/confirm")
    page = demo.leap("prompt")
    assert "4 messages were sent" in said(page)

    before = mails(page)
    began = time.monotonic()
    page = demo.leap("week-24")
    assert time.monotonic() - began < 15
    assert mails(page) == before + 8, "two reminders each, and week 24 waits for a person's word"
    assert "Week 24 waits for 4 people" in page


def test_the_inbox_shows_messages_with_links_that_open(demo: Demo) -> None:
    demo.sign_in()
    demo.leap("prompt")
    inbox = demo.get("/staff/demo/inbox")
    link = re.search(r'href="(http://127[^"]+/s/[^"]+)"', inbox)
    assert link is not None
    assert re.search(r"/staff/demo/inbox/1\b", inbox)
    assert "Hello," in demo.get("/staff/demo/inbox/1")
    assert "Open my check-in" in demo.get("/staff/demo/inbox/1/html")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        demo.get("/staff/demo/inbox/9999")
    with pytest.raises(urllib.error.HTTPError, match="400"):
        demo.leap("no-such-day")


def test_strangers_see_no_inbox(demo: Demo) -> None:
    stranger = urllib.request.build_opener()
    with stranger.open(urllib.parse.urljoin(demo.staff[0], "demo/inbox"), timeout=30) as answer:
        assert "sign-in" in answer.url
        assert "Next prompt" not in answer.read().decode()


def test_without_seed_it_is_empty_and_prints_the_staff_line_alone() -> None:
    empty = Demo("--no-seed")
    try:
        assert [line.partition(":")[0] for line in empty.lines] == ["staff"]
        assert "no retreat yet" in (empty.sign_in() and empty.get("/staff/retreats"))
        assert "the clock stays" in said(empty.leap("prompt"))
    finally:
        assert empty.stop() < 10


def refused(*arguments: str, **env: str) -> str:
    done = subprocess.run(
        [COMMAND, "demo", *arguments],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], **env},
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    return done.stderr


def test_it_refuses_a_folder_that_is_not_a_demos(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "precious.txt").write_text("data")
    assert "is not a demo's" in refused("--port", "0", SURVEYAPP_DATA_DIR=str(tmp_path))
    assert (tmp_path / "demo" / "precious.txt").read_text() == "data"


def test_it_refuses_a_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"Port {port} cannot be used" in refused("--port", port)
