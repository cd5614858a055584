"""The page of `aws login` lets in `aws login` alone: other programs have a page that says their name."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from web_factories import ACCOUNT, BASE, Person, person_at

from federation_bridge.aws_clients.sign_in import CROSS_DEVICE, SAME_DEVICE

if TYPE_CHECKING:
    from databases import HeldClock

CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 64).digest()).rstrip(b"=").decode()


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    for person in person_at(tmp_path, clock):
        person.sign_in(clock, "admins")
        yield person


@pytest.mark.parametrize(
    ("client", "redirect_uri", "is_let_in"),
    [
        (SAME_DEVICE, "http://127.0.0.1:49152/oauth/callback", True),
        (CROSS_DEVICE, f"{BASE}/v1/sessions/confirmation", True),
        ("aws-sso", "http://127.0.0.1:49152/oauth/callback", False),
        ("fedbridge", "http://127.0.0.1:49152/callback", False),
    ],
)
def test_no_other_program_is_let_in_there_though_its_redirect_address_is_its_own(
    ada: Person, client: str, redirect_uri: str, is_let_in: bool
) -> None:
    fields = {
        "response_type": "code",
        "client_id": client,
        "redirect_uri": redirect_uri,
        "state": "s",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "SHA-256",
        "scope": "openid",
    }
    shown = ada.client.get("/v1/authorize", base_url=BASE, query_string=fields)
    sent = ada.post("/v1/authorize", {**fields, "role": f"{ACCOUNT}/Administrator"})
    assert (shown.status_code == 200) == is_let_in
    assert ("code=" in sent.headers.get("Location", "") + sent.get_data(as_text=True)) == is_let_in
