"""Wordings: judged line by line, kept by their hash, and one for each course."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from surveyapp.services import answering, corrections, people, visits, wording_views, wordings
from surveyapp.services.answering import Tap
from surveyapp.services.enrolment import NewRetreat, add_retreat
from surveyapp.services.errors import GoneError, InputError, NotFoundError
from surveyapp.services.exchange import Part, export_folder
from surveyapp.services.people import NewPerson
from surveyapp.services.permissions import Permits
from surveyapp.services.site import Site, assemble
from surveyapp.store import roster, trail
from surveyapp.store.facts import course_context
from surveyapp.store.links import ensure_link
from surveyapp.store.tables import Assessment, Study
from surveyapp.store.tables_access import Event, EventPayload
from surveyapp.store.tables_wording import InstalledWording, Permission, WordingSet, WordingText
from surveyapp.study.library import Library
from surveyapp.study.reading import Faults
from surveyapp.study.wording import parse_wording, template
from tests.conftest import NOON
from tests.fillers import PERMISSION, filled, install
from tests.services.test_enrolment import BY
from tests.world import AMSTERDAM, DOSING


def enrol(site: Site, code: str, retreat: int | None = None, language: str = "en") -> int:
    """A person in a practice retreat; the course's id."""
    if retreat is None:
        wish = NewRetreat(f"Of {code}", "second-retreat", AMSTERDAM, DOSING)
        retreat = add_retreat(site, wish, **BY)
    people.add_person(site, retreat, NewPerson(code, f"{code}@example.org", language), **BY)
    with site.database.read() as session:
        found = roster.find_course(session, code, 1)
        assert found is not None
        return found


def shown(site: Site, course: int, name: str = "hads") -> str:
    """The hash of what a course is asked in."""
    with site.database.read() as session:
        context = course_context(session, site.library, course)
        assert context is not None
        return context.wording(name).sha256


def begin(site: Site, course: int, timepoint: str = "baseline") -> answering.Opened:
    with site.database.write() as session:
        token = ensure_link(session, site.link_key, course, timepoint)
    return answering.begin(site, token, at_baseline())


def at_baseline():
    """Within the first window of DOSING."""
    return NOON.replace(day=12)


@given(st.data())
@settings(max_examples=10)
@pytest.mark.parametrize("name", ["hads", "meq30", "ratings"])
def test_a_filled_template_comes_back_as_it_was_filled(
    name: str, library: Library, data: st.DataObject
) -> None:
    instrument = library.instruments[name]
    letters = st.characters(exclude_categories=("Cs", "Cc"))
    words = st.text(letters, min_size=1).map(lambda text: f"x{text}")
    rows = list(csv.reader(io.StringIO(template(instrument, "en"))))
    for row in rows[1:]:
        if row[0] != "notice":
            row[3] = data.draw(words)
        if row[0] == "recall" and instrument.session:
            row[3] += "{session}"
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    raw = out.getvalue().encode()
    read = parse_wording(instrument, raw, "en", Faults(name), placeholder=False)
    own = {row[0]: row[3] for row in rows[1:] if not row[1]}
    assert (read.title, read.recall, read.stem) == (own["title"], own["recall"], own["stem"])
    assert read.texts == {item.id: own[item.id] for item in instrument.items}
    assert read.sha256 == hashlib.sha256(raw).hexdigest()
    pattern = instrument.wording("en")
    for item in instrument.items:
        drawn = [row for row in rows[1:] if row[0] in (item.id, "*") and row[1]]
        assert [(str(o.value), o.text) for o in read.options[item.id]] == [
            (row[2], row[3]) for row in drawn
        ]
        assert [o.value for o in read.options[item.id]] == [
            o.value for o in pattern.options[item.id]
        ]


def swapped(old: str, new: str) -> Callable[[bytes], bytes]:
    return lambda raw: raw.replace(old.encode(), new.encode(), 1)


