"""Stock clients on what `fedbridge` gives them: credential_process, the container endpoint, the environment."""

from __future__ import annotations

import json
import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from cli_material import Person, told_code
from real_client_material import ME, ROLE, WITHIN, Home, approve
from test_aws_sso import age
from test_javascript_sdk import access_key, arn_of

from federation_bridge.sandbox.aws_cli import AwsCli
from federation_bridge.sandbox.visitor import Visitor

pytestmark = pytest.mark.interop

_PROFILE = "production-Developer"


@pytest.fixture
def person(home: Home, ada: Visitor) -> Person:
    """Ada at her terminal, let in by a code that she typed in her browser."""
    at_terminal = Person(home.folder, home.company.bridge)
    process = at_terminal.start("login", at_terminal.bridge, "--device")
    approve(ada, told_code(process))
    _, words = process.communicate(timeout=WITHIN)
    assert process.returncode == 0, words
    return at_terminal


def test_the_profiles_that_fedbridge_configures_work_with_every_client(
    home: Home, person: Person, cli: AwsCli, cli_v1: AwsCli
) -> None:
    status, _, words = person.run("configure", "--yes")
    assert status == 0, words
    assert home.whoami(cli, "--profile", _PROFILE, "--region", "us-east-1").startswith(ME)
    assert home.whoami(cli_v1, "--profile", _PROFILE, "--region", "us-east-1").startswith(ME)
    assert home.boto3_whoami(AWS_PROFILE=_PROFILE).startswith(ME)
    if shutil.which("node"):
        assert arn_of(home.company, access_key(home, "fromIni", _PROFILE, AWS_REGION="us-east-1")).startswith(ME)


def test_the_container_endpoint_serves_every_client(home: Home, person: Person, cli: AwsCli) -> None:
    serving = person.start("serve", "--role", ROLE)
    try:
        assert serving.stdout is not None
        lines = [serving.stdout.readline() for _ in range(2)]
        variables = dict(re.findall(r"export (\w+)='(.*)'", "".join(lines)))
        assert Path(variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]).stat().st_mode & 0o777 == 0o600
        assert home.whoami(cli, "--region", "us-east-1", more=variables).startswith(ME)
        assert home.boto3_whoami(**variables).startswith(ME)
        if shutil.which("node"):
            assert arn_of(home.company, access_key(home, "fromHttp", **variables)).startswith(ME)
    finally:
        serving.terminate()
        serving.communicate(timeout=WITHIN)


def test_exec_hands_the_cli_an_endpoint_and_no_key(home: Home, person: Person, cli: AwsCli) -> None:
    command = ["exec", "--role", ROLE, "--", *cli.command, "sts", "get-caller-identity", "--output", "json"]
    variables = {**home.environment, "AWS_EC2METADATA_DISABLED": "true", "AWS_DEFAULT_REGION": "us-east-1"}
    status, out, words = person.run(*command, variables=variables)
    assert status == 0, words
    assert ME in out
    _, out, _ = person.run("exec", "--role", ROLE, "--", "env", variables=variables)
    assert "AWS_SECRET_ACCESS_KEY" not in out


def test_the_dialects_leave_the_proof_of_a_key_in_force(home: Home, person: Person, cli: AwsCli) -> None:
    """A token of `fedbridge` is bound to its key: the portal of `aws sso` takes none such."""
    told_none = person.run("whoami")
    assert told_none[0] == 0
    more = {"AWS_ENDPOINT_URL_SSO": home.company.bridge}
    texts = "".join(path.read_text(errors="replace") for path in person.folder.rglob("*") if path.is_file())
    tokens = set(re.findall(r"fba_[0-9a-f]{64}", texts))
    assert tokens
    listed = ("sso", "list-accounts", "--region", "us-east-1", "--access-token", tokens.pop())
    status, said = home.attempt(cli, *listed, more=more)
    assert status != 0
    assert "UnauthorizedException" in said


def test_the_token_that_fedbridge_puts_where_aws_clients_look_is_theirs_to_use_and_to_renew(
    home: Home, person: Person, ada: Visitor, cli: AwsCli, cli_v1: AwsCli
) -> None:
    home.environment |= {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
    process = person.start("configure", "--sso", "--yes", "--device")
    approve(ada, told_code(process))
    _, words = process.communicate(timeout=WITHIN)
    assert process.returncode == 0, words
    path = home.cached_token()
    assert path.stat().st_mode & 0o777 == 0o600
    assert home.whoami(cli, "--profile", _PROFILE).startswith(ME)
    before = json.loads(path.read_text())
    age(path, timedelta(minutes=2))
    assert home.boto3_whoami(AWS_PROFILE=_PROFILE).startswith(ME)
    assert json.loads(path.read_text())["accessToken"] != before["accessToken"]
    assert home.whoami(cli_v1, "--profile", _PROFILE).startswith(ME)
    if shutil.which("node"):
        assert arn_of(home.company, access_key(home, "fromNodeProviderChain", AWS_PROFILE=_PROFILE)).startswith(ME)
