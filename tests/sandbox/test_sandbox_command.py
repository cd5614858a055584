"""`federation-bridge sandbox aws` as a stranger starts it: one command, an unmodified client, a clean end."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from local_aws_factories import session

from federation_bridge.sandbox.aws.command import aws_command


def test_one_command_starts_a_local_aws_that_boto3_can_use(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from federation_bridge.sandbox.aws.command import aws_command; aws_command()"]
    options = ["--port", "0", "--state", str(tmp_path / "state.json"), "--account", "111122223333"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        address = re.search(r"http://127\.0\.0\.1:[0-9]+", lines[1])
        keys = re.search(r"AWS_ACCESS_KEY_ID=(\S+) AWS_SECRET_ACCESS_KEY=(\S+)", lines[2])
        assert address is not None
        assert keys is not None
        sts = session().client("sts", endpoint_url=address[0], aws_access_key_id=keys[1], aws_secret_access_key=keys[2])
        assert sts.get_caller_identity()["Arn"] == "arn:aws:iam::111122223333:root"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    assert (tmp_path / "state.json").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--host", "0.0.0.0"], "listens on this machine only"),
        (["--account", "12"], "not an account number"),
        (["--issuer", "https://a.test"], "write https://NAME=http://127.0.0.1:PORT"),
        (["--mode", "lax"], "Invalid value for '--mode'"),
    ],
)
def test_an_option_that_does_not_fit_is_refused_in_one_line(options: list[str], sentence: str) -> None:
    answer = CliRunner().invoke(aws_command, ["--port", "0", *options])
    assert answer.exit_code != 0
    assert sentence in answer.output


def test_a_state_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text("{", encoding="ascii")
    answer = CliRunner().invoke(aws_command, ["--port", "0", "--state", str(path)])
    assert answer.exit_code != 0
    assert "is no state of a local AWS" in answer.output
    assert path.read_text(encoding="ascii") == "{"
