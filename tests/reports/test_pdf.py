"""The renderer: a process of its own that fetches nothing, ends when told, and recovers."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from surveyapp.reports.pdf import MAX_ROWS, Renderer, RenderError, render_here

PAGE = "<!doctype html><html lang=en><title>Page</title><p>One line.</p>"


@pytest.fixture(scope="module")
def renderer() -> Generator[Renderer]:
    with Renderer() as made:
        yield made


def child(renderer: Renderer) -> int:
    pid = renderer.pid
    assert pid is not None
    return pid


def test_it_starts_with_the_first_document_and_draws_in_another_process():
    with Renderer() as lazy:
        assert lazy.pid is None
        assert lazy.render(PAGE).startswith(b"%PDF-")
        assert child(lazy) != os.getpid()
    assert lazy.pid is None


def test_the_same_document_gives_the_same_bytes_in_every_process(renderer: Renderer):
    assert renderer.render(PAGE) == renderer.render(PAGE) == render_here(PAGE)


@pytest.mark.parametrize(
    "reference",
    [
        "<img src='{0}'>",
        "<link rel=stylesheet href='{0}'>",
        "<style>@import url({0});</style>",
        "<style>@font-face {{ font-family: x; src: url({0}) }} p {{ font-family: x }}</style><p>x",
        "<style>p {{ background: url({0}) }}</style><p>x",
        "<svg xmlns='http://www.w3.org/2000/svg'><image href='{0}' width='9' height='9'/></svg>",
    ],
)
def test_nothing_is_fetched_not_even_a_file(renderer: Renderer, reference: str, tmp_path: Path):
    secret = tmp_path / "secret.css"
    secret.write_text("p { color: red }")
    with pytest.raises(RenderError, match="may not fetch"):
        renderer.render(PAGE + reference.format(secret.as_uri()))
    assert renderer.render(PAGE).startswith(b"%PDF-")


def test_a_document_with_too_many_rows_is_refused(renderer: Renderer):
    with pytest.raises(RenderError, match=f"at most {MAX_ROWS}"):
        renderer.render("<table>" + "<tr><td>x" * (MAX_ROWS + 1))


def test_a_document_that_takes_too_long_is_given_up_and_the_next_one_works():
    with Renderer(timeout=60) as renderer:
        renderer.start()
        renderer.timeout = 0.0
        with pytest.raises(RenderError, match="longer than 0 seconds"):
            renderer.render(PAGE)
        renderer.timeout = 60
        assert renderer.render(PAGE).startswith(b"%PDF-")


def test_a_killed_process_is_replaced():
    with Renderer() as renderer:
        renderer.render(PAGE)
        first = child(renderer)
        os.kill(first, signal.SIGKILL)
        assert renderer.render(PAGE).startswith(b"%PDF-")
        assert child(renderer) != first


def test_the_process_is_replaced_after_its_share_of_documents():
    with Renderer(documents=2) as renderer:
        pids = [child(renderer) for _ in range(3) if renderer.render(PAGE)]
        assert pids[0] == pids[1] != pids[2]


def test_several_threads_may_ask_at_once(renderer: Renderer):
    documents = [f"{PAGE}<p>{n}" for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        drawn = list(pool.map(renderer.render, documents))
    assert drawn == [render_here(d) for d in documents]
