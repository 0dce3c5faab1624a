"""Going live on the pages: what is missing, each with its place, and the act once nothing is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from surveyapp.services import (
    alert_acts,
    enrolment,
    golive,
    health,
    languages,
    notices,
    people,
    permissions,
    prompting,
)
from surveyapp.services.alert_views import NewResponders
from surveyapp.services.disks import is_inside, same_disk
from surveyapp.services.enrolment import NewRetreat, StudySettings
from surveyapp.services.errors import InputError, RefusedError
from surveyapp.services.people import NewPerson
from surveyapp.services.site import Site
from surveyapp.store import studies
from surveyapp.store.links import ensure_link
from surveyapp.store.tables import Study
from surveyapp.store.tables_access import Event, Staff
from tests.conftest import NOON
from tests.fillers import install
from tests.services.test_enrolment import BY
from tests.world import AMSTERDAM, DOSING, add_course

SETTINGS = StudySettings("112", "0800 0113", "+31 20 1234567", "9 to 17", "the nurse", "weekly")
MISSING = {
    "Wordings",
    "Help and reading",
    "Who is told of alerts",
    "Data notice",
    "Backup",
    "Watched from outside",
    "Address",
    "Mail server",
    "Worker",
}


def other_disk(than: Path) -> Path:
    """A folder on another disk; nothing is written there."""
    device = than.stat().st_dev
    places = ("/dev/shm", "/tmp", "/var/tmp", "/", "/proc")
    return next(p for p in map(Path, places) if p.exists() and p.stat().st_dev != device)


def bare(site: Site) -> Site:
    settings = site.settings.model_copy(update={"public_url": "http://127.0.0.1:8000"})
    return replace(site, settings=settings)


def ready(site: Site) -> Site:
    """Everything is set but the study's own."""
    changes = {
        "backup_dir": other_disk(site.settings.data_dir.parent),
        "backup_key": "age1filler",
        "ping_url": "https://watch.example.net/x",
        "smtp_url": "smtps://user:secret@mail.example.net",
        "mail_from": "checkin@clinic.example.net",
    }
    health.beat(site, "worker", NOON)
    return replace(site, settings=site.settings.model_copy(update=changes))


def furnished(site: Site) -> int:
    """A practice study that lacks nothing."""
    study = golive.start_study(site, "second-retreat", **BY)
    enrolment.save_settings(site, study, SETTINGS, **BY)
    staff = "ada@clinic.somewhere.nl"
    told = NewResponders("Ada", staff, 60)
    with site.database.write() as session:
        session.add(Staff(email=staff, uniquifier="u", created_at=NOON))
    alert_acts.set_responders(site, study, told, **BY)
    notices.publish(site, study, {"en": "What we do with answers."}, **BY)
    golive.limit_languages(site, study, ["en"], **BY)
    install(site, "hads", **BY)
    install(site, "meq30", **BY)
    return study


def states(site: Site, study: int) -> dict[str, str]:
    found = golive.checklist(site, study, health.health(site, NOON), NOON)
    return {line.name: line.state for line in found.lines}


def go(site: Site, study: int, title: str = "Trial A", again: str = "Trial A") -> int:
    return golive.go_live(site, study, title, again, health.health(site, NOON), **BY)


def test_an_empty_system_lacks_everything_and_says_where(sqlite_site: Site) -> None:
    site = bare(sqlite_site)
    study = golive.start_study(site, "second-retreat", **BY)
    found = golive.checklist(site, study, health.health(site, NOON), NOON)
    assert {line.name for line in found.lines if line.state == "missing"} == MISSING
    assert found.missing == len(MISSING)
    assert all(line.words.endswith(".") for line in found.lines)
    with pytest.raises(RefusedError, match="Still missing: Wordings, Help"):
        go(site, study)


def test_a_live_study_is_made_anew_with_what_was_set_up(site: Site) -> None:
    site = ready(site)
    study = furnished(site)
    assert "missing" not in states(site, study).values()
    live = go(site, study)
    assert live != study
    with site.database.read() as session:
        before, after = session.get(Study, study), session.get(Study, live)
        assert before is not None
        assert after is not None
        assert (before.mode, after.mode, after.title) == ("practice", "live", "Trial A")
        assert [getattr(after, name) for name in studies.LINES] == [
            getattr(before, name) for name in studies.LINES
        ]
        assert permissions.choosable(session, live) == ("en",)
        assert "study went live" in set(session.scalars(select(Event.kind)))
    assert notices.published(site, live)[0].version == 1
    assert states(site, live)["Who is told of alerts"] == "done"
    with pytest.raises(RefusedError, match="a live study of this protocol already"):
        go(site, study, "Trial B", "Trial B")