FAULTS: list[tuple[Callable[[bytes], bytes], str]] = [
    (lambda _: b"", "line 1: the header must be item,position,value,text."),
    (lambda raw: raw[:200] + b"\xff" + raw[200:], "It is not UTF-8 CSV"),
    (lambda raw: raw + b"99,,,Filler\n", "line 76: there is no item '99'."),
    (lambda raw: raw + b"1,,,Filler\n", "line 76: a second text for '1'."),
    (lambda raw: raw + b"1,0,3,Filler\n", "line 76: position 0 of item '1' stands twice."),
    (lambda raw: raw + b"1,7,x,Filler\n", "line 76: position and value must both be whole"),
    (lambda raw: raw + b"1,7,%s,Filler\n" % (b"9" * 5000), "line 76: position and value must"),
    (lambda raw: raw + b"title,1,1,Filler\n", "line 76: 'title' has no options."),
    (lambda raw: raw + b"*,,,Filler\n", "line 76: '*' gives options to every item"),
    (lambda raw: raw + b"1,7\n", "line 76: must have 4 fields"),
    (lambda raw: raw + b"1,7,3,Filler,and more\n", "line 76: must have 4 fields"),
    (lambda raw: raw + b"1,7,3, \n", "line 76: the option has no text."),
    (lambda raw: raw + b"1,7,9,Filler\n", "1: options have the values [0, 1, 2, 3, 9]"),
    (swapped("Filler form", "Fill\x00er"), "line 2: the text has a character"),
    (swapped("Filler form", "<fill in: it>"), "line 2: the text of 'title' is still to be"),
    (swapped("Filler form", "  "), "title: has no text."),
    (swapped("recall line", "line of {session}"), "recall: has {session}, but the instrument"),
    (swapped("1,0,3,Filler worth 3\n", ""), "1: options have the values [0, 1, 2]"),
    (lambda raw: raw + b"x" * wordings.MOST_BYTES, "The file is larger than 512 KB."),
]


@pytest.mark.parametrize(("spoil", "said"), FAULTS)
def test_each_fault_is_named_and_nothing_is_kept(
    sqlite_site: Site, spoil: Callable[[bytes], bytes], said: str
) -> None:
    raw = spoil(filled(sqlite_site.library.instruments["hads"]))
    with pytest.raises(InputError) as caught:
        wordings.install(sqlite_site, "hads", raw, "en", PERMISSION, **BY)
    assert said in caught.value.problems["file"]
    assert kept(sqlite_site) == 0


def kept(site: Site) -> int:
    with site.database.read() as session:
        tables = (InstalledWording, Permission, WordingText)
        return sum(len(session.scalars(select(table)).all()) for table in tables)


def test_neither_the_template_nor_a_placeholder_can_be_installed(sqlite_site: Site) -> None:
    instrument = sqlite_site.library.instruments["hads"]
    raw = template(instrument, "en").encode()
    with pytest.raises(InputError) as caught:
        wordings.install(sqlite_site, "hads", raw, "en", PERMISSION, **BY)
    # Every line but the header, the stem and the notice, which may stay empty.
    assert len(caught.value.problems["file"].splitlines()) == 72
    raw = instrument.wording("en").csv.encode()
    with pytest.raises(InputError, match="placeholder's texts"):
        wordings.install(sqlite_site, "hads", raw, "en", PERMISSION, **BY)
    with pytest.raises(NotFoundError, match="there are hads, meq30, ratings"):
        wordings.install(sqlite_site, "phq9", raw, "en", PERMISSION, **BY)
    assert kept(sqlite_site) == 0


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"basis": "found on the web"}, "basis", "Choose one"),
        ({"holder": " "}, "holder", "Say who gave it"),
        ({"reference": "x" * 301}, "reference", "at most 300"),
        ({"electronic": "maybe"}, "electronic", "yes or no"),
        ({"reproduction": ""}, "reproduction", "yes or no"),
        ({"languages": ""}, "languages", "codes"),
        ({"languages": "English"}, "languages", "codes"),
        ({"languages": "nl, de"}, "languages", "must cover en"),
        ({"expires": ""}, "expires", "or never"),
        ({"expires": "20271231"}, "expires", "or never"),
        ({"expires": "31-12-2027"}, "expires", "or never"),
        ({"expires": "2027-02-28"}, "expires", "lies in the past"),
        ({"expires": "9999-12-31"}, "expires", "or never"),
        ({"maximum": "0"}, "maximum", "or unlimited"),
        ({"maximum": "5e3"}, "maximum", "or unlimited"),
        ({"maximum": "9" * 30}, "maximum", "or unlimited"),
    ],
)
def test_a_permission_is_judged_by_field(
    sqlite_site: Site, change: dict[str, str], field: str, said: str
) -> None:
    raw = filled(sqlite_site.library.instruments["hads"])
    with pytest.raises(InputError) as caught:
        wordings.install(sqlite_site, "hads", raw, "en", replace(PERMISSION, **change), **BY)
    assert list(caught.value.problems) == [field]
    assert said in caught.value.problems[field]
    assert kept(sqlite_site) == 0


