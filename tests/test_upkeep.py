"""What an administrator has to see to is told in time, once for all nodes: what waits for a yes, and what ends."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from block_factories import block
from click.testing import CliRunner, Result
from databases import HeldClock, OwnDatabase
from saml_factories import IDP, NOW, idp_signer, key_ring, stranger
from store_factories import entry
from structlog.testing import capture_logs
from web_factories import door_of, made_app, write_files

from federation_bridge.connectors.accepting import DISCOVERY_HELD
from federation_bridge.connectors.oidc.refreshed import dated
from federation_bridge.connectors.standing import Ending, Standing
from federation_bridge.operate.commands import commands
from federation_bridge.sandbox.identity_provider import saml_message as made
from federation_bridge.settings import settings_from
from federation_bridge.signing import Purpose
from federation_bridge.upkeep import Upkeep

DAY = timedelta(days=1)


class Stands:
    """A connection that stands as a test says."""

    def __init__(self, *endings: Ending, waits: str = "") -> None:
        self.stands = Standing(waits, endings)

    def standing(self) -> Standing:
        return self.stands


def ending(ends_at: datetime, kind: str = "signing certificate") -> Ending:
    return Ending(kind, "0123456789abcdef", ends_at, "look at it")


def upkeep(own_database: OwnDatabase, connection: Stands, **more: Any) -> Upkeep:
    one = {"protocol": "saml", "title": "Company", "metadata_file": "idp.xml"}
    document = {"base_url": "https://b.example", "rules": "r", "accounts": "a", "connections": {"corp": one}}
    settings = settings_from(document, Path("/nowhere"))
    ticks = iter(range(0, 10_000, 10))
    more = {"monotonic": lambda: float(next(ticks)), **more}
    return Upkeep({"corp": connection}, key_ring(), own_database.open(), settings, own_database.clock, **more)  # type: ignore[dict-item]


def told(*nodes: Upkeep) -> list[str]:
    with capture_logs() as lines:
        for node in nodes:
            node.tell()
    return [f"{line['event']}: {line['detail']}" for line in lines if line["log_level"] == "warning"]


@pytest.mark.parametrize(
    ("left", "threshold"),
    [
        (61, None),
        (60.1, None),
        (60, 60),
        (31, 60),
        (30, 30),
        (7.5, 30),
        (7, 7),
        (5, 7),
        (1, 1),
        (0.1, 1),
        (0, 0),
        (-9, 0),
    ],
)
def test_an_end_is_told_at_60_30_7_and_1_days_and_when_it_has_come(left: float, threshold: int | None) -> None:
    found = ending(NOW + left * DAY).threshold(NOW)
    assert (None if found is None else found.days) == threshold


def test_each_threshold_is_told_once_by_one_process_of_all(own_database: OwnDatabase) -> None:
    end = own_database.clock() + 61 * DAY
    nodes = [upkeep(own_database, Stands(ending(end))) for _ in range(2)]
    said = []
    for left in (61, 60, 59, 31, 30, 29, 8, 7, 6, 2, 1, 0, -1):
        own_database.clock.now = end - left * DAY
        said += [line for _ in range(2) for line in told(*nodes)]
    assert [line.partition(";")[0] for line in said] == [
        *(
            f"ends soon: the signing certificate 0123456789abcdef ends {end.date()}, in {days} days"
            for days in (60, 30, 7, 1)
        ),
        f"has ended: the signing certificate 0123456789abcdef ends {end.date()}, in 0 days",
    ]


def test_an_end_that_moved_is_told_again_when_it_is_near(own_database: OwnDatabase) -> None:
    company = Stands(ending(own_database.clock() + 5 * DAY, "metadata"))
    node = upkeep(own_database, company)
    assert len(told(node)) == 1
    company.stands = Standing(endings=(ending(own_database.clock() + 90 * DAY, "metadata"),))
    assert told(node) == []
    own_database.clock.advance(85 * DAY)
    assert len(told(node)) == 1


def test_what_waits_is_told_once_and_again_each_day_until_nothing_waits(own_database: OwnDatabase) -> None:
    company = Stands(waits="new signing keys ab")
    nodes = [upkeep(own_database, company) for _ in range(2)]
    sentence = "waits for `federation-bridge metadata accept`: new signing keys ab"
    for _ in range(3):
        assert told(*nodes, *nodes) == [sentence]
        own_database.clock.advance(DAY)
    company.stands = Standing(waits="new signing keys cd")
    assert told(*nodes) == [sentence.replace("ab", "cd")]
    company.stands = Standing()
    assert told(*nodes) == []


def test_our_own_certificates_that_others_know_are_told_too(own_database: OwnDatabase) -> None:
    node = upkeep(own_database, Stands())
    key_ring().current(Purpose.DECRYPTION)
    key_ring().current(Purpose.TOKENS)
    assert {one.kind.rpartition(" ")[2] for one in node.seen().ours} <= {"aws-saml", "service-provider", "decryption"}
    own_database.clock.now = key_ring().current(Purpose.DECRYPTION).ends_at - 5 * DAY
    assert any("our own key decryption" in line and "in 5 days" in line for line in told(node))


def test_one_look_serves_all_who_ask_within_seconds_and_an_outage_leaves_the_last(own_database: OwnDatabase) -> None:
    now, company = [0.0], Stands(waits="one")
    node = upkeep(own_database, company, monotonic=lambda: now[0])
    assert node.waits() == {"corp": "one"}
    company.stands = Standing(waits="two")
    assert node.waits() == {"corp": "one"}
    now[0] += 5
    assert node.waits() == {"corp": "two"}


# ------------------------------------------------------------------------------------------------ readiness, metrics


def held_discovery(issuer: str) -> str:
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    return json.dumps({"issuer": issuer, **dict.fromkeys(names, "https://elsewhere.example.com/x")})


def test_readiness_and_metrics_tell_what_waits_to_those_networks_alone(tmp_path: Path, clock: HeldClock) -> None:
    app = made_app(tmp_path, clock)
    store, client = door_of(app).store, app.test_client()
    version = door_of(app).rulebook.in_force.version
    assert client.get("/readyz").json == {"status": "ready", "rulebook": version}
    assert f'bridge_rulebook_info{{version="{version}"}} 1.0' in client.get("/metrics").text
    assert 'bridge_metadata_waits{connection="corp"} 0.0' in client.get("/metrics").text
    store.documents.keep(DISCOVERY_HELD, "corp", dated(held_discovery("https://idp.example.com"), clock()))
    door_of(app).upkeep._looked_at = None
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert list(ready.get_json()["waits_for_an_administrator"]) == ["corp"]
    assert "elsewhere.example.com" in ready.get_json()["waits_for_an_administrator"]["corp"]
    text = client.get("/metrics").text
    assert 'bridge_metadata_waits{connection="corp"} 1.0' in text
    assert 'bridge_metadata_waits{connection="partner"} 0.0' in text
    elsewhere = client.get("/readyz", environ_overrides={"REMOTE_ADDR": "198.51.100.7"})
    assert elsewhere.json == {"status": "ready"}
    store.close()


# ------------------------------------------------------------------------------------------------------------- commands


def published(*signers: made.Signer, **more: Any) -> bytes:
    return made.metadata_xml(IDP, "https://idp.example.test/sso", signers, **more)


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """A service of which corp is a company by SAML, whose new keys wait."""
    path = write_files(tmp_path)
    document = yaml.safe_load(path.read_text())
    document["connections"]["corp"] = {
        "protocol": "saml",
        "title": "Company",
        "metadata_file": "idp.xml",
        "hold_new_keys": True,
        "subject": "uid",
    }
    del document["connections"]["partner"]
    path.write_text(yaml.safe_dump(document))
    (tmp_path / "idp.xml").write_bytes(published(idp_signer()))
    assert run("migrate", "--settings", path).exit_code == 0
    assert run("metadata", "refresh", "--settings", path, "corp").exit_code == 0
    return path


def run(*words: object) -> Result:
    return CliRunner().invoke(commands, [str(word) for word in words])


def about_corp(settings: Path) -> list[str]:
    result = run("check", "--settings", settings)
    assert result.exit_code == 0, result.output
    return [line for line in result.output.splitlines() if "connection corp" in line]


def events(settings: Path, name: str) -> list[dict[str, Any]]:
    lines = run("audit", "--settings", settings, "--event", name).output.splitlines()
    return [json.loads(line) for line in lines]


def test_what_waits_is_shown_told_by_check_and_accepted_by_its_digest(settings: Path) -> None:
    assert [line[:2] for line in about_corp(settings)] == ["ok"]
    (settings.parent / "idp.xml").write_bytes(published(idp_signer(), stranger()))
    asked = run("metadata", "refresh", "--settings", settings, "corp")
    assert "waits for `federation-bridge metadata accept corp`: new signing keys" in asked.output
    (finding,) = about_corp(settings)
    assert finding.startswith("warning")
    assert "metadata accept" in finding
    shown = run("metadata", "show", "--settings", settings, "corp").output
    digest = shown.partition("waits for a yes, document ")[2].partition(":")[0]
    refused = run("metadata", "accept", "--settings", settings, "corp", "--document", "0" * 16)
    assert "another document waits" in str(refused.exception)
    accepted = run("metadata", "accept", "--settings", settings, "corp", "--document", digest)
    assert accepted.output.startswith("In force on every node: entityID https://idp.example.test/saml")
    assert [line[:2] for line in about_corp(settings)] == ["ok"]
    (entry,) = events(settings, "metadata.accepted")
    assert entry["connection"] == "corp"
    assert entry["reference"] == "operator"
    assert entry["details"]["document"] == digest
    assert run("metadata", "accept", "--settings", settings, "corp").output == "Nothing waits there.\n"


def test_each_refresh_is_audited_with_what_it_kept_or_that_there_was_nothing_new(settings: Path) -> None:
    assert [entry["details"]["kind"] for entry in events(settings, "metadata.refreshed")] == ["saml-metadata"]
    assert run("metadata", "refresh", "--settings", settings, "corp").output == "What is published is in force.\n"
    assert [entry["details"]["kind"] for entry in events(settings, "metadata.refreshed")] == [
        "nothing new",
        "saml-metadata",
    ]
    (settings.parent / "idp.xml").write_bytes(b"<html>")
    broken = run("metadata", "refresh", "--settings", settings, "corp")
    assert broken.exit_code == 1
    assert events(settings, "metadata.refreshed")[0]["details"]["detail"]
    assert "nix" in str(run("metadata", "refresh", "--settings", settings, "nix").exception)


@pytest.mark.parametrize(("days", "is_told"), [(61, False), (59, True), (5, True)])
def test_check_and_show_tell_what_ends(settings: Path, days: int, *, is_told: bool) -> None:
    ends = datetime.now().astimezone() + days * DAY + timedelta(hours=1)
    (settings.parent / "idp.xml").write_bytes(published(idp_signer(), valid_until=ends))
    found = [line for line in about_corp(settings) if "the metadata ends" in line]
    assert bool(found) is is_told
    assert all(line.startswith("warning") and f"in {days} days" in line for line in found)


def test_check_tells_of_a_certificate_that_ends(settings: Path) -> None:
    soon = made.make_signer(not_after=datetime.now().astimezone() + 40 * DAY)
    (settings.parent / "idp.xml").write_bytes(published(soon))
    assert run("metadata", "refresh", "--settings", settings, "corp").exit_code == 0
    run("metadata", "accept", "--settings", settings, "corp")
    assert any("the signing certificate" in line and "in 39 days" in line for line in about_corp(settings))


def test_a_restore_that_waits_is_told_each_day_by_one_node_until_it_is_confirmed(
    own_database: OwnDatabase, clock: HeldClock
) -> None:
    nodes = [upkeep(own_database, Stands()) for _ in range(2)]
    store = own_database.open()
    assert told(*nodes) == []
    store.restorations.begin(clock(), block(clock(), "", "restore"), lambda _: [entry(clock())])
    waits = "the database was put back: nobody comes in until `federation-bridge restore --confirm`"
    assert told(*nodes, *nodes) == [waits]
    clock.advance(DAY)
    assert told(*nodes) == [waits]
    store.restorations.confirm(entry(clock()))
    clock.advance(DAY)
    assert told(*nodes) == []
