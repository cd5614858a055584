"""BREACH: whoever watches the lengths of compressed answers reads a secret in them, one guess after the other."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from flask import Response
from web_factories import ACCOUNT, BASE, TOKEN, Person, person_at

from federation_bridge.web.forms import form_token
from federation_bridge.web.observe import public_documents
from federation_bridge.web.static_files import address_of

TAKES_ANYTHING = {"Accept-Encoding": "gzip, deflate, br, zstd, *"}
FILLED = {
    "account": ACCOUNT,
    "role": "Administrator",
    "connection": "corp",
    "hashed_name": address_of("style.css").rpartition("/")[2],
}


@pytest.fixture
def person(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from person_at(tmp_path, clock)


def _answers(person: Person) -> Iterator[tuple[str, Any]]:
    """Every route, asked with every method that it has, with our own form's token and with a guess in the address."""
    for rule in list(person.app.url_map.iter_rules()):
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda name: FILLED.get(name[1], "word"), rule.rule)
        for method in sorted(rule.methods or ()):
            fields = {"csrf_token": form_token(TOKEN), "connection": "corp"} if method == "POST" else None
            yield (
                f"{method} {rule.rule}",
                person.client.open(
                    f"{path}?guess={form_token(TOKEN)[:8]}",
                    method=method,
                    base_url=BASE,
                    data=fields,
                    headers=TAKES_ANYTHING,
                    buffered=True,
                ),
            )


@pytest.mark.parametrize("is_signed_in", [False, True])
def test_no_answer_that_sets_or_holds_a_secret_is_ever_compressed(
    person: Person, clock: HeldClock, *, is_signed_in: bool
) -> None:
    compressed = set()
    if is_signed_in:
        person.sign_in(clock, "admins")
    for asked, answer in _answers(person):
        if "Content-Encoding" not in answer.headers:
            continue
        compressed.add(asked.partition(" ")[2])
        body = gzip.decompress(answer.data).decode() if answer.data else ""
        told = f"{asked}: {answer.status} {answer.headers}"
        assert "Set-Cookie" not in answer.headers, told
        assert "guess" not in body, told
        assert not re.search(r"[0-9a-f]{64}", body), told
        assert "ada" not in body.split(), told
    # The twin: what holds nothing of anybody is.
    assert {"/static/<hashed_name>", "/api/v1/openapi.json"} <= compressed
    assert not [rule for rule in compressed if rule in ("/", "/why", "/api/v1/me", "/api/v1/roles", "/sign-in")]


def test_a_document_is_the_same_for_everybody_who_asks(person: Person, clock: HeldClock) -> None:
    rules = [rule for rule in person.app.url_map.iter_rules() if rule.endpoint in public_documents.DOCUMENTS]
    paths = [re.sub(r"<(\w+)>", lambda name: FILLED[name[1]], rule.rule) for rule in rules]
    before = {path: person.get(path, **TAKES_ANYTHING).data for path in paths}
    person.sign_in(clock, "admins")
    given = []
    for path in paths:
        asked = {**TAKES_ANYTHING, "Accept-Language": "zh-CN", "User-Agent": "another", "Authorization": "Bearer x"}
        answer = person.get(path, **asked)
        if answer.status_code == 200:
            given.append(path)
            assert answer.data == before[path], path
    assert {"/api/v1/openapi.json", "/saml/metadata", "/.well-known/jwks.json"} <= set(given)


@pytest.mark.parametrize("endpoint", ["static_files.file", "api.openapi"])
def test_a_listed_address_that_sets_a_cookie_is_neither_compressed_nor_kept(
    person: Person, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    def sets_a_cookie(**_: str) -> Response:
        response = Response("secret" * 1000)
        response.set_cookie("mark", "secret")
        return response

    monkeypatch.setitem(person.app.view_functions, endpoint, sets_a_cookie)
    path = address_of("style.css") if endpoint == "static_files.file" else "/api/v1/openapi.json"
    answer = person.get(path, **TAKES_ANYTHING)
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
