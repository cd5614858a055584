"""Programs that wish for a change of the rulebook; import these where they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from administration_api_factories import administered, stands
from databases import HeldClock
from jsonschema import Draft202012Validator
from web_factories import Person, door_of

from federation_bridge.web.api.administration.document import OPERATIONS
from federation_bridge.web.api.openapi import DOCUMENT

CHANGING = sorted(path for method, path in OPERATIONS if method == "POST")


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from administered(tmp_path, clock)


def rules_of(person: Person) -> str:
    return stands(person)[2].joined


def wish(person: Person, group: str = "staff", **more: Any) -> dict[str, Any]:
    """A change of who is administrator at AWS."""
    digest = stands(person)[1]
    rules = rules_of(person).replace("when: {group: admins}", f"when: {{group: {group}}}")
    return {"rules": rules, "base_digest": digest, "reason": "a ticket"} | more


def fits(answer: Any, path: str) -> Any:
    """The answer's body, where it is what the document promises for this path and status."""
    responses = DOCUMENT["paths"][f"/administration{path}"]["post"]["responses"]
    schema = responses[str(answer.status_code)]["content"]["application/json"]["schema"]
    body = answer.get_json()
    Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(body)
    return body


def rows(person: Person) -> tuple[Any, ...]:
    store = door_of(person.app).store
    held = (store.rulebook_versions.history(9), store.rulebook_proposals.waiting(9))
    return *held, store.blocks.standing(), {one.key for one in store.sessions.living()}
