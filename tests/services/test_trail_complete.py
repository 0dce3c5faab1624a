"""Nothing is written past the trail: by the services' own text, and by watching what they do.

Whoever adds a service that writes must append to the trail in the same transaction, or stand in a
list here with the reason.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import surveyapp.services
from surveyapp.services import answering, batch, reaching, safetylog, trailreading
from surveyapp.services.rights import EVERYTHING
from surveyapp.services.site import Site
from surveyapp.store.links import ensure_link
from tests.staffwalk import furnish
from tests.watching import watched
from tests.world import add_course

from .test_kept_contexts import ACTS, NOW

WITHOUT: dict[str, str] = {
    "beat": "a worker's heartbeat: when it was last alive, nothing of a study",
    "_lease_again": "a worker keeps hold of a message that it is just handing over",
    "give_back": "a worker lets go of a message unsent; what becomes of it is recorded then",
    "sweep": "windows are derived: reckoned anew from facts that are in the trail",
}
BESIDE = {
    "event": "the trail itself",
    "event_payload": "the trail itself",
    "window": "derived from facts that are in the trail",
    "heartbeat": "when a worker was last alive",
    "course": "its counter of changes, which a lock raises; what is new of it is in the trail",
    "link": "made from the course and the key, and may be made again at any time",
    "visit": "one opening of a link; what was begun and answered in it is in the trail",
    "throttle": "counts of tries",
}
"""Tables that may be written in a transaction that adds no event."""


def called_by_functions() -> tuple[dict[str, set[str]], set[str]]:
    """Function to the names it calls, and the functions that open a write transaction."""
    calls: defaultdict[str, set[str]] = defaultdict(set)
    writers: set[str] = set()
    assert surveyapp.services.__file__
    for path in Path(surveyapp.services.__file__).parent.rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(function, ast.FunctionDef):
                continue
            for call in (n.func for n in ast.walk(function) if isinstance(n, ast.Call)):
                calls[function.name].add(ast.unparse(call))
                calls[function.name].add(ast.unparse(call).rpartition(".")[2])
                if ast.unparse(call).endswith("database.write"):
                    writers.add(function.name)
    return calls, writers


def test_every_function_that_writes_reaches_the_trail() -> None:
    calls, writers = called_by_functions()

    def reaches(name: str, seen: set[str]) -> bool:
        if "trail.append" in calls.get(name, ()):
            return True
        seen.add(name)
        return any(reaches(n, seen) for n in calls.get(name, set()) - seen if n in calls)

    assert len(writers) > 40
    assert {name for name in writers if not reaches(name, set())} == set(WITHOUT)


def unrecorded(done: list[set[str]]) -> list[set[str]]:
    return [
        tables - BESIDE.keys()
        for tables in done
        if "event" not in tables and tables - BESIDE.keys()
    ]


def test_a_whole_study_writes_nothing_past_the_trail(sqlite_site: Site) -> None:
    with watched(sqlite_site) as done:
        furnish(sqlite_site)
    assert len([tables for tables in done if "event" in tables]) > 40
    assert unrecorded(done) == []


@pytest.mark.parametrize("act", ACTS)
def test_every_act_on_a_course_adds_an_event(sqlite_site: Site, act: str) -> None:
    add_course(sqlite_site)
    with watched(sqlite_site) as done:
        ACTS[act](sqlite_site)
    assert any("event" in tables for tables in done)
    assert unrecorded(done) == []


BY: dict[str, Any] = {"actor": "staff:1", "now": NOW}
LOOKS: dict[str, Callable[[Site], object]] = {
    "a contact": lambda site: reaching.show_contacts(site, "P-01", **BY),
    "a retreat's events": lambda site: safetylog.export_log(site, 1, **BY),
    "a trail": lambda site: trailreading.export_person(site, "P-01", EVERYTHING, **BY),
}


@pytest.mark.parametrize("look", LOOKS)
def test_every_look_and_export_is_recorded(sqlite_site: Site, look: str) -> None:
    add_course(sqlite_site)
    with watched(sqlite_site) as done:
        LOOKS[look](sqlite_site)
    assert any("event" in tables for tables in done)


def test_fetching_the_session_pdfs_is_recorded(sqlite_site: Site) -> None:
    add_course(sqlite_site)
    batch.tell(sqlite_site, 1, batch.Progress(1, NOW.isoformat(), 1, (), finished=True))
    (state,) = sqlite_site.settings.data_dir.rglob(batch.STATE)
    (state.parent / batch.ZIP).write_bytes(b"PK")
    with watched(sqlite_site) as done:
        batch.take_zip(sqlite_site, 1, **BY)
    assert {"event", "event_payload"} in done


def test_begin_and_save_are_recorded(sqlite_site: Site) -> None:
    add_course(sqlite_site)
    with sqlite_site.database.write() as session:
        token = ensure_link(session, sqlite_site.link_key, 1, "baseline")
    with watched(sqlite_site) as done:
        answering.begin(sqlite_site, token, NOW + timedelta(minutes=1))
    assert unrecorded(done) == []
