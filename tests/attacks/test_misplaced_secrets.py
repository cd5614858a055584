"""A secret in the wrong field is refused without being written down, in log or audit, by whichever door it came."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from databases import HeldClock
from web_factories import ACCOUNT, BASE, Person, door_of, person_at

from federation_bridge.audit import json_line
from federation_bridge.observers.sinks import Outcome
from federation_bridge.operate.logs import LogLines

SECRET = "fbr_Vd83kQpZ0xN1mW7uTcE5sYbH2jLgR9aFiOq4Kt6XwzM"
_FORM = {"client_id": "fedbridge", "grant_type": "refresh_token", "refresh_token": "x"}
_JSON = {"clientId": "aws-sso", "clientSecret": "public", "grantType": "refresh_token", "refreshToken": "x"}
MISPLACED: dict[str, dict[str, Any]] = {
    "client_id": {"path": "/oauth/token", "data": _FORM | {"client_id": SECRET}},
    "grant_type": {"path": "/oauth/token", "data": _FORM | {"grant_type": SECRET}},
    "the client of a device request": {"path": "/oauth/device_authorization", "data": {"client_id": SECRET}},
    "the name of a field": {"path": "/oauth/token", "data": _FORM | {SECRET: "x"}},
    "the address": {"path": f"/oauth/token?client_id={SECRET}", "data": _FORM},
    "the label": {"path": "/oauth/device_authorization", "data": {"client_id": "aws-sso", "client_label": SECRET}},
    "the token to revoke's client": {"path": "/oauth/revoke", "data": {"token": "x", "client_id": SECRET}},
    "a path": {"path": f"/{SECRET}"},
    "a path of the API": {"path": f"/api/v1/roles/{ACCOUNT}/{SECRET}/credentials", "json": {}},
    "a connection": {"path": f"/sign-in/{SECRET}/saml", "data": {"SAMLResponse": "x"}},
    "a field of JSON": {"path": f"/api/v1/roles/{ACCOUNT}/Reader/credentials", "json": {SECRET: "x"}},
    "the scheme": {"path": "/api/v1/sign-out", "headers": {"Authorization": SECRET}},
    "the origin": {"path": "/sign-out", "headers": {"Origin": f"https://{SECRET}"}},
    "the browser's word": {"path": "/sign-out", "headers": {"Sec-Fetch-Site": SECRET}},
    "the User-Agent": {"path": "/sign-out", "headers": {"User-Agent": SECRET}},
    "an address in front": {"path": "/sign-out", "headers": {"X-Forwarded-For": SECRET}},
    "a stock client's grant": {"path": "/token", "json": _JSON | {"grantType": SECRET}},
    "a stock client's client": {"path": "/v1/token", "json": {"clientId": SECRET, "grantType": "refresh_token"}},
    "a redirect address": {
        "path": f"/oauth/authorize?client_id=fedbridge&redirect_uri=https://{SECRET}",
        "method": "GET",
    },
    "a return address": {"path": "/sign-in", "data": {"connection": SECRET, "return_to": f"/go/{SECRET}"}},
    "a page of the console": {"path": f"/go/{ACCOUNT}/Administrator?to=/{SECRET}", "method": "GET"},
}


class _Kept:
    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def write(self, lines: Any) -> Outcome:
        self.lines.extend(lines)
        return Outcome(len(lines))


@pytest.fixture
def person(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from person_at(tmp_path, clock, serving={"trusted_proxies": ["127.0.0.0/8"]})


@pytest.mark.parametrize("asked", MISPLACED.values(), ids=MISPLACED)
@pytest.mark.parametrize("is_signed_in", [True, False])
def test_a_secret_in_the_wrong_place_is_written_down_nowhere(
    person: Person, clock: HeldClock, asked: dict[str, Any], *, is_signed_in: bool
) -> None:
    if is_signed_in:
        person.sign_in(clock, "admins")
    kept = _Kept()
    lines = LogLines(kept)
    with structlog.testing.capture_logs() as logged:
        person.client.open(**{"method": "POST", **asked}, base_url=BASE, buffered=True)
    for line in logged:
        lines.put(line)
    audited = [json_line(row) for row in door_of(person.app).store.audit.entries()]
    assert kept.lines
    told = b"".join(kept.lines).decode() + "".join(audited)
    assert SECRET[:12] not in told
    assert SECRET[-12:] not in told


def test_an_honest_mistake_stays_readable(person: Person) -> None:
    with structlog.testing.capture_logs() as logged:
        person.client.post("/oauth/token", base_url=BASE, data=_FORM | {"client_id": "fedbrigde"})
    kept = _Kept()
    LogLines(kept).put({**logged[0]})
    assert b"no client is called 'fedbrigde'" in kept.lines[0]
