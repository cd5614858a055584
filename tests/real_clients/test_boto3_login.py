"""boto3 on the session that `aws login` left. It needs a library of AWS's for that, which lies apart (`make`)."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from importlib.metadata import requires
from pathlib import Path

import pytest
from absent_software import folder

from federation_bridge.sandbox.aws_cli import AwsCli
from federation_bridge.sandbox.scripted_user import ScriptedUser
from real_clients.real_client_factories import ME, Home
from real_clients.test_aws_login import age_credentials, cache_of, log_in_remotely

pytestmark = pytest.mark.interop

_LOCKED = Path(__file__).parents[2] / "deploy" / "requirements" / "boto3_crt.txt"


@pytest.fixture(scope="session")
def crt() -> str:
    """Where the library lies: apart, for botocore signs every request by it wherever it finds it."""
    return str(folder(Path(sys.prefix) / "boto3-crt", "`make test` fetches it"))


def test_the_library_is_the_one_that_the_locked_botocore_asks_for() -> None:
    name, _, version = _LOCKED.read_text().split()[0].partition("==")
    (wanted,) = [one for one in requires("botocore") or () if one.startswith(name)]
    assert f"=={version})" in wanted or f"=={version};" in wanted.replace(" ", "")


def test_boto3_uses_the_session_of_aws_login_and_renews_it_with_the_same_key(
    home: Home, cli: AwsCli, ada: ScriptedUser, crt: str
) -> None:
    log_in_remotely(home, cli, ada)
    lent = {"AWS_PROFILE": "remote", "PYTHONPATH": crt}
    assert home.boto3_whoami(**lent).startswith(ME)
    before = age_credentials(home, timedelta(minutes=2))
    assert home.boto3_whoami(**lent).startswith(ME)
    after = json.loads(cache_of(home).read_text())
    assert after["accessToken"]["accessKeyId"] != before["accessToken"]["accessKeyId"]
    assert after["refreshToken"] != before["refreshToken"]
    assert after["dpopKey"] == before["dpopKey"]
    assert home.whoami(cli, "--profile", "remote").startswith(ME)


def test_boto3_without_that_library_says_which_one_is_missing(home: Home, cli: AwsCli, ada: ScriptedUser) -> None:
    log_in_remotely(home, cli, ada)
    done = home.boto3(AWS_PROFILE="remote")
    assert done.returncode == 1
    assert "MissingDependencyException" in done.stderr
    assert "botocore[crt]" in done.stderr
