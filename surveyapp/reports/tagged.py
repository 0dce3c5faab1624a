"""What WeasyPrint leaves undone in a tagged PDF, so that a screen reader tells the whole report.

A chart that stands in the page as elements has its title alone as alternative, the running foot is
tagged as text that belongs nowhere, and a figure's box has another measure. All are mended here.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from typing import Any

CHART = "data:image/svg+xml;base64,"
INLINE = re.compile(r'<svg [^>]*class="chart".*?</svg>', re.DOTALL)
TITLE, DESC = (re.compile(rf"<{name}>(.*?)</{name}>", re.DOTALL) for name in ("title", "desc"))
NUMBER = re.compile(rb"(\d+) 0 R")
FOOT = "<</Type/Pagination/Subtype/Footer>>"
POINTS = 0.75


def with_images(html: str) -> str:
    """Each chart as an image in place of elements, described by its title and what it tells. Read
    as XML it costs a third of what it costs as a part of the page."""
    return INLINE.sub(_image, html)


def _image(found: re.Match[str]) -> str:
    svg = found[0]
    told = ". ".join(m[1].strip() for m in (TITLE.search(svg), DESC.search(svg)) if m)
    source = base64.b64encode(svg.encode()).decode()
    return f'<img class="chart" alt="{told}" src="{CHART}{source}">'


def finish(document: Any, pdf: Any) -> None:
    """Called by WeasyPrint before the PDF is written."""
    root = _object(pdf, pdf.catalog["StructTreeRoot"])
    parents = _object(pdf, root["ParentTree"])["Nums"]
    linked = set(_linked(pdf, root["K"]))
    for page_number, page in enumerate(document.pages):
        owners = parents[2 * page_number + 1]
        stream = _object(pdf, _object(pdf, pdf.page_references[page_number])["Contents"])
        loose = {mcid for mcid, owner in enumerate(owners) if _number(owner) not in linked}
        _make_artifacts(stream.stream, loose)
        for mcid in loose:
            owners[mcid] = "null"
        _place_figures(pdf, linked, pdf.page_references[page_number], page.height)
    _drop_loose(pdf, linked)


def _number(reference: bytes) -> int:
    found = NUMBER.fullmatch(reference)
    return int(found[1]) if found else 0


def _object(pdf: Any, reference: bytes) -> Any:
    return pdf.objects[_number(reference)]


def _linked(pdf: Any, kids: Iterable[Any]) -> Iterator[int]:
    """The numbers of all elements that can be reached from the root."""
    waiting = [kid for kid in kids if isinstance(kid, bytes)]
    while waiting:
        number = _number(waiting.pop())
        yield number
        waiting += [k for k in pdf.objects[number].get("K", ()) if isinstance(k, bytes)]


def _make_artifacts(stream: list[Any], loose: set[int]) -> None:
    """Text of elements that are in no tree is said to be the page's furniture."""
    for at, operator in enumerate(stream):
        if operator == b"BDC" and stream[at - 1].get("MCID") in loose:
            stream[at - 2 : at] = ["/Artifact", FOOT]


def _place_figures(pdf: Any, linked: set[int], page: bytes, height: float) -> None:
    """Boxes in points from the page's lower left corner, and not in pixels from its upper left."""
    for number in linked:
        element = pdf.objects[number]
        if element.get("S") == "/Figure" and element["Pg"] == page:
            left, top, right, bottom = element["A"]["BBox"]
            box = (left, height - bottom, right, height - top)
            element["A"]["BBox"][:] = [POINTS * edge for edge in box]


def _drop_loose(pdf: Any, linked: set[int]) -> None:
    """Emptied, not freed: a freed object would shift those behind it in the object stream."""
    for thing in pdf.objects:
        kind = getattr(thing, "get", _nothing)("Type")
        if kind == "/StructElem" and thing.number not in linked:
            thing.clear()


def _nothing(_key: str) -> None:
    """What a stream says of its type."""
