"""The sessions of a protocol: what is read, and each fault with a sentence."""

from __future__ import annotations

import pytest

from surveyapp.study.protocol import read_protocol
from surveyapp.study.reading import Faults, FaultsFoundError

from .samples import LIBRARY

SESSION = """
[[sessions]]
id = "extra"
label = "Extra"
kind = "integration"
anchor = "dosing"
day = 40
"""


def read(text: str) -> object:
    faults = Faults("protocols/second-retreat.toml")
    whole = LIBRARY.protocols["second-retreat"].text + text
    return read_protocol(whole, "second-retreat", LIBRARY.instruments, faults)


@pytest.mark.parametrize("name", ["second-retreat", "mdma"])
def test_shipped_protocols_prepare_dose_and_integrate(name: str) -> None:
    sessions = LIBRARY.protocols[name].sessions
    kinds = [session.kind for session in sessions]
    dosing = len(LIBRARY.protocols[name].anchors)
    assert kinds.count("preparation") == 3
    assert kinds.count("dosing") == dosing
    assert kinds.count("integration") == (4 if dosing == 1 else 9)


def test_a_session_more_is_read() -> None:
    protocol = read(SESSION)
    assert [s.id for s in protocol.sessions][-1] == "extra"  # pyright: ignore


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"extra"', '"dosing"', "'dosing' is used twice"),
        ('kind = "integration"', 'kind = "party"', "'party' is none of"),
        ('anchor = "dosing"', 'anchor = "birth"', "there is no anchor 'birth'"),
        ('kind = "integration"', 'kind = "dosing"', "held on its anchor's day"),
        ("day = 40", 'day = "soon"', "day"),
        ("day = 40", "days = 40", "days"),
    ],
)
def test_a_broken_session_is_named(old: str, new: str, fault: str) -> None:
    with pytest.raises(FaultsFoundError) as found:
        read(SESSION.replace(old, new))
    assert "second-retreat.toml" in str(found.value)
    assert fault in str(found.value)


def test_a_protocol_may_have_none() -> None:
    assert LIBRARY.protocols["chronic-pain"].sessions == ()
