"""What a bridge says of credentials is believed where AWS could have said it: the rest reaches no tool."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from databases import HeldClock

from federation_bridge.aws_regions import REGIONS
from federation_bridge.cli.context import Context
from federation_bridge.cli.credentials import obtaining
from federation_bridge.cli.credentials.obtaining import Wanted
from federation_bridge.cli.credentials.roles import is_region
from federation_bridge.cli.failures import BridgeUnreachable
from federation_bridge.cli.session.local_session import LocalSession
from federation_bridge.cli.terminal.streams import Terminal
from federation_bridge.model import JsonObject

GOOD = {
    "access_key_id": "ASIAEXAMPLE",
    "secret_access_key": "s",
    "session_token": "t",
    "expires_at": "2026-03-04T13:00:00+00:00",
    "account": "222233334444",
    "role": "Developer",
    "region": "eu-central-1",
    "assumed_role_arn": "arn:aws:sts::222233334444:assumed-role/Developer/ada",
}


def asked(folder: Path, clock: HeldClock, change: JsonObject, monkeypatch: pytest.MonkeyPatch) -> str:
    terminal = Terminal({}, *(io.StringIO() for _ in range(3)))
    context = Context("https://aws.example.com", folder, {}, clock, terminal)
    monkeypatch.setattr(LocalSession, "post", lambda *_: GOOD | change)
    monkeypatch.setattr(LocalSession, "is_current", lambda _: True)
    return obtaining._asked(context, Wanted("222233334444/Developer"), LocalSession(context)).region


@pytest.mark.parametrize(
    "change",
    [
        {"region": "x.attacker.example#"},
        {"region": "eu-central-1.attacker.example"},
        {"region": "eu-central-1\n[profile x]\ncredential_process = id"},
        {"account": "222233334444\x1b[2J"},
        {"account": "$(id)"},
        {"role": "../Developer"},
        {"role": "Developer'\n"},
    ],
)
def test_an_account_role_or_region_that_aws_cannot_have_is_refused(
    tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch, change: JsonObject
) -> None:
    with pytest.raises(BridgeUnreachable, match="cannot be used"):
        asked(tmp_path, clock, change, monkeypatch)
    assert not list(tmp_path.rglob("*Developer*")), "and nothing of it is kept"


@pytest.mark.parametrize("region", ["", "us-east-1", "us-isob-east-1", "eusc-de-east-1"])
def test_each_region_of_aws_is_taken_and_none_may_be_left_open(
    tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    assert asked(tmp_path, clock, {"region": region}, monkeypatch) == region


def test_every_region_that_the_bridge_knows_is_one_to_the_command_line() -> None:
    assert [one for regions in REGIONS.values() for one in regions if not is_region(one)] == []