def test_a_dry_run_judges_and_keeps_nothing(sqlite_site: Site) -> None:
    raw = filled(sqlite_site.library.instruments["hads"])
    done = wordings.install(sqlite_site, "hads", raw, "en", PERMISSION, **BY, dry_run=True)
    assert done.id is None
    assert done.sentence("hads").startswith("would install hads in en: 14 items")
    assert kept(sqlite_site) == 0


def test_a_course_keeps_the_wording_it_began_with(site: Site) -> None:
    placeholder = site.library.instruments["hads"].wording("en").sha256
    first = enrol(site, "P-01")
    one = install(site, "hads", mark="One", **BY)
    second = enrol(site, "P-02")
    install(site, "hads", mark="Two", **BY)
    third = enrol(site, "P-03")
    seen = [shown(site, course) for course in (first, second, third)]
    assert seen[0] == placeholder
    assert len(set(seen)) == 3
    wordings.retire(site, one, "replaced", **BY)
    # Another process, with nothing but the shipped library, finds the same.
    other = assemble(site.settings, site.keys, site.database, site.library)
    assert [shown(other, course) for course in (first, second, third)] == seen
    begin(site, second)
    with site.database.read() as session:
        sheet = session.scalars(select(Assessment)).one()
    assert (sheet.wording_sha256, sheet.placeholder) == (seen[1], False)
    fourth = enrol(site, "P-04")
    assert shown(site, fourth) == seen[2]


def test_another_language_is_pinned_with_it(sqlite_site: Site) -> None:
    site = sqlite_site
    install(site, "hads", mark="One", **BY)
    install(site, "hads", language="nl", mark="Een", **BY)
    course = enrol(site, "P-01", language="nl")
    install(site, "hads", language="nl", mark="Twee", **BY)
    with site.database.read() as session:
        context = course_context(session, site.library, course)
        assert context is not None
        assert context.wording("hads").title == "Een form"
        assert context.wording("hads", "en").title == "One form"
        assert context.wording("hads", "de").placeholder
        assert context.wording("ratings").installed is None


def test_the_same_text_is_not_installed_twice(sqlite_site: Site) -> None:
    install(sqlite_site, "hads", **BY)
    with pytest.raises(InputError, match="installed already"):
        install(sqlite_site, "hads", **BY)


def test_old_texts_stay_readable_for_old_answers(sqlite_site: Site) -> None:
    site = sqlite_site
    one = install(site, "hads", mark="One", **BY)
    course = enrol(site, "P-01")
    opened = begin(site, course)
    write = visits.write_capability(opened.read_secret)
    answering.save(site, opened.visit, write, [Tap("hads", "1", 3)], at_baseline())
    answering.send(site, opened.visit, write, "hads", at_baseline())
    wordings.retire(site, one, "replaced", **BY)
    install(site, "hads", mark="Two", **BY)
    sheet = corrections.sent_sheet(site, "P-01", 1, "baseline", "hads")
    assert sheet.items[0].text.startswith("One Tension")
    assert "One worth 3" in [option.text for option in sheet.items[0].options]


