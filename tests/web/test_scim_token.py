# ruff: noqa: F811 - fixtures are named where they are asked for
"""A SCIM client comes in by a token of its connection, and by nothing else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from databases import HeldClock
from flask import Flask
from scim_factories import ScimClient, client_of, scim_app
from scim_fixtures import app  # noqa: F401 - a fixture
from web_factories import TOKEN, Person, door_of

from federation_bridge.administration.scim_tokens import new_token, revoke_token, tokens
from federation_bridge.errors import BadRequest, NotFound
from federation_bridge.redaction import masked

PATHS = ("/Users", "/Groups", "/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/Users/x", "/.search")


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_told_without_a_token_of_this_connection(app: Flask, path: str, clock: HeldClock) -> None:
    client, partner = client_of(app), client_of(app, "partner")
    method = "POST" if path == "/.search" else "GET"
    wrong = ("", "Bearer", "Bearer ", f"Bearer {client.token}x", f"Bearer {partner.token}", f"Basic {client.token}",
             "Bearer " + "x" * 5000, f"DPoP {client.token}")  # fmt: skip
    for sent in wrong:
        answer = client.ask(method, path, {}, Authorization=sent)
        assert answer.status_code == 401, sent
        assert "This sender is not known here." in answer.text
        assert answer.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert client.ask(method, path, {}).status_code == (404 if path == "/Users/x" else 200)


def test_a_session_s_cookie_opens_nothing(app: Flask, clock: HeldClock) -> None:
    person = Person(app, app.test_client())
    person.sign_in(clock)
    assert person.get("/scim/v2/corp/Users", Authorization=f"Bearer {TOKEN}").status_code == 401


def test_a_connection_that_takes_no_scim_has_no_such_address(tmp_path: Path, clock: HeldClock) -> None:
    app = scim_app(tmp_path, clock)
    connections = door_of(app).settings.connections
    client = client_of(app)
    assert ScimClient(app, client.token, "nobody").ask("GET", "/Users").status_code == 404
    assert "nobody" not in connections
    door_of(app).store.close()


def test_a_token_is_kept_as_a_hash_and_masked_wherever_it_is_written(app: Flask, tmp_path: Path) -> None:
    client = client_of(app)
    client.ask("GET", f'/Users?filter=userName eq "{client.token}"')
    assert client.token.startswith("fbs_") and len(client.token) == 68
    assert client.token not in masked(f"asked with {client.token} here")
    for file in tmp_path.iterdir():
        assert client.token.encode() not in file.read_bytes()


def test_two_tokens_at_a_time_let_a_client_change_from_one_to_the_other(app: Flask, clock: HeldClock) -> None:
    here, old, new = door_of(app), client_of(app), client_of(app)
    with pytest.raises(BadRequest):
        new_token(here.store, clock, here.randomness, "corp")
    assert old.ask("GET", "/Users").status_code == new.ask("GET", "/Users").status_code == 200
    first = tokens(here.store, "corp")[0]
    revoke_token(here.store, clock, "corp", first.id)
    answered = {one.ask("GET", "/Users").status_code for one in (old, new)}
    assert answered == {200, 401}
    with pytest.raises(NotFound):
        revoke_token(here.store, clock, "corp", first.id)
    assert [row.event for row in here.store.audit.entries()[:3]] == ["scim.token_revoked"] + ["scim.token_made"] * 2


def test_when_a_token_was_used_last_is_known_to_a_minute(app: Flask, clock: HeldClock) -> None:
    client, store = client_of(app), door_of(app).store
    assert tokens(store, "corp")[0].last_used_at is None
    client.ask("GET", "/Users")
    began = clock()
    assert tokens(store, "corp")[0].last_used_at == began
    clock.advance(timedelta(seconds=30))
    client.ask("GET", "/Users")
    assert tokens(store, "corp")[0].last_used_at == began
    clock.advance(timedelta(minutes=1))
    client.ask("GET", "/Users")
    assert tokens(store, "corp")[0].last_used_at == clock()


def test_whoever_tries_tokens_is_slowed_down_and_the_client_is_not(app: Flask) -> None:
    client = client_of(app)
    answers = [client.ask("GET", "/Users", Authorization="Bearer fbs_wrong").status_code for _ in range(61)]
    assert (set(answers[:60]), answers[60]) == ({401}, 429)
    assert client.ask("GET", "/Users").status_code == 200
