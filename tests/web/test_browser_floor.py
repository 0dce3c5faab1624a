"""The oldest browsers: Chrome and WebView 90, Safari on iOS 14.5. What is shipped is linted.

One token that an old phone cannot parse kills a whole script, so the script is ES5 throughout. A
service worker runs only where newer syntax is known; the newer functions are forbidden there too.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from surveyapp.resources import resource
from surveyapp.web.inline import STATIC

# What Chrome 90 or Safari 14.5 lack, and what they do not parse.
TOO_NEW = {
    "a function": r"\b(structuredClone|randomUUID|replaceAll|fromEntries|requestIdleCallback)\b"
    r"|\.at\(|\.flat\(|\.findLast|Object\.hasOwn",
    "lookbehind": r"\(\?<[=!]",
    "Background Sync": r"\bSyncManager\b|\.sync\.register|'sync'|\"sync\"",
    "a dialog": r"<dialog|showModal|\binert\b|\bpopover\b",
}
NOT_ES5 = {
    "let or const": r"\b(let|const|class|async|await|import|export|yield)\s",
    "an arrow": r"=>",
    "a template": r"`",
    "?. or ??": r"\?\.(?!\d)|\?\?",
    "spread": r"\.\.\.",
    "for of": r"\bfor\s*\([^)]*\sof\s",
    "shorthand": r"\{\s*\w+\s*,\s*\w+\s*\}|\)\s*=>",
    "a default": r"function\s*\w*\([^)]*=",
    "**": r"\*\*",
}
STYLES_TOO_NEW = {
    "a selector": r":has\(|:is\(|:where\(|(?<!:not\():focus-visible",
    "nesting": r"\{[^{}]*&",
    "an at-rule": r"@(layer|container|property|scope|starting-style)\b",
    "a unit": r"\d(dvh|svh|lvh|dvw|svw|lvw|cqw|cqh|lh|rlh)\b",
    "a function": r"\b(color-mix|oklch|oklab|light-dark|lab|lch|round|mod)\(",
    "a property": r"(?<![\w-])(aspect-ratio|accent-color|text-wrap|scrollbar-gutter|field-sizing"
    r"|content-visibility|translate|rotate|scale|container|inset-area|scroll-timeline)\s*:",
}


def without_words(script: str) -> str:
    """A script without its comments and strings."""
    parts = re.compile(r"/\*.*?\*/|//[^\n]*|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"", re.DOTALL)
    return parts.sub(lambda m: "''" if m[0][0] in "'\"" else "", script)


def found(rules: dict[str, str], text: str) -> dict[str, str]:
    hits = {name: re.search(rule, text) for name, rule in rules.items()}
    return {name: hit[0] for name, hit in hits.items() if hit}


def shipped(suffix: str) -> list[Path]:
    own = [STATIC / "outbox.js", STATIC / "participant.js", STATIC / "participant.css"]
    pages = Path(resource("templates")) / "participant"
    return [p for p in [*own, STATIC / "sw.js", *pages.rglob("*.html")] if p.suffix == suffix]


@pytest.mark.parametrize("path", shipped(".js"), ids=lambda path: path.name)
def test_scripts(path: Path):
    code = without_words(path.read_text(encoding="utf-8"))
    rules = TOO_NEW if path.name == "sw.js" else TOO_NEW | NOT_ES5
    assert found(rules, code) == {}


@pytest.mark.parametrize("path", shipped(".css"), ids=lambda path: path.name)
def test_styles(path: Path):
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert found(STYLES_TOO_NEW, text) == {}


@pytest.mark.parametrize("path", shipped(".html"), ids=lambda path: path.name)
def test_pages(path: Path):
    text = path.read_text(encoding="utf-8")
    assert found({"a dialog": TOO_NEW["a dialog"]}, text) == {}
    assert " style=" not in text
    assert "<script" not in text


def test_everything_shipped_is_looked_at():
    assert len(shipped(".js")) == 3
    assert len(shipped(".html")) >= 9


BAD_SCRIPTS = [
    "list.at(-1)", "crypto.randomUUID()", "structuredClone(x)", "/(?<=a)b/", "new SyncManager()",
    "box.showModal()", "let x = 1", "f = x => x", "s = `a`", "a?.b", "a ?? b", "f(...x)",
    "for (var a of b) {}", "x = {a, b}", "function f(a = 1) {}", "async function f() {}", "a ** b",
]  # fmt: skip


@pytest.mark.parametrize("code", BAD_SCRIPTS)
def test_the_lint_catches_scripts(code: str):
    assert found(TOO_NEW | NOT_ES5, without_words(code)) != {}


BAD_STYLES = [
    "a:has(b) {}", "a { &:hover {} }", "@layer x {}", "@container (width) {}", "a {height: 100dvh}",
    "a {color: color-mix(in srgb, red, blue)}", "a {aspect-ratio: 1}", "a:focus-visible {}",
    "a {accent-color: red}",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD_STYLES)
def test_the_lint_catches_styles(text: str):
    assert found(STYLES_TOO_NEW, text) != {}


def test_words_and_comments_are_no_code():
    assert found(TOO_NEW | NOT_ES5, without_words("x = 'let it => be'; // ...\n/* `a` */")) == {}