def test_the_trail_says_who_installed_what_without_its_texts(sqlite_site: Site) -> None:
    site = sqlite_site
    wording = install(site, "hads", **BY)
    wordings.retire(site, wording, "a slip in item 3", **BY)
    with site.database.read() as session:
        query = select(Event.kind, EventPayload.payload).join(
            EventPayload, EventPayload.event_uid == Event.uid
        )
        rows = session.execute(query.where(Event.chain == trail.SYSTEM)).all()
        said = {row.kind: row.payload for row in rows}
    assert "Filler House" in said["wording installed"]
    assert "a slip in item 3" in said["wording retired"]
    assert "Tension" not in "".join(said.values())
    [line] = [w for w in wording_views.listed(site, NOON) if w.id is not None]
    assert (line.state, line.uses) == ("retired", "0")
    with pytest.raises(InputError, match="was retired on"):
        wordings.retire(site, wording, "again", **BY)


def test_pages_and_reports_name_the_holder(sqlite_site: Site) -> None:
    site = sqlite_site
    install(site, "hads", **BY)
    course = enrol(site, "P-01")
    with site.database.write() as session:
        token = ensure_link(session, site.link_key, course, "baseline")
    door = visits.knock(site, token, at_baseline())
    name = site.library.instruments["hads"].name
    assert door.notice == f"{name}: Filler House"


def test_an_export_has_texts_only_when_asked_and_permitted(
    sqlite_site: Site, tmp_path: Path
) -> None:
    site = sqlite_site
    install(site, "hads", mark="Kept", **BY)
    printable = replace(PERMISSION, reproduction="yes", reference="F-2")
    install(site, "meq30", mark="Printed", permission=printable, **BY)
    plain = export_folder(site, tmp_path / "plain", NOON)
    whole = export_folder(site, tmp_path / "whole", NOON, part=Part(with_wording=True))
    assert set(whole.sha256) - set(plain.sha256) == {"wordings.csv"}
    written = (tmp_path / "whole" / "wordings.csv").read_text("utf-8")
    assert "Printed Time" in written
    assert "Kept Tension" not in written
    assert whole.left_out == (f"hads en {shown_hash(site)}",)
    for folder in ("plain", "whole"):
        listed = (tmp_path / folder / "codebook.csv").read_text("utf-8")
        assert "Filler House, F-1" in listed
        assert "Kept Tension" not in listed
    with site.database.read() as session:
        query = select(EventPayload.payload).join(Event, Event.uid == EventPayload.event_uid)
        said = session.scalars(query.where(Event.kind == "data exported")).all()
    assert ['with_wording": true' in payload.replace(":true", ": true") for payload in said] == [
        False,
        True,
    ]


def shown_hash(site: Site) -> str:
    raw = filled(site.library.instruments["hads"], mark="Kept")
    return hashlib.sha256(raw).hexdigest()[:12]


def test_two_who_enrol_at_once_keep_the_same_set_once(site: Site) -> None:
    """Both see that nothing is kept yet."""
    wish = [NewRetreat(f"R{n}", "second-retreat", AMSTERDAM, DOSING) for n in range(2)]
    made = [add_retreat(site, retreat, **BY) for retreat in wish]
    with ThreadPoolExecutor(2) as both:
        added = [both.submit(enrol, site, f"P-0{n}", made[n]) for n in range(2)]
        courses = [future.result() for future in added]
    assert len({shown(site, course) for course in courses}) == 1
    with site.database.read() as session:
        assert len(session.scalars(select(WordingSet)).all()) == 1


def test_a_live_course_without_a_permitted_text_is_held_and_told(sqlite_site: Site) -> None:
    site = sqlite_site
    course = enrol(site, "P-01")
    with site.database.write() as session:
        session.scalars(select(Study)).one().mode = "live"
    with pytest.raises(GoneError):
        begin(site, course)
    with site.database.read() as session:
        context = course_context(session, site.library, course)
        assert context is not None
        permits = Permits(session, site)
        held = permits.hold(context, context.protocol.timepoint("baseline"), at_baseline())
    assert held is not None
    assert held.reason == "there is no permitted wording of HADS in this study's languages"
