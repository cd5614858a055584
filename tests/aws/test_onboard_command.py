"""`federation-bridge aws onboard` as an operator types it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from local_aws_factories import served
from web_factories import ACCOUNT, write_files

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.operate import preparation
from federation_bridge.operate.commands import commands
from federation_bridge.sandbox.aws import provisioning
from federation_bridge.settings import load_settings

PAGE = Path(__file__).parents[2] / "docs" / "aws.md"


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = write_files(tmp_path)
    preparation.prepare(load_settings(path))
    return path


def run(settings: Path, *words: str) -> Any:
    return CliRunner().invoke(commands, ["aws", "onboard", "--settings", str(settings), *words])


def shown(language: str) -> str:
    """The page's first block of this language."""
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_the_page_s_command_writes_what_aws_takes(settings: Path, tmp_path: Path) -> None:
    line = shown("console").splitlines()[0].removeprefix("$ ")
    (tmp_path / "policies.yaml").write_text(shown("yaml"))
    words = [str(tmp_path / word) if word in ("aws-side", "policies.yaml") else word for word in shlex.split(line)[3:]]
    ran = run(settings, *words)
    assert ran.exit_code == 0, ran.output
    assert (tmp_path / "aws-side" / "stack-set-1.accounts").read_text().split() == [ACCOUNT]
    with served() as place:
        state = place.local.state
        provisioning.put_policy(
            state, place.account, "OurReaders",
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]},
        )  # fmt: skip
        place.account.roles.clear()
        place.account.saml_providers.clear()
        provisioning.apply_template(state, place.account, (tmp_path / "aws-side" / "stack-set-1.json").read_text())
        assert sorted(place.account.roles) == ["Administrator", "Reader", "federation-bridge-revoker"]
        assert place.account.roles["Reader"].attached == (
            "arn:aws:iam::aws:policy/ReadOnlyAccess",
            f"arn:aws:iam::{ACCOUNT}:policy/OurReaders",
        )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--accounts", "999999999999"), "not in the register"),
        (("--tag", "Team"), "is not KEY=VALUE"),
        (("--tag", "aws:x=1"), "AWS keeps for itself"),
        (("--tag", "a=$(id)"), "AWS allows in no tag"),
        (("--tag", "Team=1", "--tag", "team=2"), "given already"),
        (("--tag", "Managed-By=me"), "given already"),
        *[(("--tag", f"a={'x' * 257}"), "256")],
        (("--policies", "missing.yaml"), "cannot be read"),
        (("--policies", "Reader: [nothing]"), "is not the ARN of a managed policy"),
        (("--policies", "Readr: ['arn:aws:iam::aws:policy/ReadOnlyAccess']"), "did you mean 'Reader'"),
        (("--policies", "Reader: ['arn:aws:iam::aws:policy/a b']"), "is not the ARN of a managed policy"),
        (("--policies", "Reader: ['arn:aws:iam::aws:policy/A', 'arn:aws:iam::aws:policy/A']"), "twice"),
    ],
    ids=range(12),
)
def test_what_aws_would_refuse_is_refused_before_a_file_is_written(
    settings: Path, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    if words[0] == "--policies" and ":" in words[1]:
        (tmp_path / "p.yaml").write_text(words[1])
        words = ("--policies", str(tmp_path / "p.yaml"))
    ran = run(settings, *words, "--to", str(tmp_path / "out"))
    assert isinstance(ran.exception, ConfigurationInvalid)
    assert told in ran.exception.detail
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", ["cloudformation", "terraform", "cli", "json"])
def test_one_file_is_printed_and_the_notes_stand_apart(settings: Path, form: str) -> None:
    ran = run(settings, "--format", form)
    assert ran.exit_code == 0
    assert "note:" not in ran.stdout
    assert f"note: {ACCOUNT}/Reader: no permissions policy" in ran.stderr


def test_several_files_ask_for_a_folder(settings: Path) -> None:
    ran = run(settings, "--format", "stack-set")
    assert isinstance(ran.exception, ConfigurationInvalid)
    assert "--to" in ran.exception.detail
