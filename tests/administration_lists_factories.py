"""Programs that read the administration's lists; import these where they are needed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from administration_api_factories import Line, administered, rulebook_of
from databases import HeldClock
from jsonschema import Draft202012Validator
from web_factories import Person, door_of

from federation_bridge.administration.rules import Change, apply
from federation_bridge.model import Author
from federation_bridge.rulebook.texts import Texts
from federation_bridge.web.api.administration.document import OPERATIONS
from federation_bridge.web.api.openapi import DOCUMENT


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from administered(tmp_path, clock)


def fits(answer: Any, path: str, method: str = "get") -> Any:
    """The answer's body, where it is what the document promises for this path and status."""
    responses = DOCUMENT["paths"][f"/administration{path}"][method]["responses"]
    content = responses[str(answer.status_code)]["content"]
    assert answer.mimetype in content, path
    body = answer.get_json()
    schema = {**content["application/json"]["schema"], "components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(body)
    return body


def in_force(person: Person) -> Texts:
    stands = door_of(person.app).store.rulebook_versions.in_force()
    assert stands is not None
    return Texts.from_kept(stands.text)


def changed(person: Person, clock: HeldClock, group: str, reason: str = "a ticket") -> None:
    """Another version, with this group for administrators at AWS."""
    stands = in_force(person)
    texts = Texts(re.sub(r"(administrators\n.*\n.*group: )\w+", rf"\g<1>{group}", stands.document()), stands.accounts)
    apply(rulebook_of(person, clock), texts, Change(Author("the operator"), reason, stands.digest))


def all_pages(line: Line, path: str, **query: Any) -> list[Any]:
    """Every item of a list, page after page."""
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        body = fits(line.get(path, **query, **cursor), path)
        assert len(body["items"]) <= query.get("limit", 100)
        found += body["items"]
        if body["next"] is None:
            return found
        cursor = {"cursor": body["next"]}


READING = sorted(path for method, path in OPERATIONS if method == "GET")
