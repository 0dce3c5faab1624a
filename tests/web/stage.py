"""One application over one furnished database, with a browser for each kind of account."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule as Route
from werkzeug.test import TestResponse

from surveyapp.config import Settings, load_keys, make_keys
from surveyapp.services import alert_views
from surveyapp.services.site import Site, assemble
from surveyapp.store.database import Database
from surveyapp.study.library import Library
from surveyapp.web.app import create_app
from tests.browser.conftest import DAY_8
from tests.staffwalk import Values, values
from tests.strangers import OWN, PERSONAS, settle, sign_in, token_in


@dataclass
class Stage:
    """One application over one furnished database, with a browser for each kind of account."""

    app: Flask
    site: Site
    foreign: Values
    browsers: dict[str, FlaskClient] = field(default_factory=dict[str, FlaskClient])
    pages: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])

    @property
    def base(self) -> str:
        return self.site.settings.public_url

    def browser(self, name: str) -> FlaskClient:
        if name not in self.browsers:
            self.browsers[name] = (
                sign_in(self.app, self.site, name) if name in PERSONAS else self.app.test_client()
            )
        return self.browsers[name]

    def ask(
        self, name: str, method: str, path: str, data: Mapping[str, str] | None = None
    ) -> TestResponse:
        browser = self.browser(name)
        return browser.open(path, method=method, base_url=self.base, data=data)

    def token(self, name: str) -> str:
        """The true form token of this browser."""
        start = self.browser(name).get("/staff/", base_url=self.base, follow_redirects=True)
        token = token_in(start.get_data(as_text=True))
        assert token
        return token

    def seen(self, name: str, path: str) -> str:
        """A page as it came the first time, where nothing is changed meanwhile."""
        if (name, path) not in self.pages:
            self.pages[name, path] = self.page(name, path)
        return self.pages[name, path]

    def page(self, name: str, path: str) -> str:
        return self.ask(name, "GET", path).get_data(as_text=True)

    def act(self, name: str, path: str, data: Mapping[str, str]) -> TestResponse:
        """Send a form with its true token."""
        form = {"csrf_token": self.token(name), **data}
        return self.ask(name, "POST", path, form)

    def routes(self) -> Iterator[Route]:
        for rule in self.app.url_map.iter_rules():
            if rule.endpoint.startswith("staff."):
                yield rule

    def path(self, rule: Route, arguments: Values) -> str:
        build = self.app.url_map.bind("localhost").build
        return build(rule.endpoint, {name: arguments[name] for name in rule.arguments})


@pytest.fixture(scope="module")
def stage(
    tmp_path_factory: pytest.TempPathFactory, migrated_file: Path, library: Library
) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("rules")
    settings = Settings(data_dir=folder / "data", public_url="https://checkin.example.org")
    make_keys(settings)
    shutil.copy(migrated_file, folder / "surveyapp.db")
    database = Database(f"sqlite:///{folder / 'surveyapp.db'}")
    site = assemble(settings, load_keys(settings), database, library)
    foreign = settle(site)
    yield Stage(create_app(site, lambda: DAY_8), site, foreign)
    database.close()


@pytest.fixture(scope="module")
def own(stage: Stage) -> dict[str, Values]:
    """The arguments of every staff page's address, of what the demo has."""
    usual, special = values(stage.site)
    usual["alert_id"] = alert_views.listed(stage.site, frozenset(OWN))[0].id
    usual["alert_id"] = alert_views.listed(stage.site, frozenset(OWN))[0].id
    return {r.endpoint: {**usual, **special.get(r.endpoint, {})} for r in stage.routes()}
