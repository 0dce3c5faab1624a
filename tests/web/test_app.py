"""The frame around every page: headers, health, errors, limits, logs."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from datetime import timedelta

import pytest
import structlog
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from surveyapp.services.health import beat
from surveyapp.services.site import Site
from surveyapp.web.app import HEADERS, create_app
from tests.web.conftest import Browser, Clock

HTTPS = "https://checkin.example.org"


@pytest.fixture
def client(sqlite_site: Site, clock: Clock) -> Generator[FlaskClient]:
    with create_app(sqlite_site, clock).test_client() as client:
        yield client


def get(client: FlaskClient, path: str, **headers: str) -> TestResponse:
    return client.get(path, base_url=HTTPS, headers=headers)


@pytest.mark.parametrize("path", ["/healthz", "/s/unknown", "/nothing", "/staff/sign-in"])
def test_every_answer_carries_the_security_headers(client: FlaskClient, path: str) -> None:
    response = get(client, path)
    assert {name: response.headers[name] for name in HEADERS} == HEADERS
    assert response.headers["Cache-Control"] == "no-store"
    assert "max-age" in response.headers["Strict-Transport-Security"]


def test_nothing_inline_and_nothing_foreign_may_run() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert policy.startswith("default-src 'none'")


def test_static_files_are_kept_under_their_hash(browser: Browser) -> None:
    page = browser.get("/nothing/here")
    style = page.attribute("link", "href", rel="stylesheet")
    assert "?v=" in style
    response = browser.client.get(style, base_url=HTTPS)
    assert response.status_code == 200
    assert "max-age=31536000" in response.headers["Cache-Control"]
    response.close()


def test_health_tells_of_database_and_worker(
    client: FlaskClient, sqlite_site: Site, clock: Clock
) -> None:
    assert get(client, "/healthz").get_json() == {
        "database": "ok",
        "worker": "silent",
        "last_tick": None,
        "backups": "off",
    }
    assert get(client, "/healthz").status_code == 200
    assert get(client, "/healthz?worker=1").status_code == 503
    beat(sqlite_site, "w", clock.now)
    assert get(client, "/healthz?worker=1").status_code == 200
    assert get(client, "/healthz").get_json()["last_tick"] == clock.now.isoformat()
    clock.now += timedelta(minutes=2, seconds=1)
    assert get(client, "/healthz?worker=1").status_code == 503


def test_a_database_that_is_away_is_503_and_says_so(settings, keys, library, clock) -> None:  # type: ignore[no-untyped-def]
    from surveyapp.services.site import assemble
    from surveyapp.store.database import Database

    database = Database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    with create_app(assemble(settings, keys, database, library), clock).test_client() as client:
        assert get(client, "/healthz").status_code == 503
        response = get(client, "/s/whatever")
    assert response.status_code == 503
    assert "not available just now" in response.text
    assert "127.0.0.1" not in response.text


def test_an_unknown_address_is_a_kind_page(browser: Browser) -> None:
    page = browser.get("/no/such/page")
    assert page.status == 404
    assert "There is nothing at this address." in page.text


@pytest.mark.parametrize("digits", [10, 23, 3000, 5000])
def test_a_number_that_no_database_holds_names_nothing(
    sqlite_site: Site, clock: Clock, digits: int
) -> None:
    app = create_app(sqlite_site, clock)
    rules = [rule.rule for rule in app.url_map.iter_rules() if "<int:" in rule.rule]
    assert "/staff/retreats/<int:retreat_id>/rehearsal" in rules
    paths = [re.sub("<int:.*?>", "9" * digits, rule) for rule in rules]
    with app.test_client() as client:
        answers = {get(client, re.sub("<.*?>", "x", path)).status_code for path in paths}
    assert answers == {404}


def test_a_body_that_is_too_large_is_refused(browser: Browser) -> None:
    page = browser.post("/s/unknown", data={"w": "x" * 70_000})
    assert page.status in (404, 413)
    assert browser.deliver("/q/none/answers", {"w": "x" * 70_000}).status_code == 413
    ten_megabytes = browser.post("/q/none/hads", {"w": "x" * 10_000_000})
    assert ten_megabytes.status == 413
    assert "That was too much to take at once. Nothing was changed." in ten_megabytes.text


def test_a_foreign_host_name_is_refused(client: FlaskClient) -> None:
    assert client.get("/healthz", base_url="https://evil.example").status_code == 400
    assert client.get("/healthz", base_url="http://127.0.0.1:8000").status_code == 200


def test_an_error_of_ours_shows_nothing_of_itself(sqlite_site: Site, clock: Clock) -> None:
    app = create_app(sqlite_site, clock)

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("secret detail")

    with structlog.testing.capture_logs() as lines, app.test_client() as client:
        response = get(client, "/broken")
    assert response.status_code == 500
    assert "secret detail" not in response.text + json.dumps(lines)
    assert [line["kind"] for line in lines if "kind" in line] == ["RuntimeError"]


def test_logs_name_routes_never_addresses(client: FlaskClient) -> None:
    with structlog.testing.capture_logs() as lines:
        get(client, "/s/SECRET-TOKEN?code=P-01")
        get(client, "/nothing/SECRET-TOKEN")
    assert {line["route"] for line in lines} == {"/s/<token>", "None"}
    assert "SECRET-TOKEN" not in json.dumps(lines)
    assert "P-01" not in json.dumps(lines)
