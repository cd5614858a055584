"""The AWS SDK for JavaScript (credential providers) under Node, on what the AWS CLI and `fedbridge` left for it."""

from __future__ import annotations

import json
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from absent_software import folder, program
from real_client_material import ROLE, WITHIN, Home
from test_aws_login import age_credentials, log_in_remotely
from test_aws_sso import age, log_in

from federation_bridge.sandbox.aws_cli import AwsCli
from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.visitor import Visitor

_FOLDER = Path(__file__).parent / "node"

_REMEDY = "apt-get install nodejs npm, then `make test` fetches it"

pytestmark = pytest.mark.interop


def access_key(home: Home, provider: str, profile: str = "", **more: str) -> str:
    """The access key that a provider of the SDK finds."""
    node = program("node", _REMEDY)
    folder(_FOLDER / "node_modules", _REMEDY)
    environment = {"HOME": str(home.folder), "PATH": "/usr/bin:/bin", **home.environment, **more}
    command = [node, str(_FOLDER / "credentials.js"), provider, *([profile] if profile else [])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=WITHIN, check=False)
    assert done.returncode == 0, done.stderr
    found: str = json.loads(done.stdout)["accessKeyId"]
    return found


def arn_of(company: Company, access_key_id: str) -> str:
    """Whom an access key stands for, as the local AWS knows."""
    return str(company.local.state.sessions[access_key_id].arn)


def test_an_sso_profile_works_where_its_services_are_those_of_aws_profile(
    home: Home, cli: AwsCli, ada: Visitor
) -> None:
    log_in(home, cli, ada)
    key = access_key(home, "fromSSO", "dev", AWS_PROFILE="dev")
    assert f"assumed-role/{ROLE.partition('/')[2]}/ada" in arn_of(home.company, key)


def test_it_renews_the_token_that_the_cli_left(home: Home, cli: AwsCli, ada: Visitor) -> None:
    log_in(home, cli, ada)
    before = home.cached_token().read_text()
    age(home.cached_token(), timedelta(minutes=2))
    access_key(home, "fromNodeProviderChain", AWS_PROFILE="dev")
    assert json.loads(home.cached_token().read_text())["accessToken"] != json.loads(before)["accessToken"]


def test_it_lives_on_aws_login_and_renews_it(home: Home, cli: AwsCli, ada: Visitor) -> None:
    log_in_remotely(home, cli, ada)
    first = access_key(home, "fromNodeProviderChain", AWS_PROFILE="remote")
    assert first == age_credentials(home, timedelta(minutes=2))["accessToken"]["accessKeyId"]
    assert access_key(home, "fromNodeProviderChain", AWS_PROFILE="remote") != first
