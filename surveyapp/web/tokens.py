"""The tokens of a style sheet, read from it: so that what is shown and tested is what is used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

Tokens = Mapping[str, str]

_NOTE = re.compile(r"/\*.*?\*/", re.DOTALL)
_ROOT = re.compile(r"(@media \(prefers-color-scheme: dark\) \{\s*)?:root \{([^}]*)\}")
_TOKEN = re.compile(r"--([\w-]+):\s*([^;]+);")


@dataclass(frozen=True)
class Schemes:
    """Every token by name; what the dark scheme does not set again it takes from the light one."""

    light: Tokens
    dark: Tokens


def read_tokens(css: str) -> Schemes:
    light: dict[str, str] = {}
    dark: dict[str, str] = {}
    for in_dark, body in _ROOT.findall(_NOTE.sub("", css)):
        (dark if in_dark else light).update(_TOKEN.findall(body))
    return Schemes(light, {**light, **dark})


def is_colour(value: str) -> bool:
    return value.startswith("#")


def contrast(one: str, other: str) -> float:
    """From 1 to 21, as WCAG counts it, of two colours written #rgb or #rrggbb."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    digits = colour.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    red, green, blue = (_linear(int(digits[i : i + 2], 16) / 255) for i in (0, 2, 4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
