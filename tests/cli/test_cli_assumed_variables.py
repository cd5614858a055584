"""What `fedbridge assume` changes in a shell's variables, and the way back to what was there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fake_bridge import FakeBridge

from federation_bridge.cli.credentials.assumed import assuming, leaving
from federation_bridge.cli.terminal.shells import SHELLS
from federation_bridge.model import AwsCredentials


def credentials(bridge: FakeBridge, key: str = "ASIA1") -> AwsCredentials:
    ends = bridge.now() + timedelta(hours=1)
    return AwsCredentials(key, "secret", "token", ends, "111122223333", "Developer", "eu-central-1")


def applied(environ: dict[str, str], changes: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in {**environ, **changes}.items() if value is not None}


@pytest.mark.parametrize(
    "mine",
    [
        {},
        {"AWS_PROFILE": "x", "AWS_DEFAULT_REGION": "us-east-1"},
        {"AWS_ACCESS_KEY_ID": "AKIAOTHER", "AWS_SECRET_ACCESS_KEY": "y"},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/x", "AWS_REGION": "eu-central-1"},
    ],
)
def test_two_roles_after_one_another_go_back_to_what_was_there_before_both(
    bridge: FakeBridge, mine: dict[str, str]
) -> None:
    first = applied(mine, assuming(mine, credentials(bridge), "a/b", ""))
    second = applied(first, assuming(first, credentials(bridge, "ASIA2"), "c/d", "ap-east-1"))
    assert (second["AWS_ACCESS_KEY_ID"], second["AWS_REGION"]) == ("ASIA2", "ap-east-1")
    third = applied(second, assuming(second, credentials(bridge, "ASIA3"), "e/f", ""))
    own = mine.get("AWS_REGION") or mine.get("AWS_DEFAULT_REGION") or "eu-central-1"
    assert third["AWS_REGION"] == own
    for shell in (first, second, third):
        assert applied(shell, leaving(shell)) == mine


def test_what_the_person_changed_since_is_theirs(bridge: FakeBridge) -> None:
    shell = applied({}, assuming({}, credentials(bridge), "a/b", ""))
    shell |= {"AWS_REGION": "ap-east-1", "AWS_PROFILE": "mine"}
    assert applied(shell, leaving(shell)) == {"AWS_REGION": "ap-east-1", "AWS_PROFILE": "mine"}
    again = applied(shell, assuming(shell, credentials(bridge), "a/b", ""))
    assert applied(again, leaving(again)) == {"AWS_REGION": "ap-east-1", "AWS_PROFILE": "mine"}


@pytest.mark.parametrize(
    "memory", ["", "[", "{}", "[1]", '{"PATH": ["/evil", ""]}', '{"AWS_REGION": [1, ""]}', "{" * 9999]
)
def test_a_memory_that_is_not_ours_changes_no_other_variable(memory: str) -> None:
    assert leaving({"FEDBRIDGE_ASSUMED_BEFORE": memory}) == {"FEDBRIDGE_ASSUMED_BEFORE": None}
    assert leaving({"AWS_REGION": "x"}) == {}


def test_the_prompt_s_name_holds_nothing_that_a_prompt_obeys(bridge: FakeBridge) -> None:
    changes = assuming({}, credentials(bridge), "分析 %{x%}$(y)`z`\\/Developer", "")
    assert changes["FEDBRIDGE_ASSUMED_ROLE"] == "分析 ??x????y??z??/Developer"


def test_powershell_gets_the_lines_that_it_reads() -> None:
    text = SHELLS["powershell"].lines({"AWS_REGION": "it's \u2019 $x `n", "AWS_PROFILE": None})
    assert text == (
        "$Env:AWS_REGION = 'it''s \u2019\u2019 $x `n'\nRemove-Item Env:AWS_PROFILE -ErrorAction SilentlyContinue\n"
    )
    assert "if ($LASTEXITCODE -eq 0 -and $text) { Invoke-Expression" in SHELLS["powershell"].init
