"""What SCIM told is shown to whoever administers: how much, when last, and who is linked to nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from administration_api_factories import let_in
from administration_factories import MORE, browser
from block_factories import put
from click.testing import CliRunner
from databases import HeldClock
from scim_factories import ALICE, ScimClient, client_of, scim_app
from structlog.testing import capture_logs
from web_factories import Person, door_of, settings_of_tests, write_files

from federation_bridge.administration.scim_told import standing
from federation_bridge.operate.commands import commands
from federation_bridge.web.door import Door


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    connections = json.loads(json.dumps(settings_of_tests()["connections"]))
    connections["corp"]["scim"] = {}
    write_files(tmp_path)
    yield from browser(tmp_path, clock, MORE, connections=connections)


def told(ada: Person, clock: HeldClock) -> ScimClient:
    """Two users of whom one is linked to nobody, and a group."""
    client = client_of(ada.app)
    client.made_group("admins", client.made())
    client.made("contractor@example.com", None, active=False)
    ada.sign_in(clock, "auditors")
    return client


def test_the_page_shows_how_much_was_told_when_and_who_is_joined_with_nobody(ada: Person, clock: HeldClock) -> None:
    told(ada, clock)
    clock.advance(timedelta(minutes=10))
    shown = ada.get("/administration/scim?connection=corp").text
    for text in ("alice@example.com", f"corp/{ALICE}", "linked to nobody", "contractor@example.com", "admins"):
        assert text in shown, text
    alone = ada.get("/administration/scim?connection=corp&show=unjoined").text
    assert "contractor@example.com" in alone and "alice@example.com" not in alone
    assert ada.get("/administration/scim?connection=nobody").status_code == 404
    chinese = ada.get("/administration/scim?connection=corp", **{"Accept-Language": "zh-CN"}).text
    assert "未与任何人关联" in chinese


def test_a_client_that_has_not_called_for_hours_is_quiet(ada: Person, clock: HeldClock) -> None:
    here: Door = door_of(ada.app)
    (never,) = standing(here.store, here.settings, clock)
    assert (never.last_contact_at, never.is_quiet, never.tokens) == (None, False, 0)
    told(ada, clock)
    (now,) = standing(here.store, here.settings, clock)
    assert (now.users, now.disabled, now.unjoined, now.groups) == (2, 1, 1, 1)
    assert (now.last_contact_at, now.is_quiet) == (clock(), False)
    clock.advance(timedelta(hours=4))
    assert not standing(here.store, here.settings, clock)[0].is_quiet
    clock.advance(timedelta(hours=21))
    assert standing(here.store, here.settings, clock)[0].is_quiet
    assert 'bridge_scim_quiet{connection="corp"} 1.0' in ada.get("/metrics").text


def test_silence_is_told_in_the_log_once_until_the_client_calls_again(ada: Person, clock: HeldClock) -> None:
    client, tell = told(ada, clock), door_of(ada.app).upkeep.tell
    with capture_logs() as logs:
        tell()
        assert not [one for one in logs if one["event"] == "a SCIM client is quiet"]
        clock.advance(timedelta(hours=25))
        tell()
        tell()
        client.ask("GET", "/Users")
        tell()
        clock.advance(timedelta(hours=25))
        tell()
    said = [one for one in logs if one["event"] == "a SCIM client is quiet"]
    assert [one["connection"] for one in said] == ["corp", "corp"]
    assert "called last 2026-03-04 12:00 UTC" in said[0]["detail"]


@pytest.mark.parametrize(
    ("preset", "scim", "hours"), [("entra", {}, 3), ("okta", {}, 24), ("okta", {"quiet_after": "5h"}, 5)]
)
def test_a_provider_that_comes_by_often_is_missed_sooner(
    tmp_path: Path, clock: HeldClock, preset: str, scim: dict[str, str], hours: int
) -> None:
    app = scim_app(tmp_path, clock, scim)
    here = door_of(app)
    corp = here.settings.connections["corp"].model_copy(update={"preset": preset, "tenants": ("t",)})
    settings = here.settings.model_copy(update={"connections": {"corp": corp}})
    client_of(app)
    clock.advance(timedelta(hours=hours))
    assert not standing(here.store, settings, clock)[0].is_quiet
    clock.advance(timedelta(seconds=1))
    assert standing(here.store, settings, clock)[0].is_quiet


def test_metrics_count_requests_users_and_who_is_kept_out(ada: Person, clock: HeldClock) -> None:
    client = told(ada, clock)
    stranger = ScimClient(ada.app, "fbs_wrong")
    assert stranger.ask("GET", "/Users").status_code == 401
    assert ScimClient(ada.app, client.token, "invented").ask("GET", "/Users").status_code in (401, 404)
    put(door_of(ada.app).store, clock, "corp/mallory", "administrator")
    put(door_of(ada.app).store, clock, f"corp/{ALICE}", "scim")
    put(door_of(ada.app).store, clock, "partner", "incident")
    shown = ada.get("/metrics").text
    for line in (
        'bridge_scim_users{connection="corp"} 2.0',
        'bridge_scim_blocked_people{connection="corp"} 1.0',
        f'bridge_scim_last_contact_timestamp_seconds{{connection="corp"}} {clock().timestamp()!r}',
        'bridge_scim_quiet{connection="corp"} 0.0',
        'bridge_blocked_people{source="administrator"} 1.0',
        'bridge_blocked_people{source="scim"} 1.0',
        'bridge_blocked_people{source="signal"} 0.0',
        "bridge_open_incidents 1.0",
    ):
        assert line in shown, line
    assert 'bridge_scim_requests_total{connection="corp",result="done"}' in shown
    assert 'bridge_scim_requests_total{connection="corp",result="refused"}' in shown
    assert "invented" not in shown and "mallory" not in shown


def test_the_command_shows_the_same(ada: Person, clock: HeldClock, tmp_path: Path) -> None:
    told(ada, clock)
    settings = yaml.safe_load((tmp_path / "federation-bridge.yaml").read_text())
    settings["connections"]["corp"]["scim"] = {}
    (tmp_path / "federation-bridge.yaml").write_text(yaml.safe_dump(settings))

    def said(*words: str) -> str:
        found: Any = CliRunner().invoke(commands, [*words, "--settings", str(tmp_path / "federation-bridge.yaml")])
        assert found.exit_code == 0, found.output
        return str(found.output)

    assert "2 users (1 disabled, 1 not joined), 1 groups; 1 tokens" in said("scim", "show")
    lines = said("scim", "show", "--connection", "corp").splitlines()
    assert f"user  alice@example.com  active  corp/{ALICE}" in lines
    assert "user  contractor@example.com  disabled  not joined" in lines
    assert "alice@example.com" not in said("scim", "show", "--connection", "corp", "--unjoined")
    (line,) = said("scim", "token", "list", "corp").splitlines()
    assert "used" in line
    assert said("scim", "token", "revoke", "corp", line.split()[0]) == "1 revoked.\n"
    made = said("scim", "token", "new", "corp").splitlines()
    assert made[0].endswith("/scim/v2/corp") and "fbs_" in made[1]


def test_a_program_reads_the_same_page_by_page(ada: Person, clock: HeldClock) -> None:
    told(ada, clock)
    line = let_in(ada, clock, "auditors")
    (one,) = line.get("/scim").get_json()["connections"]
    assert (one["connection"], one["users"], one["unjoined"], one["is_quiet"]) == ("corp", 2, 1, False)
    first = line.get("/scim/users", connection="corp", limit=1).get_json()
    second = line.get("/scim/users", connection="corp", limit=1, cursor=first["next"]).get_json()
    assert [item["person"] for item in first["items"] + second["items"]] == [f"corp/{ALICE}", None]
    assert second["next"] is None
    assert [item["display_name"] for item in line.get("/scim/groups", connection="corp").get_json()["items"]] == [
        "admins"
    ]
    assert line.get("/scim/users", connection="nobody").status_code == 404
    assert line.get("/scim/users").get_json()["items"] == []
