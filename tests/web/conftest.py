"""A browser without script: it keeps cookies, follows links, and checks every page it is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import html5lib
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from surveyapp.services import passwords
from surveyapp.services.site import Site
from surveyapp.web import inline
from surveyapp.web.app import POLICY, create_app
from tests.cheap import CheapHasher

from .stage import own as own
from .stage import stage as stage

DAY_8 = datetime(2027, 3, 28, 9, tzinfo=UTC)
Element = Any


@dataclass
class Clock:
    """The time that the application is told."""

    now: datetime = DAY_8

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Page:
    """A page that passed the checks, with the parts that tests ask for."""

    response: TestResponse
    tree: Element

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def path(self) -> str:
        return self.response.request.path

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.tree.itertext()).split())

    @property
    def heading(self) -> str:
        return " ".join("".join(self.tree.find(".//h1").itertext()).split())

    def all(self, tag: str) -> list[Element]:
        return list(self.tree.iter(tag))

    def attribute(self, tag: str, name: str, /, **wanted: str) -> str:
        """The attribute of the first element with this tag that has what is wanted."""
        return next(
            e.get(name)
            for e in self.all(tag)
            if all(e.get(key) == value for key, value in wanted.items())
        )


@dataclass
class Browser:
    """Checks of every page: HTML5 without an error, one h1 that the title repeats, ids that are
    unique, labels for fields, nothing inline but our own style and script, the policy, and nothing
    kept in caches."""

    client: FlaskClient
    clock: Clock
    base_url: str
    seen: list[str] = field(default_factory=list[str])

    def get(self, path: str) -> Page:
        return self._page(self.client.get(path, base_url=self.base_url, follow_redirects=True))

    def post(self, path: str, data: Any = None) -> Page:
        if path.startswith("/s/") and data is None:
            data = {"notice": "0"}  # what Start sends: the built-in data notice was read
        return self._page(
            self.client.post(path, data=data, base_url=self.base_url, follow_redirects=True)
        )

    def deliver(self, path: str, body: Any) -> TestResponse:
        """What the script sends."""
        return self.client.post(path, json=body, base_url=self.base_url)

    def _page(self, response: TestResponse) -> Page:
        parser = html5lib.HTMLParser(strict=False, namespaceHTMLElements=False)
        tree = parser.parse(response.get_data(as_text=True))
        assert parser.errors == []
        page = Page(response, tree)
        check(page)
        self.seen.append(response.request.path)
        return page


def check(page: Page) -> None:
    headers = page.response.headers
    assert headers["Content-Security-Policy"] == POLICY
    assert headers["Cache-Control"] == "no-store"
    assert len(page.all("h1")) == 1
    assert page.heading in "".join(page.tree.find(".//title").itertext())
    ids = Counter(e.get("id") for e in page.tree.iter() if e.get("id"))
    assert [name for name, count in ids.items() if count > 1] == []
    assert [e.text for e in page.all("style")] in ([], [inline.STYLE])
    assert [e.text for e in page.all("script") if not e.get("src")] in ([], [inline.SCRIPT])
    assert [a for e in page.tree.iter() for a in e.attrib if a == "style" or a[:2] == "on"] == []
    assert page.tree.get("lang")


@pytest.fixture(autouse=True)
def _cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nearly every test signs in; what a hash costs is no matter here."""
    monkeypatch.setattr(passwords, "_hasher", CheapHasher())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def browser(sqlite_site: Site, clock: Clock) -> Generator[Browser]:
    app = create_app(sqlite_site, clock)
    app.testing = True
    with app.test_client() as client:
        yield Browser(client, clock, sqlite_site.settings.public_url)
