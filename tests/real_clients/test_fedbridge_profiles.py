"""Stock clients on what `fedbridge` gives them: credential_process, the container endpoint, the environment."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from cli_factories import Person, told_code
from engineer_fixtures import log_in_by_browser

from federation_bridge.sandbox.aws_cli import AwsCli
from federation_bridge.sandbox.scripted_user import ScriptedUser
from real_clients.real_client_factories import ME, NODE, ROLE, WITHIN, Clients, Home, approve
from real_clients.test_aws_sso import age

pytestmark = pytest.mark.interop

PROFILE = "production-Developer"


@contextmanager
def served(person: Person) -> Iterator[dict[str, str]]:
    """The variables that `fedbridge serve` tells, while it serves."""
    serving = person.start("serve", "--role", ROLE)
    try:
        assert serving.stdout is not None
        lines = [serving.stdout.readline() for _ in range(5)]
        yield dict(re.findall(r"export (\w+)='(.*)'", "".join(lines)))
    finally:
        serving.terminate()
        serving.communicate(timeout=WITHIN)


@pytest.fixture
def person(home: Home, ada: ScriptedUser) -> Person:
    """Ada at her terminal, let in by her browser."""
    at_terminal = Person(home.folder, home.company.bridge)
    log_in_by_browser(at_terminal, ada)
    return at_terminal


def test_the_profiles_that_fedbridge_configures_work_with_every_client(
    home: Home, person: Person, clients: Clients
) -> None:
    status, _, words = person.run("configure", "--yes")
    assert status == 0, words
    assert "credential_process = " in home.config.read_text()
    for client, arn in clients.whoami(home, AWS_PROFILE=PROFILE).items():
        assert arn.startswith(ME), client


def test_the_container_endpoint_serves_every_client(home: Home, person: Person, clients: Clients) -> None:
    with served(person) as variables:
        assert Path(variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]).stat().st_mode & 0o777 == 0o600
        for client, arn in clients.whoami(home, **variables).items():
            assert arn.startswith(ME), client
        # Clients that are older than the token file know the token alone.
        del variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]
        for client, arn in clients.whoami(home, **variables).items():
            assert arn.startswith(ME), client


def test_exec_hands_every_client_an_endpoint_and_no_key(home: Home, person: Person, clients: Clients) -> None:
    variables = {
        **home.environment,
        "AWS_PROFILE": "nobody",
        "AWS_ACCESS_KEY_ID": "AKIAOTHER",
        "AWS_SECRET_ACCESS_KEY": "x",
    }
    status, out, words = person.run("exec", "--role", ROLE, "--", "env", "-0", variables=variables)
    assert status == 0, words
    handed = dict(pair.split("=", 1) for pair in out.split("\0") if "=" in pair)
    assert {name for name in handed if name.startswith("AWS_")} - set(home.environment) <= {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
    }
    caller = ["sts", "get-caller-identity", "--output", "json"]
    boto3 = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    modules = {"PYTHONPATH": str(clients.cli_v1.search_path)}
    for command, more in (
        ([*clients.cli.command, *caller], {}),
        ([*clients.cli_v1.command, *caller], modules),
        ([sys.executable, "-c", boto3], {}),
    ):
        given = {**home.environment, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", **more}
        status, out, words = person.run("exec", "--role", ROLE, "--", *command, variables=given)
        assert status == 0, words
        assert ME in out, command
    command = ["node", str(NODE / "credentials.js"), "fromNodeProviderChain"]
    status, out, words = person.run("exec", "--role", ROLE, "--", *command, variables=home.environment)
    assert status == 0, words
    assert home.company.local.state.sessions[json.loads(out)["accessKeyId"]].arn.startswith(ME)


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


def test_the_token_that_fedbridge_puts_where_aws_clients_look_is_every_clients_to_use_and_to_renew(
    home: Home, person: Person, ada: ScriptedUser, clients: Clients
) -> None:
    process = person.start("configure", "--sso", "--yes", "--device")
    approve(ada, told_code(process))
    _, words = process.communicate(timeout=WITHIN)
    assert process.returncode == 0, words
    path = home.cached_token()
    assert path.stat().st_mode & 0o777 == 0o600
    for client, whoami in clients.asked.items():
        home.forget_role_credentials()
        before = json.loads(path.read_text())
        age(path, timedelta(minutes=2))
        assert whoami(home, {"AWS_PROFILE": PROFILE}).startswith(ME), client
        after = json.loads(path.read_text())
        assert after["accessToken"] != before["accessToken"], client
        assert after["refreshToken"] != before["refreshToken"], client