@pytest.mark.parametrize(
    ("title", "again", "field"),
    [
        ("", "", "title"),
        ("x" * 81, "x" * 81, "title"),
        ("Trial A", "Trial B", "again"),
        ("Trial A", "", "again"),
    ],
)
def test_the_name_is_asked_twice(sqlite_site: Site, title: str, again: str, field: str) -> None:
    site = ready(sqlite_site)
    study = furnished(site)
    with pytest.raises(InputError) as caught:
        go(site, study, title, again)
    assert list(caught.value.problems) == [field]


def test_data_never_pass_between_practice_and_live(sqlite_site: Site) -> None:
    site = ready(sqlite_site)
    live = go(site, furnished(site))
    add_course(site, "P-01")
    wish = NewRetreat("Live one", "second-retreat", AMSTERDAM, DOSING, study_id=live)
    retreat = enrolment.add_retreat(site, wish, **BY)
    with pytest.raises(InputError, match="data never pass between practice and live"):
        people.add_person(site, retreat, NewPerson("P-01"), **BY)
    people.add_person(site, retreat, NewPerson("L-01", "who@clinic.example.net"), **BY)
    practice = enrolment.add_retreat(
        site, NewRetreat("Practice", "second-retreat", AMSTERDAM, DOSING), **BY
    )
    with pytest.raises(InputError, match="is in a live study"):
        people.add_person(site, practice, NewPerson("L-01"), **BY)
    for wrong in (99, 1):
        bad = replace(wish, name=f"Of {wrong}", study_id=wrong)
        with pytest.raises(InputError):
            enrolment.add_retreat(site, bad, **BY)
    with pytest.raises(InputError, match="follows second-retreat"):
        enrolment.add_retreat(site, replace(wish, name="Of mdma", protocol="mdma"), **BY)


def test_a_live_study_writes_to_everybody_in_the_installed_text(sqlite_site: Site) -> None:
    site = ready(sqlite_site)
    live = go(site, furnished(site))
    wish = NewRetreat("Live one", "second-retreat", AMSTERDAM, DOSING, study_id=live)
    retreat = enrolment.add_retreat(site, wish, **BY)
    people.add_person(site, retreat, NewPerson("L-01", "who@clinic.somewhere.nl"), **BY)
    with pytest.raises(InputError, match="has the languages en"):
        people.add_person(site, retreat, NewPerson("L-02", language="nl"), **BY)
    enrolment.record_consent(site, "L-01", 1, NOON.date(), "answers and messages", **BY)
    at = datetime(2027, 3, 10, 9, tzinfo=UTC)
    with site.database.read() as session:
        course = enrolment.the_course(session, site, "L-01", 1).course_id
    job = prompting.claim(site, course, "w", at)
    assert job is not None
    assert "Placeholder" not in str(job.message)
    with site.database.write() as session:
        token = ensure_link(session, site.link_key, course, "baseline")
    with pytest.raises(InputError):
        languages.choose_at_door(site, token, "nl", at)
    with pytest.raises(InputError, match="People in this study have en"):
        golive.limit_languages(site, live, ["nl"], **BY)


def test_where_the_keys_lie(sqlite_site: Site, tmp_path: Path) -> None:
    data = sqlite_site.settings.data_dir

    def state(**changes: object) -> str:
        settings = sqlite_site.settings.model_copy(update=changes)
        site = replace(sqlite_site, settings=settings)
        return states(site, study)["Keys apart from the data"]

    study = golive.start_study(sqlite_site, "second-retreat", **BY)
    assert state(keys_dir=data / "keys") == "missing"
    assert state(keys_dir=tmp_path / "keys") == "warning"
    assert state(secret_key="x" * 40, contact_keys="y") == "done"
    assert is_inside(data / "a" / ".." / "b", data)
    assert not is_inside(data.with_name("data-keys"), data)
    assert same_disk(data, tmp_path)


def test_where_backups_go(sqlite_site: Site) -> None:
    data = sqlite_site.settings.data_dir
    study = golive.start_study(sqlite_site, "second-retreat", **BY)

    def state(**changes: object) -> str:
        settings = sqlite_site.settings.model_copy(update=changes)
        return states(replace(sqlite_site, settings=settings), study)["Backup"]

    assert state() == "missing"
    other = other_disk(data.parent)
    assert state(backup_dir=other) == "missing"
    assert state(backup_dir=data / "backups", backup_key="age1x") == "missing"
    assert state(backup_dir=data.with_name("backups"), backup_key="age1x") == "missing"
    assert state(backup_dir=other, backup_key="age1x") in ("done", "warning")
