"""The codebook: what a stranger needs to understand an export, as a table and as a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from ...study.instrument import Instrument, Scale
from ...study.library import Library
from ...study.protocol import Protocol, Timepoint
from .column import Kind
from .columns import TABLES, Table

HEADER = ("about", "of", "name", "kind", "allowed", "meaning")
KINDS: dict[Kind, str] = {
    "text": "any text; a cell that began with = + - or @ has a ' put before it",
    "number": "decimal point, not rounded",
    "yes or no": "yes, no",
    "date": "YYYY-MM-DD, local",
    "UTC time": "ISO 8601 with Z",
    "local time": "ISO 8601 with the zone's offset",
}
Line = Sequence[str]


def codebook_rows(library: Library, tables: Sequence[Table] = TABLES) -> list[Line]:
    """The rows of codebook.csv under HEADER."""
    rows: list[Line] = []
    for table in tables:
        rows.append(("file", "", table.name, "", "key: " + ", ".join(table.key), table.row))
        rows += [
            ("column", table.name, c.name, c.kind, KINDS[c.kind], c.meaning) for c in table.columns
        ]
    for instrument in library.instruments.values():
        rows += _instrument_rows(instrument)
    for protocol in library.protocols.values():
        rows += _protocol_rows(protocol)
    return rows


def _instrument_rows(instrument: Instrument) -> Iterator[Line]:
    name = instrument.id
    about = f"{instrument.name}, key version {instrument.version}, SHA-256 {instrument.sha256}"
    yield "instrument", "", name, "", "", about
    yield "source", name, name, "", "", _flat(instrument.source)
    yield "licence", name, name, "", "", _flat(instrument.licence)
    for wording in instrument.wordings.values():
        what = "placeholder texts" if wording.placeholder else "texts"
        about = f"{what}, SHA-256 {wording.sha256}. {_flat(wording.notice)}".strip()
        yield "wording", name, wording.language, "", "", about
    for item in instrument.items:
        source = f"; item {item.number_in_source} of its source" if item.number_in_source else ""
        yield "item", name, item.id, "number", _values(item.values), f"{item.topic}{source}"
    for scale in instrument.scales:
        yield "scale", name, scale.id, "number", _range(scale), _scale(scale)
        for band in scale.bands:
            span = f"{band.low} to {band.high}"
            yield "band", f"{name} {scale.id}", band.id, "text", span, band.label
    for criterion in instrument.criteria:
        yield (
            "criterion", name, criterion.id, "number", "1 met, 0 not met",
            f"{criterion.label}: at least {criterion.percent} % of maximum on each of"
            f" {', '.join(criterion.scales)}; empty where the answers do not decide it",
        )  # fmt: skip


def _range(scale: Scale) -> str:
    return "0 to 100" if scale.report == "percent" else f"{scale.low} to {scale.high}"


def _scale(scale: Scale) -> str:
    better = {"lower": "Lower is better.", "higher": "Higher is more.", "none": ""}
    parts = [
        f"{scale.label}.",
        f"Percent of the maximum of {scale.high}." if scale.report == "percent" else "Sum.",
        _made_of(scale),
        better[scale.direction],
    ]
    if scale.reliability is not None:
        retest = ", ".join(f"{name}: {r:g}" for name, r in scale.reliability.retest.items())
        source = _flat(scale.reliability.source)
        parts.append(f"SD {scale.reliability.sd:g}, retest reliability {retest}. {source}")
    if scale.meaningful is not None:
        parts.append(f"Meaningful change: {_flat(scale.meaningful.source)}")
    return " ".join(part for part in parts if part)


def _made_of(scale: Scale) -> str:
    if scale.parts:
        return f"Of the scales {', '.join(scale.parts)}; exists when all of them do."
    return (
        f"Of the items {', '.join(scale.items)}. Missing rule: with at least {scale.minimum} of"
        f" {len(scale.items)} answered it is their mean for every item, below that there is none."
    )


def _protocol_rows(protocol: Protocol) -> Iterator[Line]:
    name = protocol.id
    about = f"{protocol.label}, version {protocol.version}, SHA-256 {protocol.sha256}"
    yield "protocol", "", name, "", "", about
    for anchor in protocol.anchors:
        yield "anchor", name, anchor.id, "date", "", anchor.label
    for timepoint in protocol.timepoints:
        asked = ", ".join(timepoint.instruments)
        yield "timepoint", name, timepoint.id, "text", asked, _timepoint(timepoint)
    for rule in protocol.changes:
        yield (
            "change", name, f"{rule.instrument} {rule.start} to {rule.end}", "", "",
            f"Reliable change is judged by the retest reliability named {rule.retest}.",
        )  # fmt: skip


def _timepoint(timepoint: Timepoint) -> str:
    return (
        f"{timepoint.label}: days {timepoint.opens} to {timepoint.closes} after"
        f" {timepoint.anchor}, target day {timepoint.target}"
    )


def codebook_text(
    library: Library, now: datetime, version: str, tables: Sequence[Table] = TABLES
) -> str:
    """codebook.md: the same for reading."""
    return "\n".join([*_preface(now, version), *_files(tables), *_contents(library)]) + "\n"


def _preface(now: datetime, version: str) -> list[str]:
    made = now.replace(microsecond=0).isoformat().replace("+00:00", "Z")
    return [
        "# Codebook",
        "",
        f"Exported on {made} by surveyapp {version}.",
        "",
        "Every person is known by a study code; names and contact details are not in these files."
        " Files are UTF-8, commas part the columns, the first line names them. `sha256sum -c"
        " checksums.sha256` proves that nothing was changed.",
        "",
        "- A **course** is one person's passage through one retreat, numbered 1, 2, and so on.",
        "- An **anchor** is a named date of a course, as the dosing day. Days are counted from it"
        " in local dates: day 8 is eight dates later, at any hour.",
        "- A **timepoint** is a moment of the protocol with a window in which it is asked.",
        "- An **assessment** is one instrument at one timepoint of one course.",
        "- A **score** is kept as it was computed when the assessment was sent.",
        "",
        "Rows with `study_mode` practice or `placeholder` yes are trials of the system. They are"
        " not results of the instruments and are not for analysis.",
        "",
        "Join files on `participant`, `course`, `timepoint` and `instrument`.",
        "",
        "## Kinds of columns",
        "",
        *(f"- **{kind}**: {meaning}." for kind, meaning in KINDS.items()),
        "",
        "An empty cell means that there is no value.",
        "",
    ]


def _files(tables: Sequence[Table]) -> Iterator[str]:
    yield "## Files"
    for table in tables:
        yield from ("", f"### {table.name}", "", f"A row is {table.row}.", "")
        columns = ((f"`{c.name}`", c.kind, c.meaning) for c in table.columns)
        yield from _grid(("column", "kind", "meaning"), columns)
    yield ""


def _contents(library: Library) -> Iterator[str]:
    yield "## Instruments"
    for instrument in library.instruments.values():
        yield from _instrument_text(instrument)
    yield from ("", "## Protocols")
    for protocol in library.protocols.values():
        yield from ("", f"### {protocol.label} (`{protocol.id}`, version {protocol.version})", "")
        rows = ((f"`{t.id}`", _timepoint(t), ", ".join(t.instruments)) for t in protocol.timepoints)
        yield from _grid(("timepoint", "when", "asks"), rows)


def _instrument_text(instrument: Instrument) -> Iterator[str]:
    title = f"### {instrument.name} (`{instrument.id}`, key version {instrument.version})"
    yield from ("", title, "", _flat(instrument.source), "")
    yield from (f"Licence: {_flat(instrument.licence)}", "")
    for notice in dict.fromkeys(w.notice for w in instrument.wordings.values() if w.notice):
        yield from (f"**{_flat(notice)}**", "")
    yield from ("Topics are our own names for the items, not their texts.", "")
    items = ((i.id, i.topic, _values(i.values)) for i in instrument.items)
    yield from _grid(("item", "topic", "values"), items)
    yield ""
    scales = ((f"`{s.id}`", _range(s), _scale(s)) for s in instrument.scales)
    yield from _grid(("scale", "range", "meaning"), scales)
    rows = [r for r in _instrument_rows(instrument) if r[0] in ("band", "criterion")]
    if rows:
        yield ""
        yield from _grid(
            ("band or criterion", "of", "when", "meaning"), ((r[2], r[1], r[4], r[5]) for r in rows)
        )
    if instrument.threshold_note:
        yield from ("", f"Bands are {_flat(instrument.threshold_note)}.")


def _grid(head: Line, rows: Iterable[Line]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"


def _values(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))


def _flat(text: str) -> str:
    return " ".join(text.split())
