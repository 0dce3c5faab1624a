"""Links: made again the same, revoked by generation, found by hash alone."""

from __future__ import annotations

from sqlalchemy import select

from surveyapp.services.site import Site
from surveyapp.store import links
from surveyapp.store.tables_access import Link
from tests.world import add_course


def test_a_token_has_128_bits_and_can_be_made_again(site: Site) -> None:
    course = add_course(site)
    with site.database.write() as session:
        first = links.ensure_link(session, site.link_key, course, "baseline")
        again = links.ensure_link(session, site.link_key, course, "baseline")
        other = links.ensure_link(session, site.link_key, course, "day-8")
    assert first == again != other
    assert len(first) == 22
    with site.database.read() as session:
        found = links.find_link(session, first)
        assert found is not None
        assert (found.course_id, found.timepoint) == (course, "baseline")
        assert first not in [link.token_sha256 for link in session.scalars(select(Link))]


def test_a_revoked_token_is_unknown_and_the_next_one_works(site: Site) -> None:
    course = add_course(site)
    with site.database.write() as session:
        old = links.ensure_link(session, site.link_key, course, "baseline")
        links.revoke_link(session, site.link_key, course, "baseline")
        new = links.ensure_link(session, site.link_key, course, "baseline")
    with site.database.read() as session:
        assert links.find_link(session, old) is None
        assert links.find_link(session, new) is not None
        assert links.find_link(session, "x" * 22) is None


def test_another_link_key_gives_other_tokens() -> None:
    assert links.make_token(b"a" * 32, 1, "t", 0) != links.make_token(b"b" * 32, 1, "t", 0)
