"""Labels that come as data, in the language spoken just now: scales, topics, timepoints, anchors.

Reports are drawn from the same records in every language; only what is read changes. What a
catalogue does not know, such as a site's own protocol, stays as its file has it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ..study.instrument import Instrument
from ..study.protocol import Protocol
from ..study.record import Person
from ..texts import gettext

NUMBERED = re.compile(r"(\D+ )(\d+)")


def label(text: str) -> str:
    """Day 8 is said as "Day {n}", so that one entry serves every number."""
    found = gettext(text) if text else ""
    numbered = NUMBERED.fullmatch(text)
    if found == text and numbered:
        return gettext(f"{numbered[1]}{{n}}").format(n=numbered[2])
    return found


def spoken_person(person: Person) -> Person:
    """The same person, with the labels of every course's protocol as they are said."""
    return replace(
        person,
        courses=tuple(replace(c, protocol=_protocol(c.protocol)) for c in person.courses),
    )


def spoken_instruments(instruments: Mapping[str, Instrument]) -> dict[str, Instrument]:
    """The same instruments, with their labels and topics as they are said."""
    return {name: _instrument(instrument) for name, instrument in instruments.items()}


def _protocol(protocol: Protocol) -> Protocol:
    return replace(
        protocol,
        anchors=tuple(replace(a, label=label(a.label)) for a in protocol.anchors),
        timepoints=tuple(replace(t, label=label(t.label)) for t in protocol.timepoints),
    )


def _instrument(instrument: Instrument) -> Instrument:
    return replace(
        instrument,
        items=tuple(replace(i, topic=label(i.topic)) for i in instrument.items),
        scales=tuple(
            replace(s, label=label(s.label), plain=label(s.plain)) for s in instrument.scales
        ),
        criteria=tuple(replace(c, label=label(c.label)) for c in instrument.criteria),
        threshold_note=label(instrument.threshold_note),
    )
