"""`check` tells what no sign-in is long enough for, and says nothing where one is, or need not be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from web_factories import _SETTINGS, ACCOUNT

from federation_bridge.mapping import Register, load_register
from federation_bridge.operate.check.finding import Severity
from federation_bridge.operate.check.sign_in_lengths import findings
from federation_bridge.settings import Settings, settings_from


def settings(folder: Path, *, ends: bool = True, limit: str = "12h", tokens: bool = True) -> Settings:
    held: dict[str, Any] = {
        name: {**one, "max_session": limit, "aws_sessions_end_with_sign_in": ends}
        for name, one in _SETTINGS["connections"].items()
    }
    changes = {"connections": held, "command_line": {"web_identity_files": tokens}}
    return settings_from({**_SETTINGS, **changes}, folder)


def register(longest: str) -> Register:
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/aws.example.com"
    role = f"{{name: Developer, max_session: {longest}, web_identity_file: true}}"
    return load_register(
        f'version: 1\naccounts:\n  - {{id: "{ACCOUNT}", name: A, provider: "{provider}", roles: [{role}]}}'
    )


@pytest.mark.parametrize(
    ("changes", "longest", "found"),
    [
        ({}, "11h50m", []),
        ({}, "12h", [(Severity.DOUBTFUL, "no web identity token leaves for people of corp, partner")]),
        ({"tokens": False}, "12h", []),
        ({"ends": False}, "12h", []),
        ({"limit": "15m", "ends": False}, "1h", []),
        ({"limit": "16m", "tokens": False}, "1h", []),
        ({"limit": "15m", "tokens": False}, "1h", [(Severity.WRONG, "nobody gets one")] * 2),
    ],
)
def test_what_no_sign_in_is_long_enough_for_is_told(
    tmp_path: Path, changes: dict[str, Any], longest: str, found: list[tuple[Severity, str]]
) -> None:
    told = list(findings(settings(tmp_path, **changes), register(longest)))
    assert [one.severity for one in told] == [severity for severity, _ in found]
    for one, (_, words) in zip(told, found, strict=True):
        assert words in one.sentence
