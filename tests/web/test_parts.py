"""The parts of the staff pages: each class has a rule, each rule a use, and one page shows all."""

from __future__ import annotations

import re
from pathlib import Path

from flask.testing import FlaskClient

from surveyapp.resources import resource
from surveyapp.services import accounts
from surveyapp.services.exchange import import_folder
from surveyapp.services.site import Site
from surveyapp.web import parts
from surveyapp.web.app import create_app
from tests.web.conftest import DAY_8, Browser, Clock

ROOT = Path(__file__).parents[2]
TEMPLATES = Path(resource("templates"))
CSS = (ROOT / "surveyapp/web/static/staff.css").read_text("utf-8")
COHORT = ROOT / "tests/data/second-retreat"
EMAIL, PASSWORD = "ada@example.org", "a long enough one"

ATTRIBUTE = re.compile(r'class="((?:\{\{.*?\}\}|\{%.*?%\}|[^"])*)"')
COMPARED = re.compile(r"(?:==|!=)\s*([\"']).*?\1|\bin \([^)]*\)")
EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")
LITERAL = re.compile(r"[\"']([^\"']*)[\"']")
SCREENS = "wording-screens.html"
NOT_STYLED = {"qr"}
"""Said by the library that draws it."""


def defined(css: str) -> set[str]:
    """Every class that a selector names."""
    bare = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    return set(re.findall(r"\.([a-zA-Z][\w-]*)", " ".join(re.findall(r"([^{}]+)\{", bare))))


def used(template: str) -> set[str]:
    """Every class that a template may give, whatever its conditions come to."""
    found: set[str] = set()
    for value in ATTRIBUTE.findall(template):
        for expression in EXPRESSION.findall(value):
            found.update(*(w.split() for w in LITERAL.findall(COMPARED.sub("", expression))))
        found.update(EXPRESSION.sub(" ", value).split())
    return found


def used_in(*folders: str) -> set[str]:
    files = (path for folder in folders for path in (TEMPLATES / folder).iterdir())
    files = (path for path in files if path.name != SCREENS)
    return {name for path in files for name in used(path.read_text("utf-8"))}


def drawn() -> set[str]:
    """The words with which the charts name their parts."""
    sources = [*(TEMPLATES / "chart").iterdir(), *(ROOT / "surveyapp/reports").glob("*.py")]
    return {w for path in sources for w in re.findall(r"[\w-]+", path.read_text("utf-8"))}


def in_script() -> set[str]:
    script = (ROOT / "surveyapp/web/static/staff.js").read_text("utf-8")
    return set(re.findall(r'className = "(\w+)"', script))


def test_classes_are_found_within_conditions() -> None:
    template = """<p class="card{{ ' many' if kind == "no" else '' }} {% if x %}sub{% endif %}">"""
    assert used(template) == {"card", "many", "sub"}
    assert defined("/* .no */ .a > b.c:hover { gap: .5rem } @media print { .d-e { } }") == {
        "a",
        "c",
        "d-e",
    }


def test_every_class_of_a_staff_page_is_defined() -> None:
    assert used_in("staff") - defined(CSS) - NOT_STYLED == set()


def test_every_class_of_the_screens_of_a_wording_is_defined() -> None:
    """They wear the phone's own style."""
    styles = ("participant.css", "screens.css")
    css = [(ROOT / "surveyapp/web/static" / name).read_text("utf-8") for name in styles]
    template = (TEMPLATES / "staff" / SCREENS).read_text("utf-8")
    assert used(template) - set().union(*map(defined, css)) == set()


def test_no_class_of_the_style_sheet_is_dead() -> None:
    figures = {name for name in defined(CSS) if re.search(rf"\.figure [^{{]*\.{name}\b", CSS)}
    assert defined(CSS) - used_in("staff") - in_script() - figures == set()
    assert figures - drawn() - used_in("staff") == set()


def test_the_parts_are_made_of_what_pages_use() -> None:
    """The page of parts has nothing of its own but the frames that show colours and sizes."""
    demo = (ROOT / "surveyapp/web/static/demo.css").read_text("utf-8")
    own = {name for name in defined(demo) if name in ("swatch", "bare") or name[:5] == "size-"}
    shown = used((TEMPLATES / "demo/parts.html").read_text("utf-8"))
    assert shown - defined(CSS) == {"swatch", "bare", "size-"}
    assert {f"size-{n}" for n in re.findall(r"--text-(\w+):", CSS)} | {"swatch", "bare"} == own


def test_sizes_and_spaces_are_tokens() -> None:
    rules = re.sub(r":root \{[^}]*\}", "", CSS)
    assert re.findall(r"font-size: [\d.]+rem", rules) == []
    named = set(re.findall(r"--((?:text|space)-\w+):", CSS))
    assert {name for name in named if f"var(--{name})" not in rules} <= {"text-plain"}
    assert set(re.findall(r"var\(--([\w-]+)\)", CSS)) <= set(re.findall(r"--([\w-]+):", CSS))


def sign_in(client: FlaskClient, base_url: str) -> Browser:
    browser = Browser(client, Clock(), base_url)
    form = browser.get("/staff/sign-in").attribute("input", "value", name="csrf_token")
    words = {"csrf_token": form, "email": EMAIL, "password": PASSWORD}
    headers = {"Referer": f"{base_url}/staff/sign-in"}
    done = client.post("/staff/sign-in", data=words, base_url=base_url, headers=headers)
    assert done.status_code == 303
    return browser


def test_the_page_of_parts_is_in_the_demo_alone(sqlite_site: Site, clock: Clock) -> None:
    import_folder(sqlite_site, COHORT, DAY_8)
    token = accounts.ensure_first_account(sqlite_site, EMAIL, DAY_8).token
    accounts.accept_invite(sqlite_site, token, PASSWORD, DAY_8)
    base_url = sqlite_site.settings.public_url
    with create_app(sqlite_site, clock).test_client() as client:
        assert sign_in(client, base_url).get("/staff/parts").status == 404
    demo = create_app(sqlite_site, clock, [parts.make_blueprint(sqlite_site, clock)])
    with demo.test_client() as client:
        assert Browser(client, clock, base_url).get("/staff/parts").heading == "Sign in"
        page = sign_in(client, base_url).get("/staff/parts")
    assert page.heading == "Parts of the staff pages"
    shown = {name for e in page.tree.iter() for name in (e.get("class") or "").split()}
    assert {"figure", "shape", "state", "faults", "empty"} <= shown
