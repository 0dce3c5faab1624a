"""Style and script of the participants' pages, inside the page, allowed by their hashes.

A questionnaire must arrive in one TCP window, so nothing of it is fetched apart. Hashes, not
nonces, because kept copies of a page repeat. Comments and indentation stay at home; lines stay
lines, so nothing of the code's meaning depends on a minifier.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

from markupsafe import Markup

STATIC = Path(__file__).parent / "static"
COMMENT = re.compile(r"^\s*(/\*.*?\*/|//[^\n]*)\s*?$", re.DOTALL | re.MULTILINE)


def lean_script(text: str) -> str:
    """JavaScript without whole-line comments, indentation and empty lines."""
    lines = (line.strip() for line in COMMENT.sub("", text).splitlines())
    return "\n".join(filter(None, lines))


def lean_style(text: str) -> str:
    """CSS without comments and needless space. Selectors must not begin with a colon after one."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r" ?([{};,>]) ?", r"\1", text)
    return re.sub(r": ", ":", text).replace(";}", "}").strip()


def _hash(text: str) -> str:
    raw = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(raw).decode()}'"


def _read(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


SCRIPT = lean_script(_read("outbox.js") + _read("participant.js"))
STYLE = lean_style(_read("participant.css"))
SCRIPT_HASH, STYLE_HASH = _hash(SCRIPT), _hash(STYLE)


def script() -> Markup:
    """The script element of the participants' pages."""
    return Markup("<script>{}</script>").format(Markup(SCRIPT))  # noqa: S704 - our own file


def style() -> Markup:
    """The style element of the participants' pages."""
    return Markup("<style>{}</style>").format(Markup(STYLE))  # noqa: S704 - our own file
