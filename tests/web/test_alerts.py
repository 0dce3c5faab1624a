"""Alerts on the pages, without script: who is told, a drill, acknowledged, acted on, closed."""

from __future__ import annotations

from .conftest import Browser
from .test_staff import act, value
from .test_staff import filled as filled
from .test_staff import staff as staff

TOLD = {
    "name": "On call",
    "email": "on-call@example.org",
    "minutes": "30",
    "deputy_name": "The deputy",
    "deputy_email": "deputy@example.org",
    "edition": "0",
}


def test_a_drill_goes_the_whole_way(filled: Browser) -> None:
    assert "nobody is named to be told" in filled.get("/staff/").text
    assert "There is no alert." in filled.get("/staff/alerts").text
    page = act(filled, "/staff/study/1/drill")
    assert page.status == 400
    assert "Say first who is told" in page.text
    assert "The deputy (deputy@example.org)" in act(filled, "/staff/study/1/told", {**TOLD}).text
    assert "The drill is on its way." in act(filled, "/staff/study/1/drill").text
    assert "Drill: S-01" in filled.get("/staff/").text
    assert "1 open alert" in filled.get("/staff/people/S-01").text
    page = act(filled, "/staff/alerts/1/acknowledge")
    assert "Acknowledged: you have it." in page.text
    assert "Not needed" in page.text
    page = act(filled, "/staff/alerts/1/close", {"edition": "0", "reason": ""})
    assert "No action is on record: say why none is needed." in page.text
    done = {"edition": "0", "action": "Tried it at 10:20.", "outcome": ""}
    assert "Tried it at 10:20." in act(filled, "/staff/alerts/1/outcome", {**done}).text
    page = act(filled, "/staff/alerts/1/outcome", {**done, "action": "<script>mine</script>"})
    assert page.status == 400
    assert "Somebody else changed it meanwhile." in page.text
    assert page.tree.find(".//textarea").text.strip() == "<script>mine</script>"
    page = act(filled, "/staff/alerts/1/close", {"edition": "1", "reason": ""})
    assert "The alert is closed." in page.text
    assert "Drill: S-01" not in filled.get("/staff/").text
    assert "Closed" in filled.get("/staff/alerts").text


def test_wrong_people_keep_what_was_typed(filled: Browser) -> None:
    page = act(filled, "/staff/study/1/told", {**TOLD, "email": "somebody@hospital.nl"})
    assert page.status == 400
    assert "A practice study sends only to staff and to test addresses." in page.text
    assert value(page, "email") == "somebody@hospital.nl"
    assert act(filled, "/staff/study/1/told", {**TOLD, "minutes": "soon"}).status == 400
    act(filled, "/staff/study/1/told", {**TOLD})
    without = {name: typed for name, typed in TOLD.items() if name != "edition"}
    page = act(filled, "/staff/study/1/told", {**without, "name": "Another"})
    assert page.status == 400
    assert "Somebody else changed it since you opened this." in page.text


def test_an_alert_that_is_not_there_is_not_found(filled: Browser) -> None:
    for page in ("", "/outcome", "/close"):
        assert filled.get(f"/staff/alerts/9{page}").status == 404


def test_who_names_people_second_sees_whom_the_first_named(filled: Browser) -> None:
    path = "/staff/study/1/told"
    opened = value(filled.get(path), "edition")
    act(filled, path, {**TOLD, "edition": opened})
    mine = {**TOLD, "name": "Night desk", "edition": opened}
    page = act(filled, path, mine)
    assert page.status == 400
    assert "On record now: On call, on-call@example.org; The deputy" in page.text
    assert value(page, "name") == "Night desk"
    page = act(filled, path, {**mine, "edition": value(page, "edition")})
    assert "Alerts go to these people from now on." in page.text


def test_another_mistake_does_not_hide_what_somebody_else_wrote(filled: Browser) -> None:
    act(filled, "/staff/study/1/told", {**TOLD})
    act(filled, "/staff/study/1/drill")
    path = "/staff/alerts/1/outcome"
    act(filled, path, {"edition": "0", "action": "Called at 10:20.", "outcome": ""})
    page = act(filled, path, {"edition": "0", "action": "x" * 5000, "outcome": ""})
    assert page.status == 400
    assert (value(page, "edition") == "1") == ("Called at 10:20." in page.text)
    page = act(filled, path, {"edition": "1", "action": "x" * 5000, "outcome": ""})
    assert "Use at most" in page.text
    assert value(page, "edition") == "1"
