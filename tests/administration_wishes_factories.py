"""Programs that do what commands do; import these where they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from administration_api_factories import Line, administered
from databases import HeldClock
from jsonschema import Draft202012Validator
from web_factories import Person

from federation_bridge.web.api.openapi import DOCUMENT


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from administered(tmp_path, clock)


def posted(line: Line, path: str, body: Any) -> Any:
    """The body of the answer, where both bodies are what the document promises."""
    operation = DOCUMENT["paths"][f"/administration{path}"]["post"]
    sent = operation["requestBody"]["content"]["application/json"]["schema"]
    answer = line.post(path, body)
    received = operation["responses"][str(answer.status_code)]["content"]["application/json"]["schema"]
    if answer.status_code == 200:
        Draft202012Validator({**sent, "components": DOCUMENT["components"]}).validate(body)
    Draft202012Validator({**received, "components": DOCUMENT["components"]}).validate(answer.get_json())
    return answer.get_json()
