"""An address in an answer comes from settings, never from a request: caches and mails would carry it to others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from web_factories import BASE, TOKEN, Person, door_of, person_at
from werkzeug.routing import Rule

from federation_bridge.web import cookies
from federation_bridge.web.static_files import address_of

HOSTILE = "attacker.example"
STYLE = address_of("style.css")
HEADERS = {
    "Host": HOSTILE,
    "X-Forwarded-Host": HOSTILE,
    "X-Forwarded-Server": HOSTILE,
    "X-Host": HOSTILE,
    "X-Original-Host": HOSTILE,
    "X-Original-URL": f"//{HOSTILE}/",
    "X-Rewrite-URL": f"//{HOSTILE}/",
    "X-Forwarded-Prefix": f"//{HOSTILE}",
    "Forwarded": f"host={HOSTILE};proto=http",
}


@pytest.fixture
def person(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from person_at(tmp_path, clock)


def _filled(rule: Rule) -> str:
    """The rule's path, each of its parameters filled with a word, or a number."""
    words: dict[str, object] = {
        name: STYLE.rpartition("/")[2] if name == "hashed_name" else "word" for name in rule.arguments
    }
    words |= {"number": 1} if "number" in rule.arguments else {}
    _, path = rule.build(words, False)  # type: ignore[misc]
    return str(path)


def _variants(path: str) -> tuple[str, ...]:
    inside = path[:1] + path[1:].replace("/", "//", 1)
    return (path, f"/{path}", f"//{HOSTILE}{path}", inside, f"{path}/", f"{path}//", f"{path}?to=/", f"{path}/.")


def _answers(person: Person) -> Iterator[tuple[str, Any]]:
    for rule in person.app.url_map.iter_rules():
        for path in _variants(_filled(rule)):
            for method in sorted((rule.methods or set()) | {"GET"}):
                yield (
                    f"{method} {path}",
                    person.client.open(path, method=method, base_url=BASE, headers=HEADERS, buffered=True),
                )


@pytest.mark.parametrize("is_signed_in", [False, True])
def test_no_route_ever_answers_with_the_host_that_was_sent(
    person: Person, clock: HeldClock, *, is_signed_in: bool
) -> None:
    if is_signed_in:
        person.sign_in(clock, "admins")
        person.client.set_cookie(cookies.SESSION, TOKEN, domain=HOSTILE, secure=True)
    for asked, answer in _answers(person):
        told = f"{asked}: {answer.status} {answer.headers}"
        assert HOSTILE not in str(answer.headers), told
        assert HOSTILE not in answer.text, told
        where = answer.headers.get("Location", "/")
        assert (where.startswith("/") and not where.startswith("//")) or where.startswith("https://"), told


@pytest.mark.parametrize("path", ["//device", "/api//v1/me", "/device/", f"/{STYLE}", STYLE.replace("/", "//")])
def test_an_address_that_is_almost_one_of_ours_is_no_page(person: Person, path: str) -> None:
    assert person.get(path).status_code == 404
    assert person.get(path.replace("//", "/").rstrip("/")).status_code != 404


def test_the_router_redirects_nowhere_even_where_a_route_ends_with_a_slash(person: Person) -> None:
    """A route that somebody adds so would bring the redirect back: it is refused before it is sent."""
    assert not [rule.rule for rule in person.app.url_map.iter_rules() if rule.rule.endswith("/") and rule.rule != "/"]
    person.app.url_map.add(Rule("/later/", endpoint="health.healthz"))
    assert person.get("/later/").status_code == 200
    assert person.get("/later", Host=HOSTILE).status_code == 404


def test_our_own_documents_name_the_address_of_the_settings(person: Person) -> None:
    answer = person.client.get("/.well-known/oauth-authorization-server", base_url=BASE, headers=HEADERS)
    assert answer.get_json()["issuer"] == door_of(person.app).settings.base_url
