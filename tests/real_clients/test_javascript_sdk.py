"""The AWS SDK for JavaScript (credential providers) under Node, on what the AWS CLI left for it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from federation_bridge.sandbox.aws_cli import AwsCli
from federation_bridge.sandbox.scripted_user import ScriptedUser
from real_clients.real_client_factories import ME, Home
from real_clients.test_aws_login import age_credentials, log_in_remotely
from real_clients.test_aws_sso import age, log_in

pytestmark = pytest.mark.interop


def test_an_sso_profile_works_where_its_services_are_those_of_aws_profile(
    home: Home, cli: AwsCli, ada: ScriptedUser
) -> None:
    log_in(home, cli, ada)
    assert home.javascript_whoami("fromSSO", "dev", AWS_PROFILE="dev").startswith(ME)


def test_it_renews_the_token_that_the_cli_left(home: Home, cli: AwsCli, ada: ScriptedUser) -> None:
    log_in(home, cli, ada)
    before = home.cached_token().read_text()
    age(home.cached_token(), timedelta(minutes=2))
    assert home.javascript_whoami("fromNodeProviderChain", AWS_PROFILE="dev").startswith(ME)
    assert json.loads(home.cached_token().read_text())["accessToken"] != json.loads(before)["accessToken"]


def test_it_lives_on_aws_login_and_renews_it(home: Home, cli: AwsCli, ada: ScriptedUser) -> None:
    def found() -> str:
        return str(json.loads(home.javascript("fromNodeProviderChain", AWS_PROFILE="remote").stdout)["accessKeyId"])

    log_in_remotely(home, cli, ada)
    first = found()
    assert first == age_credentials(home, timedelta(minutes=2))["accessToken"]["accessKeyId"]
    assert found() != first
