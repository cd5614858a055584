"""The page of the sandbox is run: the local AWS as a stranger starts it, stock clients on it, the objects for tests."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import begun_programs
import pytest
from absent_software import program
from aws_cli import aws_program
from botocore.config import Config
from botocore.exceptions import ClientError
from documents.blocks import blocks
from free_ports import free_port
from local_aws_factories import (
    ACCOUNT,
    ATTRIBUTE,
    ENTITY_ID,
    FEDERATED_ACTIONS,
    PERSISTENT,
    SIGNIN,
    allow,
    metadata,
    policy,
    response,
    session,
    signer,
)

from federation_bridge.sandbox.aws import provisioning
from federation_bridge.sandbox.aws.app import serve_local_aws
from federation_bridge.sandbox.aws.local_aws import make_local_aws
from federation_bridge.sandbox.company import open_company
from federation_bridge.sandbox.identity_provider.saml_message import SamlMessage
from federation_bridge.sandbox.scripted_user import ScriptedUser, read_object

SHOWN = {name.removeprefix("docs/sandbox.md "): block for name, block in blocks().items() if "docs/sandbox.md" in name}
_USUAL_PORT = "4566"
_ROLE, _PROVIDER = f"arn:aws:iam::{ACCOUNT}:role/Reader", f"arn:aws:iam::{ACCOUNT}:saml-provider/bridge"
_TRUST = policy({"Effect": "Allow", "Principal": {"Federated": _PROVIDER}, "Action": list(FEDERATED_ACTIONS)})
_READ = policy(allow("s3:Get*", "s3:List*"))


@contextmanager
def started(folder: Path, port: str) -> Iterator[tuple[str, str]]:
    """The local AWS that the page's command starts; gives the key that it prints."""
    (line,) = SHOWN["console 1"].commands
    words = [*shlex.split(line)[1:], "--port", port]
    command = [sys.executable, "-m", "federation_bridge.operate", *words]
    with begun_programs.begin(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            printed = "".join(process.stdout.readline() for _ in range(3))
            (key,) = re.findall(r"AWS_ACCESS_KEY_ID=(\S+) AWS_SECRET_ACCESS_KEY=(\S+)", printed)
            yield key
        finally:
            process.terminate()


def run(command: list[str], text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environ = {"HOME": str(folder), "PATH": f"{aws_program().parent}:{os.defpath}", "AWS_PAGER": ""}
    return subprocess.run(
        [*command, text], cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False
    )


def write_what_the_page_names(folder: Path) -> None:
    message = SamlMessage(
        issuer=ENTITY_ID,
        audience="urn:amazon:webservices",
        recipient=SIGNIN,
        name_id="alice",
        name_id_format=PERSISTENT,
        issued_at=datetime.now(UTC),
        attributes={f"{ATTRIBUTE}Role": [f"{_ROLE},{_PROVIDER}"], f"{ATTRIBUTE}RoleSessionName": ["alice@example.com"]},
    )
    (folder / "metadata.xml").write_bytes(metadata())
    (folder / "trust.json").write_text(json.dumps(_TRUST))
    (folder / "read.json").write_text(json.dumps(_READ))
    (folder / "response.b64").write_text(response(message, signer()))


def test_stock_clients_do_on_the_local_aws_what_the_page_shows(tmp_path: Path) -> None:
    port = str(free_port())
    write_what_the_page_names(tmp_path)
    with started(tmp_path, port) as key:
        shell = SHOWN["sh 1"].text.replace(_USUAL_PORT, port)
        for part in key:
            shell = shell.replace("=...", f"={part}", 1)
        typed = run([program("bash", "apt-get install bash"), "-euc"], shell, tmp_path)
        assert typed.returncode == 0, typed.stderr
        assert '"arn:aws:sts::111122223333:assumed-role/Reader/alice@example.com"' in typed.stdout
        assert "AssumeRoleWithSAML" in typed.stdout.rpartition(" reports\n")[2]  # what CloudTrail says, at last
        by_boto3 = run([sys.executable, "-c"], SHOWN["python 1"].text.replace(_USUAL_PORT, port), tmp_path)
        assert "'Name': 'reports'" in by_boto3.stdout, by_boto3.stderr
    assert (tmp_path / "aws.json").stat().st_mode & 0o777 == 0o600


def test_faults_come_and_go_as_the_page_shows(tmp_path: Path) -> None:
    port = str(free_port())
    with started(tmp_path, port) as (key, secret):
        setting, ended, rest = SHOWN["sh 2"].text.replace(_USUAL_PORT, port).partition("curl -X DELETE")
        no_second_try = Config(retries={"max_attempts": 0})
        sts = session().client(
            "sts", endpoint_url=f"http://127.0.0.1:{port}", config=no_second_try,
            aws_access_key_id=key, aws_secret_access_key=secret,
        )  # fmt: skip
        bash = [program("bash", "apt-get install bash"), "-euc"]
        assert run(bash, setting, tmp_path).returncode == 0
        with pytest.raises(ClientError, match="ServiceUnavailable"):
            sts.get_caller_identity()
        assert run(bash, ended + rest, tmp_path).returncode == 0
        assert sts.get_caller_identity()["Account"] == ACCOUNT


def test_the_object_for_tests_is_made_as_the_page_shows() -> None:
    names: dict[str, Any] = {
        "make_local_aws": make_local_aws,
        "serve_local_aws": serve_local_aws,
        "provisioning": provisioning,
        "clock": lambda: datetime.now(UTC),
        "metadata": metadata(),
        "trust": _TRUST,
        "policy": _READ,
    }
    exec(SHOWN["python 2"].text, names)
    made, served = names["account"], names["served"]
    try:
        assert (set(made.roles), set(made.saml_providers)) == ({"Reader"}, {"bridge"})
        assert served.address.startswith("http://127.0.0.1:")
    finally:
        served.stop()


def test_the_story_of_the_page_is_true(tmp_path: Path) -> None:
    names: dict[str, Any] = {
        "ScriptedUser": ScriptedUser,
        "ClientError": ClientError,
        "pytest": pytest,
        "read_object": read_object,
    }
    exec(SHOWN["python 3"].text, names)
    with open_company(tmp_path, in_this_process=True) as company:
        names["test_credentials_end"](company)
