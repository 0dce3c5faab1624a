"""Nothing is written past the trail: by the services' own text, and by watching what they do.

Whoever adds a service that writes must append to the trail in the same transaction, or stand in a
list here with the reason.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator
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
    "health.beat": "a worker's heartbeat: when it was last alive, nothing of a study",
    "prompting._lease_again": "a worker keeps hold of a message that it is just handing over",
    "prompting.give_back": "a worker lets go of a message; what becomes of it is recorded then",
    "prompting.sweep": "windows are derived: reckoned anew from facts that are in the trail",
    "alert_messages._claim": "a lease on a message about an alert, whose rows are its history",
    "alert_messages._claim_or_put_off": "a lease, as above",
    "alert_messages._record": "what became of such a message: the row is its history",
    "digest_messages._claim": "a lease on a digest, which holds counts alone",
    "digest_messages._claim_or_put_off": "a lease, as above",
    "digest_messages._plan_or_put_off": "a day's digest is planned; that it is wanted is recorded",
    "colleague_mail._claim": "a lease on a mail to a colleague; the act behind it is recorded",
    "colleague_mail._note": "what became of such a mail",
    "colleague_mail.send": "the same, for one that is sent at once",
    "backup.job.write_down": "how a backup went; that it was made is recorded where it is made",
    "backup.schedule._begin_if": "that a backup is due and under way",
    "cleaning.clean": "that files were rewritten after an erasure, which is recorded",
    "keys._slice": "one slice of a rotation, which is recorded when it is through",
    "retention._apply": "the store records what it removes, in the same transaction",
    "sessions.find": "when a sign-in was last seen",
    "sessions.tidy": "sign-ins of long ago go",
    "tries.take": "counts of tries",
    "tries.was_right": "counts of tries",
    "tries.tidy": "counts of tries",
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
    "backup_run": "how a backup went; that it was made is in the trail",
}
"""Tables that may be written in a transaction that adds no event."""


Name = tuple[str, str]
"""A function: its module below the services (dots between), and its own name."""


def functions_of(path: Path, module: str) -> Iterator[tuple[Name, set[Name], bool]]:
    """Each function with those it calls, and whether it opens a write transaction."""
    tree = ast.parse(path.read_text("utf-8"))
    known = imported_names(tree, module)
    for function in (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)):
        called = [ast.unparse(n.func) for n in ast.walk(function) if isinstance(n, ast.Call)]
        found = {resolved(call, known, module) for call in called}
        yield (module, function.name), found, any(c.endswith("database.write") for c in called)


def imported_names(tree: ast.Module, module: str) -> dict[str, str]:
    """What a name at the top of a module stands for, below the services."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            room = module.split(".")[: -node.level] if node.level else []
            within = node.level <= module.count(".") + 1
            where = [*room, *(node.module or "").split(".")] if within else ["", node.module or ""]
            for alias in node.names:
                found[alias.asname or alias.name] = ".".join([*filter(None, where), alias.name])
    return found


def resolved(call: str, known: dict[str, str], module: str) -> Name:
    """`self.f()` and `f()` are the module's own, unless `f` was imported."""
    first, _, rest = call.partition(".")
    if first in known:
        whole = ".".join(filter(None, (known[first], rest)))
        return whole.rpartition(".")[0], whole.rpartition(".")[2]
    return module, call.rpartition(".")[2]


def called_by_functions() -> tuple[dict[Name, set[Name]], set[Name]]:
    """Function to the functions it calls, and those that open a write transaction."""
    calls: defaultdict[Name, set[Name]] = defaultdict(set)
    writers: set[Name] = set()
    assert surveyapp.services.__file__
    root = Path(surveyapp.services.__file__).parent
    for path in root.rglob("*.py"):
        module = ".".join(path.relative_to(root).with_suffix("").parts)
        for name, called, writes in functions_of(path, module):
            calls[name] |= called
            writers |= {name} if writes else set()
    return calls, writers


def test_every_function_that_writes_reaches_the_trail() -> None:
    calls, writers = called_by_functions()

    def reaches(name: Name, seen: set[Name]) -> bool:
        if any(n == ("store.trail", "append") or n == ("trail", "append") for n in calls[name]):
            return True
        seen.add(name)
        return any(reaches(n, seen) for n in calls[name] - seen if n in calls)

    assert len(writers) > 40
    found = {".".join(name) for name in writers if not reaches(name, set())}
    assert found == set(WITHOUT)


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
