"""Calls as stock AWS clients make them; import these where they are needed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from web_factories import BASE, Person, person_at

CLIENT = {"clientId": "aws-sso", "clientSecret": "public"}
CALLBACK = "http://127.0.0.1:49152/oauth/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    for person in person_at(tmp_path, clock):
        person.sign_in(clock, "admins")
        yield person


def call(person: Person, path: str, body: Any, **headers: str) -> Any:
    return person.client.post(path, base_url=BASE, json=body, headers=headers)


def refusal(answer: Any) -> tuple[int, str, str]:
    body = answer.get_json()
    return answer.status_code, answer.headers["x-amzn-ErrorType"], body.get("error", "")


def portal(person: Person, path: str, token: str) -> Any:
    return person.get(path, **({"x-amz-sso_bearer_token": token} if token else {}))
