"""A browser without script: it keeps cookies, follows links, and sends the forms that it finds."""

from __future__ import annotations

import http.cookiejar
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import html5lib

Field = tuple[str, str]


def text_of(element: Element) -> str:
    """The text inside, each run of white space as one space."""
    return " ".join("".join(element.itertext()).split())


@dataclass
class Form:
    """A form as it stands on the page: its present values, and what each field offers."""

    action: str
    method: str
    values: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    offered: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    buttons: dict[str, Field | None] = field(default_factory=dict[str, Field | None])

    def fill(self, name: str, value: str) -> None:
        """Type into a field, or choose one of its options."""
        assert name in self.offered, f"{name} is not in this form: {sorted(self.offered)}"
        self.values[name] = [value]

    def choose(self, name: str, position: int) -> None:
        """The option at a position, from 0."""
        self.fill(name, self.offered[name][position])

    def body(self, button: str) -> bytes:
        pairs = [(name, value) for name, values in self.values.items() for value in values]
        pressed = self.buttons[button]
        return urllib.parse.urlencode(pairs + ([pressed] if pressed else [])).encode()


class PlainBrowser:
    """One device of one person: the page it shows, and what can be done there."""

    def __init__(self) -> None:
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(cookies)
        self.url = ""
        self.body = b""
        self._page = Element("html")

    def open(self, address: str, body: bytes | None = None) -> None:
        """Show an address, relative to the page. Raises urllib.error.HTTPError."""
        target = urllib.parse.urljoin(self.url, address)
        with self._opener.open(target, body, timeout=60) as answer:
            self.url, self.body = answer.url, answer.read()
            kind = answer.headers.get_content_type()
        if kind == "text/html":
            self._page = html5lib.parse(self.body, namespaceHTMLElements=False)

    @property
    def text(self) -> str:
        return text_of(self._page)

    @property
    def heading(self) -> str:
        found = self._page.find(".//h1")
        assert found is not None
        return text_of(found)

    def rows(self) -> Iterator[Element]:
        return self._page.iterfind(".//tbody/tr")

    def follow(self, words: str) -> None:
        """The link that begins with these words."""
        links = self._page.iterfind(".//a")
        found = [str(a.get("href")) for a in links if text_of(a).startswith(words)]
        assert found, f"no link {words!r} on {self.url}"
        self.open(found[0])

    def form(self, button: str) -> Form:
        """The form that has this button."""
        for element in self._page.iterfind(".//form"):
            form = _form(element)
            if button in form.buttons:
                return form
        raise AssertionError(f"no button {button!r} on {self.url}")

    @property
    def buttons(self) -> list[str]:
        return [b for form in self._page.iterfind(".//form") for b in _form(form).buttons]

    def press(self, button: str, form: Form | None = None, **fields: str) -> None:
        """Fill in some fields and press the button; with `form`, as that was filled in."""
        form = form or self.form(button)
        for name, value in fields.items():
            form.fill(name, value)
        assert form.method == "post"
        self.open(form.action, form.body(button))


def _form(element: Element) -> Form:
    form = Form(str(element.get("action") or ""), str(element.get("method") or "get").lower())
    for part in element.iter():
        if part.tag == "input":
            _input(form, part)
        elif part.tag == "select":
            _select(form, part)
        elif part.tag == "textarea":
            form.offered[str(part.get("name"))] = []
            form.values[str(part.get("name"))] = ["".join(part.itertext())]
        elif part.tag == "button" and part.get("type", "submit") == "submit":
            name = part.get("name")
            form.buttons[text_of(part)] = (name, part.get("value", "")) if name else None
    return form


def _input(form: Form, part: Element) -> None:
    name, value = part.get("name"), part.get("value", "")
    if name is None:
        return
    form.offered.setdefault(name, []).append(value)
    if part.get("type") not in ("radio", "checkbox") or part.get("checked") is not None:
        form.values.setdefault(name, []).append(value)


def _select(form: Form, part: Element) -> None:
    name = str(part.get("name"))
    options = list(part.iterfind(".//option"))
    chosen = [o for o in options if o.get("selected") is not None] or options[:1]
    form.offered[name] = [str(o.get("value")) for o in options]
    form.values[name] = [str(o.get("value")) for o in chosen]
