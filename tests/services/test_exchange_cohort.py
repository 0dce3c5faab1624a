"""The published figures: imported, summed up, and unmoved by an import that fails."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from surveyapp.services.exchange import BadFilesError, import_folder
from surveyapp.services.site import Site
from surveyapp.store.records import load_people, retreat_by_name
from surveyapp.study import summary

COHORT = Path(__file__).parents[1] / "data" / "second-retreat"
EXPECTED: dict[str, list[dict[str, Any]]] = json.loads((COHORT / "expected.json").read_text())
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def figures(site: Site) -> dict[str, list[dict[str, Any]]]:
    """The group's figures of "Winter 2026", rounded as expected.json is."""
    with site.database.read() as session:
        retreat = retreat_by_name(session, "Winter 2026")
        assert retreat is not None
        people = load_people(session, site.library, retreat.id)
    scores = summary.group_scores(people, site.library.instruments)
    shares = summary.criterion_shares(people, "meq30", "complete_mystical")
    return {
        "scores": [
            {
                "course": s.course,
                "timepoint": s.timepoint,
                "instrument": s.instrument,
                "scale": s.scale,
                "n": s.n,
                "mean": round(s.mean, 2) if s.mean is not None else None,
                "sd": round(s.sd, 2) if s.sd is not None else None,
            }
            for s in scores
        ],
        "complete_mystical": [
            {"course": s.course, "n": s.n, "count": s.count, "percent": round(s.percent or 0)}
            for s in shares
        ],
        "booster": [
            {"course": s.course, "n": s.n, "count": s.count} for s in summary.booster_shares(people)
        ],
    }


def test_every_row_of_the_expected_figures_comes_out(site: Site) -> None:
    import_folder(site, COHORT, NOW)
    found = figures(site)
    assert [row for row in EXPECTED["scores"] if row not in found["scores"]] == []
    assert found["complete_mystical"] == EXPECTED["complete_mystical"]
    assert found["booster"] == EXPECTED["booster"]


def test_again_and_with_a_bad_row_the_figures_stay(site: Site, tmp_path: Path) -> None:
    import_folder(site, COHORT, NOW)
    before = figures(site)
    import_folder(site, COHORT, NOW)
    assert figures(site) == before
    bad = Path(shutil.copytree(COHORT, tmp_path / "bad"))
    lines = (bad / "responses.csv").read_text().splitlines(keepends=True)
    lines[18] = lines[18].rpartition(",")[0] + ",9\n"
    (bad / "responses.csv").write_text("".join(lines))
    with pytest.raises(BadFilesError, match=r"^responses\.csv line 19: item 4 of HADS"):
        import_folder(site, bad, NOW)
    assert figures(site) == before
